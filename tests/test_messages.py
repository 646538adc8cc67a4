"""The features message: its keys and their content, numbers that are numbers, names that are anybody's."""

import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.instants import instant
from gateway.model import Quality
from gateway.publish.messages import QUALITIES, Writer, numbers
from tests.made import KEYS, T0, features
from tests.packets import strict

IDENTITY = ("greenhouse-1", "bench", "S3", "0123abcd")
names = st.one_of(
    st.text(max_size=20), st.sampled_from(['"', "\\", "%", "%b%s%%", "\x00\n", "\ud800", "𝄞", "</script>"])
)
floats = st.floats(allow_infinity=False, allow_nan=False)


def written(made, *, condensed=None, clock=None, tags=None, identity=IDENTITY, rows=False):
    """The documents of all readings, or the one document with rows."""
    writer = Writer(identity, tags or {})
    if rows:
        return strict(writer.rows(made, 0, len(made), condensed or {}, clock))
    return [strict(payload) for payload in writer.readings(made, 0, len(made), condensed or {}, clock)]


def test_a_message():
    """The message of a reading has the contract's keys and nothing else when there is nothing else to say."""
    made = features([7], columns=[[0.5206], [2.8543], [50.9], [0.25]], value=[51.237])
    assert written(made) == [
        {
            "gateway": "greenhouse-1",
            "board": "bench",
            "sensor": "S3",
            "run": "0123abcd",
            "seq": 7,
            "time": instant(T0 + 7),
            "value": 51.237,
            "unit": "°C",
            "n": 7,
            "quality": "ok",
            "normalized": 0.5206,
            "feature": 2.8543,
            "mean": 50.9,
            "std": 0.25,
        }
    ]


def test_what_there_is_to_say_more():
    """`tags`, `count`, `condensed` and `clock` are there where they say something, reading by reading."""
    made = features([1, 2, 3], count=[None, 41, 0])
    first, second, third = written(made, condensed={3: 5}, clock="unsynced", tags={"room": 'a "b" 50 %'})
    optional = ("count", "condensed", "clock", "tags")
    assert {key: first[key] for key in optional if key in first} == {
        "clock": "unsynced",
        "tags": {"room": 'a "b" 50 %'},
    }
    assert (second["count"], "condensed" in second) == (41, False)
    assert (third["count"], third["condensed"]) == (0, 5)


def test_alarms():
    """`alarm` is there while it is on, reading by reading; and in rows a column where one of them has it."""
    made = features([1, 2, 3])
    made.alarm = b"\0\1\2"
    assert [one.get("alarm", "none") for one in written(made)] == ["none", "above", "below"]
    document = written(made, rows=True)
    at = document["columns"].index("alarm")
    assert (document["columns"][at - 1], [row[at] for row in document["rows"]]) == ("n", [None, "above", "below"])
    made.alarm = b"\0\0\0"
    assert "alarm" not in written(made, rows=True)["columns"]


@pytest.mark.parametrize("quality", Quality)
def test_qualities(quality):
    """A quality is written by its name, in both payloads."""
    made = features([1], quality=bytes([QUALITIES.index(quality)]))
    assert written(made)[0]["quality"] == quality.value
    document = written(made, rows=True)
    assert document["rows"][0][document["columns"].index("quality")] == quality.value


@given(st.lists(st.tuples(floats, st.one_of(floats, st.just(math.nan), st.just(math.inf))), min_size=1, max_size=20))
@example([(5e-324, math.nan), (1.7976931348623157e308, -math.inf), (-0.0, 1e16), (0.1, 1e-7)])
def test_numbers_are_the_same_after_reading(pairs):
    """Each number comes back bit by bit; a feature without a value is null, and NaN never reaches a payload."""
    made = features(
        range(1, len(pairs) + 1),
        keys=("normalized",),
        value=[value for value, _ in pairs],
        columns=[[column for _, column in pairs]],
    )
    expected = [(value, column if math.isfinite(column) else None) for value, column in pairs]
    assert [(one["value"], one["normalized"]) for one in written(made)] == expected
    document = written(made, rows=True)
    at = [document["columns"].index(key) for key in ("value", "normalized")]
    assert [tuple(row[i] for i in at) for row in document["rows"]] == expected


@given(
    names,
    names,
    names,
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), names, max_size=3),
)
def test_names_come_as_they_are(board, sensor, unit, tags):
    """Whatever is in a name, a unit or a tag, the message is JSON in UTF-8 that says it again (but surrogates)."""

    def sayable(text: str) -> str:
        return text.encode(errors="replace").decode()

    made = features([1, 2], unit=unit)
    identity = ("g", board, sensor, "r")
    expected = tuple(map(sayable, (board, sensor, unit)))
    for one in [*written(made, identity=identity, tags=tags), written(made, identity=identity, tags=tags, rows=True)]:
        assert (one["board"], one["sensor"], one["unit"]) == expected
        assert one.get("tags", {}) == {key: sayable(value) for key, value in tags.items()}


def test_features_of_any_name():
    """A feature's name is written as JSON too: a user chooses it."""
    keys = ("normalized", 'a"b', "50%", "c\\d")
    made = features([1], keys=keys, columns=[[1.0], [2.0], [3.0], [4.0]])
    assert [written(made)[0][key] for key in keys] == [1.0, 2.0, 3.0, 4.0]


@given(
    st.lists(st.one_of(st.none(), st.integers(-(2**70), 2**70)), min_size=1, max_size=12),
    st.sets(st.integers(1, 12)),
    st.sampled_from([None, "unsynced"]),
)
def test_rows_say_what_readings_say(counts, before, clock):
    """`rows` holds the same as the messages of its readings: once what is the same, and by column what is not."""
    made = features(range(1, len(counts) + 1), count=counts)
    condensed = {seq: seq * 3 for seq in before}
    document = written(made, condensed=condensed, clock=clock, tags={"room": "x"}, rows=True)
    columns, rows = document.pop("columns"), document.pop("rows")
    own = [one for one in ("count", "condensed") if one in columns]
    assert columns == ["seq", "time", "value", "quality", "n", *own, *KEYS]
    assert ("count" in columns) == any(count is not None for count in counts)
    assert ("condensed" in columns) == any(seq in condensed for seq in made.seq)
    assert list(document) == ["gateway", "board", "sensor", "run", "unit", "tags", *(["clock"] if clock else [])]
    singles = written(made, condensed=condensed, clock=clock, tags={"room": "x"})
    for row, single in zip(rows, singles, strict=True):
        told = {key: value for key, value in zip(columns, row, strict=True) if value is not None or key not in own}
        assert told | document == single


def test_a_part_of_a_batch():
    """Rows in the middle of a batch are written as they are, with the units and keys of later batches."""
    writer = Writer(IDENTITY, {})
    made = features(range(1, 9), count=range(101, 109))
    got = [strict(one) for one in writer.readings(made, 3, 6, {}, None)]
    assert [(one["seq"], one["count"], one["value"], one["n"]) for one in got] == [
        (seq, 100 + seq, 20 + seq / 8, seq) for seq in (4, 5, 6)
    ]
    other = features([9], unit="°F", keys=("normalized",), columns=[[0.1]])
    (last,) = (strict(one) for one in writer.readings(other, 0, 1, {}, None))
    assert (last["unit"], last["normalized"], "mean" in last) == ("°F", 0.1, False)


def test_numbers_of_several_columns():
    """The texts come column after column; integers have no point."""
    assert numbers([[1, 2], [0.5, math.nan]]) == [b"1", b"2", b"0.5", b"null"]


@given(st.integers(0, 4_000_000_000_000))
def test_time(ms):
    """A time is RFC 3339 in UTC with milliseconds, and a whole millisecond stays what it was."""
    text = instant(ms / 1000)
    assert len(text) == 24
    assert text.endswith("Z")
    assert round(datetime.fromisoformat(text).timestamp() * 1000) == ms
    assert datetime.fromisoformat(text).tzinfo == UTC


def test_json_is_compact():
    """No space is wasted: a message is as long as its compact JSON."""
    (payload,) = Writer(IDENTITY, {"room": "x"}).readings(features([1], count=[2]), 0, 1, {1: 3}, None)
    assert len(payload) == len(json.dumps(json.loads(payload), ensure_ascii=False, separators=(",", ":")).encode())

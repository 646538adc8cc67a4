"""Lines read together are lines read one by one: the same readings, refusals and counts, whatever comes and how."""

import re
from dataclasses import asdict
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.formats import decoder
from gateway.ingest.intake import Intake
from gateway.ingest.numbers import SHORT, floats
from gateway.ingest.sensors import Sensors
from gateway.ledger import Account
from gateway.model import (
    Board,
    Chunk,
    Decoded,
    Format,
    FormatOptions,
    Frame,
    Noise,
    Port,
    Refusal,
    Sample,
    Treatment,
    Why,
)
from tests.lines_made import CUTS, RANDOM, cut, objects, options, pairs, row, stream


class OneByOne:
    """A format without its stretches."""

    def __init__(self, inner: Format) -> None:
        self.inner = inner

    @property
    def name(self) -> str:
        return self.inner.name

    def decode(self, frame: Frame) -> Decoded | Refusal | Noise:
        return self.inner.decode(frame)


def heard(board: Board, made: Format, chunks: list[bytes], treatment: Treatment | None) -> object:
    """All that can be seen of a board whose bytes come in these chunks."""
    told: list[object] = []
    account = Account()

    def take(_: str, samples: list[Sample], at: Chunk) -> None:
        told.append((repr(samples), at))  # repr tells -0.0 from 0.0, and says every bit

    sensors = Sensors(told.append)
    intake = Intake(board, made, take, account, lambda: told.append("changed"), sensors)
    if treatment is not None:
        sensors.treat(lambda own: treatment)
    for at, chunk in enumerate(chunks):
        told.append(intake.feed(chunk, Chunk(1000.0 + at, float(at))))
        told.append(dict(intake.failed))
    return told, asdict(account), made.name


TREATMENTS = [*[None] * 6, Treatment(gain=1e307), Treatment(unit="°F", offset=0.1)]


def same(name, random, options, data, cuts):
    """Asserts that a board's bytes come to the same with and without stretches."""
    most, treatment = random.choice([256, 256, 256, 3]), random.choice(TREATMENTS)
    board = Board("b", Port("/dev/x"), name, options, max_line=150, max_sensors=most)
    chunks = cut(data, cuts)
    together, one_by_one = decoder(name, options), OneByOne(decoder(name, options))
    if options.line_end:
        one_by_one.framing = together.framing
    assert heard(board, together, chunks, treatment) == heard(board, one_by_one, chunks, treatment)


@pytest.mark.parametrize("name", ["csv", "plain", "auto"])
@given(RANDOM, CUTS)
def test_rows_read_together(name, random, cuts):
    """Rows of one shape, cut anywhere and mixed with anything, come to what they come to one by one."""
    given = options(
        random,
        columns=[("a", "", "count"), ("sensor", "value"), ("count", "T1", "T2"), ("count", "T1", "", "T2")],
        unit=[("°F",), ("°C", "%")],
        none=[(85,), (-127, "nan"), ("0.1",), ("85 C", "-127.00C"), ("21.5 *C", "85%")],
        separator=[",", ";"],
        decimal=[",", "."],
        line_end=[";"],
    )
    same(name, random, given, stream(random, row), cuts)


@pytest.mark.parametrize("name", ["kv", "auto"])
@given(RANDOM, CUTS)
def test_pairs_read_together(name, random, cuts):
    """Lines of the same pairs, cut anywhere and mixed with anything, come to what they come to one by one."""
    given = options(
        random,
        columns=[("T1=T2",), ("T1=", "hum=humid"), ("a", "b"), ("T2=count",)],
        unit=[("°F",), ("°C", "%")],
        also=[("humidity",)],
        none=[(85,), (-127, "nan"), ("0.1",), ("85 C", "-127.00C"), ("21.5 *C", "85%")],
        decimal=[",", "."],
    )
    same(name, random, given, stream(random, pairs), cuts)


@pytest.mark.parametrize("name", ["json", "auto"])
@given(RANDOM, CUTS)
def test_objects_read_together(name, random, cuts):
    """Objects of the same keys, cut anywhere and mixed with anything, come to what they come to one by one."""
    given = options(
        random,
        columns=[("T1=T2",), ("T1=", "hum=humid"), ("a", "b"), ("T2=count", "at=sensor"), ("id=sensor",)],
        unit=[("°F",), ("°C", "%")],
        also=[("humidity",)],
        none=[(85,), (-127, "nan"), ("0.1",), ("85 C", "-127.00C"), ("21.5 *C", "85%")],
        records=["S"],
        after=["="],
    )
    same(name, random, given, stream(random, objects), cuts)


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        (b'{"value":21.5,"type":"DS18B20"}', b'{"value":55.2,"type":"humidity"}'),
        (b'{"n1":{"value":21.5,"type":"x"}}', b'{"n1":{"value":1013.2,"type":"pressure"}}'),
        (b'{"value":21.5,"u":""}', b'{"value":70.1,"u":"F"}'),
        (b'{"value":21.5,"name":""}', b'{"value":21.5,"name":"Boiler"}'),
        (b'{"sensor":"A","value":21.5,"kind":"x"}', b'{"sensor":"A","value":55.2,"kind":"humidity"}'),
        (b'{"value":21.5,"unit":"C","units":""}', b'{"value":21.5,"unit":"C","units":"F"}'),
        (b'{"sensor":"A","value":21.5,"unit":"C"}', b'{"sensor":"B","value":70.7,"unit":"F"}'),
        (b'{"sensor":"A","value":21.5,"unit":"C"}', b'{"sensor":"humidity","value":70.7,"unit":"C"}'),
        (b'{"sensor":"A","value":21.5,"units":"F","unit":"C"}', b'{"sensor":"B","value":70.7,"units":"F","unit":"C"}'),
    ],
)
def test_a_text_beside_a_value_ends_a_stretch(before, behind):
    """Where the text beside a value begins to say what the value is, it is read by that, in the first line too."""
    data = (before + b"\n") * 13 + behind + b"\n" + (before + b"\n") * 5
    same("json", Random(1), FormatOptions(), b"\n" + data, [5 * len(before) + 6])


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("kv", b"T1=21.5 C", b"T1=-127.0 C"),
        ("csv", b"21.5 C,22.0 C", b"-127.0 C,22.0 C"),
        ("plain", b"21.5 C 22.0 C", b"-127.0 C 22.0 C"),
        ("auto", b"T1=21.5 C", b"T1=-127.0 C"),
        ("auto", b"21.5 C,22.0 C", b"-127.0 C,22.0 C"),
    ],
)
def test_a_mark_with_its_unit_is_found_behind_good_lines(name, good, bad):
    """A text of `none` that is a number and its unit is an error mark, however many lines were read before it."""
    options = FormatOptions(none=("-127.0 C",))
    made = decoder(name, options)
    for _ in range(9):
        assert isinstance(made.decode(good), Decoded)
    together = made.stretch([bad] * 9)
    found = made.decode(bad)
    marked = found.why if isinstance(found, Refusal) else {each.why for each in found.bad}
    assert (together, marked) == (None, Why.ERROR_MARK if isinstance(found, Refusal) else {Why.ERROR_MARK})


WHOLE = {
    "json": [
        '{"T1":21.5,"at":"é"}',
        '{"T1":21.5,"at":12}',
        '{"at":"x","T1":-0}',
        '{"at":"x","T1":1e123}',
        '{"T1":21.5,"count":1234567890123456789}',
        '{"T1":{"T1":21.5,"b":{"ok":true}}}',
    ],
    "kv": ["T1:21.5 °C, T2:19.88 °C, MSG:12", "T1:21.5,T2:19.88"],
    "csv": ["(21.5, 19.88)", "21.5;19.88;", "21.5,19.88"],
    "plain": ["temperatures: 21.5 °C 22.5 °C", "21.5 22.5"],
}


@pytest.mark.parametrize(("name", "good"), [(name, line) for name, lines in WHOLE.items() for line in lines])
def test_a_cut_line_is_in_no_stretch_that_decode_does_not_read(name, good):
    """Wherever a line is cut, many such halves come to what one comes to, behind good lines of whichever kind."""
    before = good.encode()
    for line in WHOLE[name]:
        torn = re.sub("21.5|-0|1e123", "23.25", line).encode()
        for at in range(len(torn) + 1):
            together, one_by_one = decoder(name, FormatOptions()), decoder(name, FormatOptions())
            for _ in range(3):
                assert together.decode(before) == one_by_one.decode(before)
            together.stretch([before] * 8)
            found = together.stretch([torn[:at]] * 6)
            if found is not None:
                alone = [one_by_one.decode(torn[:at]) for _ in range(found.frames)]
                width = len(found.samples) // found.frames
                assert alone == [Decoded(found.samples[:width], [])] * found.frames


def test_a_part_of_an_object_is_not_its_sensors():
    """What is known of the keys of a sensor is not said of a part of the line that has the same keys."""
    lines = b'{"sensor":"A1","T1":1.5,"T3":2.5}\n' * 9, b'{"sensor":"A1","T1":{"T3":5.5}}\n' * 30
    same("json", Random(1), FormatOptions(), b"\n" + b"".join(lines), [340, 600, 900])


@given(st.lists(st.from_regex(re.compile(SHORT.encode(), re.ASCII), fullmatch=True), min_size=1))
def test_floats_are_those_of_float(texts):
    """Many numbers at once are, bit for bit, what float() gives for each."""
    assert list(map(repr, floats(texts))) == [repr(float(text)) for text in texts]


@pytest.mark.parametrize(
    ("name", "line", "odd", "again"),
    [
        ("csv", b"21.5,22.5", b"21.5,nan", [b"21.5,22.5"]),
        ("plain", b"21.5 22.5", b"21.5 nan", [b"21.5 22.5"]),
        ("kv", b"T1:21.5,T2:22.5", b"T1:21.5,T2:nan", []),
        ("json", b'{"T1":21.5,"T2":22.5}', b'{"T1":21.5,"T2":null}', []),
        ("json", b'{"sensor":"S1","value":21.5}', b'{"sensor":"S2","value":21.5}', []),
        ("json", b'{"sensor":"S1","value":21.5,"unit":"C"}', b'{"sensor":"S1","value":70.7,"unit":"F"}', []),
        ("json", b'{"type":"temperature","value":21.5}', b'{"value":21.5,"type":"temperature"}', []),
    ],
)
def test_a_chunk_is_read_at_once(name, line, odd, again):
    """Of lines that come together those that end a stretch are read alone, and those that show that all goes on."""
    made = decoder(name, FormatOptions())
    calls = []
    alone = made.decode
    made.decode = lambda frame: calls.append(frame) or alone(frame)
    account = Account()
    intake = Intake(Board("b", Port("/dev/x"), name), made, lambda *_: None, account, lambda: None)
    intake.feed(b"\n" + (line + b"\n") * 10, Chunk(0.0, 0.0))
    calls.clear()
    intake.feed((line + b"\n") * 100 + odd + b"\n" + (line + b"\n") * 100, Chunk(0.0, 0.0))
    assert calls == [odd, *again]
    assert account.decoded == 211

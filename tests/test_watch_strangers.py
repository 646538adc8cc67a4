"""What others write on a gateway's topics changes nothing of what is known of it, and what is known is bounded."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.watch import state as limits
from gateway.watch.known import RUNS
from gateway.watch.state import State
from tests.watched import RUN, board, heard, only, reading, row, seen, status, topic


@pytest.mark.parametrize(
    "payload",
    [
        b"no JSON", b"[" * 100_000, b"[]", b"3", b"\xff\xfe", b"{}", b'{"state": "online"}',
        b'{"state": 3, "run": "x"}',
        b'{"state": "online", "run": ["x"]}', b'{"state": "online", "run": "x", "gateway": "another"}',
        b'{"gateway": "g", "board": "bench", "sensor": "S1", "run": "r", "seq": "1", "value": 1}',
        b'{"gateway": "g", "board": "bench", "sensor": "S1", "run": "r", "seq": 1, "value": NaN}',
        b'{"gateway": "g", "board": "bench", "sensor": "S1", "run": "r", "seq": 1, "value": 1e999}',
        b'{"gateway": "g", "board": "other", "sensor": "S1", "run": "r", "seq": 1, "value": 1}',
        b'{"gateway": "g", "board": "bench", "sensor": "S1", "run": "r", "rows": 7, "columns": []}',
        b'{"state": "sideways"}',
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "kind", [("status",), ("bench", "status"), ("bench", "S1", "features"), ("bench", "S1", "alarm")]
)
def test_rubbish_changes_nothing(payload, kind):
    """What no gateway writes is counted, and the rest stays as it was."""
    state = heard(status(), board(), reading(1))
    before = seen(state)
    heard((topic(*kind), payload), state=state)
    after = seen(state)
    if payload == b"{}" and kind[-1] == "alarm":
        return
    assert (after.rows, after.boards, after.run, after.state) == (before.rows, before.boards, before.run, before.state)
    assert (after.rubbish, after.worst) == (1, topic(*kind))


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(st.data())
def test_wrong_types_everywhere_are_survived(data):
    """Any value in the place of any other, in any document: nothing raises, and it can be looked at."""
    where, payload = data.draw(
        st.sampled_from([reading(1), status(), board(), (topic("bench", "S1", "alarm"), b'{"state": "above"}')])
    )
    document = json.loads(payload)
    for key in data.draw(st.lists(st.sampled_from([*document, "rows", "columns"]), max_size=4)):
        document[key] = data.draw(ANY)
    state = heard(status(), board(), (where, json.dumps(document).encode()), reading(2))
    assert seen(state).rows


@given(st.lists(st.text(max_size=12), max_size=5), st.binary(max_size=60))
def test_any_topic_is_survived(levels, payload):
    """Of whatever is below the prefix only the gateway's own topics count."""
    heard(("/".join(["gateway", *levels]), payload), ("elsewhere", payload))


def test_a_false_run_is_not_believed_for_long():
    """A document of another run than the readings that go on is told of, and the run shown is theirs."""
    state = heard(status(), reading(1), status(run="false", state="offline"))
    assert (seen(state).run, seen(state).state) == ("false", "offline")
    heard(*(reading(seq) for seq in (2, 3, 4)), state=state)
    now = seen(state)
    assert (now.run, now.state, now.missing, now.received) == (RUN, "online", 0, 4)
    assert "not written by it" in now.doubt
    heard(status(), state=state)
    assert seen(state).doubt == ""


def test_who_speaks_is_not_offline():
    """A false offline, in the right run, of the gateway and of a board."""
    state = heard(status(state="offline", reason="stopped"), board(state="offline"), reading(1))
    assert (seen(state).state, row(state).stale) == ("offline", "offline")
    heard(*(reading(seq) for seq in (2, 3)), state=state)
    assert (seen(state).state, seen(state).boards[0].state, row(state).stale) == ("online", "online", "")
    assert "says offline, but it speaks" in seen(state).doubt


def test_a_stranger_is_not_shown():
    """A reading of another run is counted, and no value that anybody sees."""
    state = heard(status(), reading(1), reading(9, run="false", value=99.0), reading(2))
    assert (row(state).value, only(state).strangers, only(state).missing) == (22.0, 1, 0)


def test_a_restart_is_no_stranger():
    """The document of the new run comes first; what was inherited keeps the old run."""
    state = heard(status(), reading(5), status(run="next"), reading(1, run="next"), reading(6, replayed=True))
    assert (seen(state).run, row(state).value, only(state).strangers, only(state).received) == ("next", 21.0, 0, 3)


def test_what_is_kept_is_bounded(monkeypatch):
    """Sensors, boards, gateways and runs beyond are counted, or forgotten, and not kept."""
    for name in ("GATEWAYS", "BOARDS", "SENSORS"):
        monkeypatch.setattr(limits, name, 3)
    state = heard(*(reading(1, sensor=f"S{i}") for i in range(5)), *(board(f"b{i}", sensors={}) for i in range(5)))
    assert (len(only(state).streams), len(only(state).boards), only(state).beyond) == (3, 3, 4)
    heard(*(reading(1, run=f"r{i}", replayed=True) for i in range(9)), reading(1, sensor="S0", run="x"), state=state)
    assert all(len(stream.runs) <= RUNS for stream in only(state).streams.values())
    heard(*((topic("status", gateway=f"g{i}"), b"{}") for i in range(9)), state=state)
    assert len(state.gateways) == 3


def test_a_long_text_is_not_kept():
    """A name of 70 kB has a level of its own, and is cut where it is kept; so is a unit, a sentence, a fault."""
    name = "x" * 70_000
    state = heard(
        status(faults={name: {"text": name}}), board(name, reason=name), reading(1, board=name, unit=name, quality=name)
    )
    now = seen(state)
    texts = [*now.told.faults, *now.told.faults.values(), now.boards[0].board, now.boards[0].told.reason]
    texts += [now.rows[0].board, now.rows[0].unit, now.rows[0].quality]
    assert all(0 < len(text) <= 400 for text in texts)


def test_a_gateway_may_be_named():
    """Of others on the same broker nothing is kept then."""
    state = State("gateway", "other")
    heard(reading(1), state=state)
    assert not state.gateways

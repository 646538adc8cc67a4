"""A sensor's alarm: when it begins, when it ends, and that cuts into batches do not matter."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.publish.alarm import ABOVE, BELOW, CLEAR, Told, Watch, changes
from gateway.sending import Alarm
from tests.test_condense import pieces_of

values = st.lists(st.integers(0, 40).map(float), min_size=1, max_size=60)


def states(alarm: Alarm, values: list[float], mono: list[float] | None = None) -> list[int]:
    """The state after each value; a value a second where no times are given."""
    return list(Watch(alarm).states(mono or [float(at) for at in range(len(values))], values))


def by_the_rule(alarm: Alarm, mono: list[float], values: list[float]) -> list[int]:
    """The same as docs/configuration.md says it: each value looks back over all before it."""
    high = float("inf") if alarm.above is None else alarm.above
    low = float("-inf") if alarm.below is None else alarm.below
    out, state = [], CLEAR
    for at, value in enumerate(values):
        sides = {ABOVE: lambda x: x > high, BELOW: lambda x: x < low}
        for side, beyond in sides.items():
            first = at + 1
            while first > 0 and beyond(values[first - 1]):
                first -= 1
            if side != state and first <= at and mono[at] - mono[first] >= alarm.hold:
                state = side
                break
        else:
            if (state == ABOVE and value <= high - alarm.clear) or (state == BELOW and value >= low + alarm.clear):
                state = CLEAR
        out.append(state)
    return out


def test_a_limit_itself_is_no_alarm():
    """Above is above: 71 is none, the next number is, and the first one that is back ends it."""
    assert states(Alarm(above=71.0), [70.9, 71.0, 71.00001, 71.0, 72.0, 70.0]) == [0, 0, 1, 0, 1, 0]
    assert states(Alarm(below=5.0), [5.1, 5.0, 4.99999, 5.0, 4.0, 6.0]) == [0, 0, 2, 0, 2, 0]


def test_hysteresis():
    """It ends `clear` behind the limit, and not before; 20.2 - 0.1 is 20.1, whatever doubles make of it."""
    assert states(Alarm(above=71.0, clear=2.0), [72.0, 70.9, 69.1, 69.0, 70.9, 71.1]) == [1, 1, 1, 0, 0, 1]
    assert states(Alarm(below=5.0, clear=2.0), [4.0, 6.9, 7.0, 5.0, 4.9]) == [2, 2, 0, 0, 2]
    assert 20.2 - 0.1 < 20.1
    assert states(Alarm(above=20.2, clear=0.1), [20.3, 20.1]) == [1, 0]


def test_duration():
    """Every value of the time has to be beyond the limit; the one that is there when it has passed begins it."""
    alarm = Alarm(above=71.0, hold=3.0)
    assert states(alarm, [72, 72, 72, 72, 70, 72, 72, 71, 72, 72, 72, 72]) == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert states(Alarm(below=5.0, clear=1.0, hold=2.0), [4, 4, 4, 5, 6, 4, 4, 4]) == [0, 0, 2, 2, 0, 0, 0, 2]


def test_readings_farther_apart_than_the_duration():
    """A board that is polled every minute: the second reading in a row that is beyond begins the alarm."""
    alarm = Alarm(above=71.0, hold=5.0)
    assert states(alarm, [72, 70, 72, 72], [0.0, 60.0, 120.0, 180.0]) == [0, 0, 0, 1]


def test_both_sides():
    """From one side to the other at once, or by way of none while the duration passes; one hysteresis for both."""
    alarm = Alarm(above=30.0, below=10.0, clear=5.0)
    assert states(alarm, [31, 26, 25, 9, 14, 15, 31, 9, 31]) == [1, 1, 0, 2, 2, 0, 1, 2, 1]
    assert states(Alarm(above=30.0, below=10.0, hold=2.0), [31, 31, 31, 9, 9, 9]) == [0, 0, 1, 0, 0, 2]


alarms = st.builds(
    lambda low, gap, clear, hold, sides: Alarm(
        low + gap if "a" in sides else None, low if "b" in sides else None, float(min(clear, gap - 1)), hold
    ),
    st.integers(5, 20).map(float), st.integers(1, 15), st.integers(0, 6), st.sampled_from([0.0, 0.0, 2.0, 5.0]),
    st.sampled_from(["a", "b", "ab"]),
)  # fmt: skip


@given(alarms, values, st.lists(st.integers(0, 100), max_size=8), st.data())
def test_any_values_in_any_batches(alarm, values, cuts, data):
    """What the rule says of each value by looking back is what comes, however the values are cut."""
    steps = data.draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, 60.0]), min_size=len(values), max_size=len(values)))
    mono = [sum(steps[: at + 1]) for at in range(len(values))]
    watch, out = Watch(alarm), []
    for rows in pieces_of(len(values), cuts):
        decided, before = watch.decided, len(out)
        out += watch.states(mono[rows.start : rows.stop], values[rows.start : rows.stop])
        if decided is None and watch.decided is not None:
            said = [out[at] > 0 or not by_side(alarm, values[at]) for at in rows]
            assert said.index(True) == watch.decided and not any(out[:before])
    assert out == by_the_rule(alarm, mono, values)


def by_side(alarm: Alarm, value: float) -> bool:
    """Whether a value is beyond a limit."""
    return (alarm.above is not None and value > alarm.above) or (alarm.below is not None and value < alarm.below)


def test_it_is_not_decided_while_the_first_values_wait():
    """Beyond the limit from the start on, and for how long nobody knows: until then there is nothing to say."""
    watch = Watch(Alarm(above=71.0, hold=2.0))
    assert (watch.states([0.0, 1.0], [80.0, 80.0]), watch.decided) == (b"\0\0", None)
    assert (watch.states([2.0], [80.0]), watch.decided) == (b"\1", 0)


def test_other_limits():
    """An alarm that is on goes on under other limits, as long as there is one on its side."""
    assert Watch(Alarm(above=80.0, clear=10.0), ABOVE).states([0.0, 1.0], [75.0, 70.0]) == b"\1\0"
    assert Watch(Alarm(below=5.0), ABOVE).states([0.0], [75.0]) == b"\0"


@pytest.mark.parametrize(
    ("before", "after", "rows"), [(0, b"\0\0", []), (0, b"\1\1", [0]), (1, b"\1\0\2", [1, 2]), (2, b"\2", [])]
)
def test_changes(before, after, rows):
    """The rows at which the state becomes another."""
    assert changes(before, after) == rows


def test_its_document():
    """State, time and value; while the clock was not set it says so, and the time is put right once it is."""
    told = Told(ABOVE, 1_795_000_000.0, 12.5, 71.3)
    assert json.loads(told.document(None)) == {"state": "above", "since": "2026-11-18T11:06:40.000Z", "value": 71.3}
    unset = Told(CLEAR, 12.5, 12.5, 20.0, unset=True)
    assert json.loads(unset.document(None)) == {
        "state": None, "since": "1970-01-01T00:00:12.500Z", "value": 20.0, "clock": "unsynced"
    }  # fmt: skip
    assert json.loads(unset.document(1_795_000_000.0))["since"] == "2026-11-18T11:06:52.500Z"
    assert json.loads(unset.document(1_795_000_000.0))["clock"] == "corrected"

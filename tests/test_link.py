"""The life-cycle table, and the patience with a quiet board."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.link import LINK, Event, State, advance, patience, shown, usual, usual_after


def walk(*events: Event) -> State:
    state = State.OFFLINE
    for event in events:
        state = advance(state, event)
    return state


def test_a_whole_life():
    """A board is found, opened, settles, falls silent, speaks again and is unplugged."""
    assert walk(Event.FOUND, Event.OPENED, Event.SETTLED) is State.ONLINE
    assert walk(Event.FOUND, Event.OPENED, Event.SETTLED, Event.QUIET) is State.SILENT
    assert walk(Event.FOUND, Event.OPENED, Event.SETTLED, Event.QUIET, Event.BYTES) is State.ONLINE
    assert walk(Event.FOUND, Event.REFUSED) is State.OFFLINE


@pytest.mark.parametrize("state", [state for state in State if state is not State.OFFLINE])
def test_a_loss_leads_to_offline_from_everywhere(state):
    """Whatever a link was doing, when its port is gone it is offline."""
    assert advance(state, Event.GONE) is State.OFFLINE


@pytest.mark.parametrize("state, event", sorted(pair for pair in itertools.product(State, Event) if pair not in LINK))
def test_what_nobody_thought_of_raises(state, event):
    """A pair that is not in the table is a mistake of ours, and says which."""
    with pytest.raises(ValueError, match=f"{state}.*{event}"):
        advance(state, event)


def test_every_state_is_reached_and_left():
    """No state is a trap, and none is unreachable."""
    assert {old for old, _ in LINK} == set(State)
    assert set(LINK.values()) == set(State)


def test_patience():
    """Silence begins after 30 s, or after 5 usual intervals of a slow board, or when the user says."""
    assert patience(None) == 30.0
    assert patience(0.01) == 30.0
    assert patience(60.0) == 300.0
    assert patience(60.0, configured=2.0) == 2.0


def after(pauses: list[float], interval: float | None = None) -> float:
    for pause in pauses:
        interval = usual(interval, pause)
    assert interval is not None
    return interval


@given(st.floats(0.001, 120.0), st.integers(1, 50))
def test_a_regular_board_has_its_interval(interval, times):
    """The usual interval of a board that speaks regularly is that interval, from the first pause on."""
    assert after([interval] * times) == pytest.approx(interval)


def test_a_burst_every_minute_is_a_minute_apart():
    """Twenty lines at once and then a minute of quiet: the board is not silent in the 58th second."""
    assert patience(after(([0.02] * 20 + [60.0]) * 10)) > 120.0


def test_a_board_that_became_fast_is_soon_expected_to_be():
    """After twenty minutes at ten lines a second nobody waits five minutes for the next line any more."""
    slow = after([60.0] * 10)
    assert patience(slow) == pytest.approx(300.0)
    assert patience(after([0.1] * 12_000, slow)) == 30.0


def test_a_day_of_silence_is_no_usual_interval():
    """A board that was away for a day falls silent within minutes when it is quiet the next time."""
    assert patience(after([1.0] * 1000 + [86_400.0])) < 300.0


def test_a_board_that_slowed_down_for_good_is_known_after_a_few_pauses():
    """Ten minutes between frames are usual after some of them, and no silence any more."""
    assert patience(after([1.0] * 1000 + [600.0] * 6)) > 600.0


def test_a_port_that_is_opened_anew_in_a_silence():
    """It is silent all the while, and silent after it until it speaks; a port that then does not open is offline."""
    silent = (Event.FOUND, Event.OPENED, Event.SETTLED, Event.QUIET, Event.RENEW)
    assert shown(walk(*silent)) is State.SILENT
    assert walk(*silent, Event.OPENED) is State.SILENT
    assert walk(*silent, Event.OPENED, Event.BYTES) is State.ONLINE
    assert walk(*silent, Event.REFUSED) is State.OFFLINE
    assert {shown(state) for state in State} == {State.ONLINE, State.SILENT, State.OFFLINE, State.LENT}


def test_a_port_that_is_lent():
    """It can be lent whatever it was doing, and for longer; taken back it is offline until it is open."""
    assert {advance(state, Event.LEND) for state in State} == {State.LENT}
    assert walk(Event.LEND, Event.LEND, Event.GONE, Event.FOUND) is State.OPENING


@given(st.none() | st.floats(0, 1e5), st.lists(st.floats(0, 1e6) | st.floats(0, 31)))
def test_many_pauses_are_as_one_by_one(before, pauses):
    """To the last bit."""
    expected = before
    for pause in pauses:
        expected = usual(expected, pause)
    assert usual_after(before, pauses) == expected

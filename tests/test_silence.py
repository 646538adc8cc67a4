"""What is tried with a silent board, and how rarely."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.silence import MOST, Remedy, Silence, pause, remedy

OPEN, DTR = Remedy.REOPEN, Remedy.DTR


@pytest.mark.parametrize(
    "allowed, expected",
    [
        (["reopen"], [OPEN] * 9),
        (["reopen", "dtr"], [OPEN, DTR, OPEN, DTR, OPEN, OPEN, OPEN, DTR, OPEN]),
        (["dtr"], [DTR, DTR, None, DTR, None, None, None, DTR, None]),
        ([], [None] * 9),
    ],
)
def test_what_is_tried(allowed, expected):
    """A reopen first; DTR only where it is allowed, after a reopen, and ever more rarely."""
    assert [remedy(allowed, tried) for tried in range(9)] == expected


def test_the_pauses_grow():
    """Half a minute, then twice as long each time, up to a quarter of an hour; a slow board's patience is respected."""
    assert [pause(tried, 30.0) for tried in range(7)] == [30.0, 60.0, 120.0, 240.0, 480.0, 900.0, 900.0]
    assert pause(10**6, 30.0) == MOST
    assert pause(0, 18_000.0) == pause(5, 18_000.0) == 18_000.0
    assert pause(0, 0.1) == 10.0


def tried_in(allowed: list[str], days: float) -> list[tuple[float, Remedy | None]]:
    """What is tried, and when, with a board that never speaks again."""
    silence, now, tried = Silence(allowed), 0.0, []
    silence.begins(0.0, 30.0)
    while now < days * 86_400:
        tried.append((now, silence.next(now)))
        now = silence.due(30.0)
    return tried


def test_a_board_that_is_silent_for_days():
    """At most four reopens an hour; DTR pulses double their distance, so that a board that speaks hourly gets to it."""
    assert len(tried_in(["reopen"], 2.0)) < 2 * 96 + 6
    pulses = [at for at, what in tried_in(["reopen", "dtr"], 2.0) if what is DTR]
    assert len(pulses) < 10
    assert max(after - before for before, after in pairwise(pulses)) > 3600


def test_a_board_that_speaks_and_hangs_again():
    """One line does not begin the series anew; having spoken for longer than the last pause does."""
    silence = Silence(["reopen"])
    silence.begins(0.0, 30.0)
    assert silence.due(30.0) == 0.0
    for now in (30.0, 60.0, 120.0):
        silence.next(now)
    assert silence.due(30.0) == 240.0
    silence.begins(130.0, 30.0)  # it spoke for 10 s
    assert silence.due(30.0) == 240.0
    silence.begins(250.0, 30.0)  # it spoke for 130 s
    assert silence.due(30.0) == 0.0


def test_nothing_is_due_where_nothing_is_allowed():
    """Without remedies nobody is woken for them."""
    assert Silence([]).due(30.0) == float("inf")


@given(st.integers(0, 10**9), st.floats(0.1, 7 * 86_400))
def test_no_pause_is_short_or_endless(tried, patience):
    """However long it has been tried, the next time comes, and not too soon."""
    assert 10.0 <= pause(tried, patience) <= max(MOST, patience)

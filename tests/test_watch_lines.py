"""A watched gateway in lines, where there is no terminal: what has changed, once, and how it goes."""

from dataclasses import replace

from gateway.watch.sentences import changes, progress
from tests.pictured import many
from tests.watched import board, heard, reading, seen, status, topic


def test_changes_are_said_once():
    """Where there is no terminal: gateway, boards, faults and alarms as they come and go, and nothing else."""
    state = many(1, 1)
    first = seen(state)
    assert changes(None, first) == ["gateway g: online, run 5f0c2a9d41be", "board bench-1: online"]
    assert changes(first, seen(state)) == []
    heard(
        board("bench-1", state="silent", reason="no bytes", sensors={}),
        reading(4, "bench-1", "S1", alarm="above"),
        state=state,
    )
    heard(status(faults={"broker": {"text": "it is slow"}}), board("new", sensors={}), state=state)
    second = seen(state, away=1.0, why="it went")
    assert changes(first, second) == [
        "no broker: it went", "board bench-1: silent (no bytes)", "board new: online", "fault broker: it is slow",
        "alarm bench-1/S1: above",
    ]  # fmt: skip
    assert changes(second, first) == [
        "connected again to broker:1883", "board bench-1: online", "board new: gone", "fault broker: over",
        "alarm bench-1/S1: over",
    ]  # fmt: skip


def test_what_is_gone_is_not_over():
    """A board that was taken away takes its alarms and faults along, and those of a lost gateway are not known."""
    first = heard(
        status(faults={"disk": {"text": "it is full"}}),
        board("bench", faults={"link": {"text": "it is not there"}}), reading(1, alarm="above"), reading(1, "hall"),
    )  # fmt: skip
    before = seen(first)
    heard((topic("bench", "status"), b""), state=first)
    now = seen(first)
    assert changes(before, now) == ["board bench: gone", "fault link of bench: gone", "alarm bench/S1: gone"]
    heard(status(state="offline", reason="lost"), state=first)
    assert changes(now, seen(first)) == ["gateway g: offline (lost), run 5f0c2a9d41be"]


def test_a_thousand_changes_are_counted():
    """A line for each would say nothing."""
    state = heard(status(), *(board(f"b{one}", sensors={}) for one in range(100)))
    found = changes(None, seen(state))
    assert (len(found), found[-1]) == (20, "and 82 more changes")


def test_progress_is_one_line():
    """What came, what is missing, how fast."""
    line = progress(seen(many(spooled=7)))
    assert line == (
        "g: 48 readings of 16 sensors received, 0 missing, 0 twice, 48/s, 7 in the spool, "
        "latency 10 ms (half) 10 ms (99 %)"
    )
    foreign = replace(seen(many()), strangers=2, rubbish=1)
    assert progress(foreign).endswith("; 2 readings of another run; 1 message that no gateway writes")

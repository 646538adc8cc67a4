"""The turns on one port: who is asked when, and what a board that does not answer costs the others."""

import itertools

import pytest

from gateway.ingest.asking.asker import STARTING, Candidate
from gateway.ingest.asking.turns import LEAST, RARELY, Turn
from tests.asked_ports import TIMEOUT, Port, turn


def test_a_grid_without_drift():
    """Questions keep to the grid of `every`, however long the answers take."""
    port = Port(turn(b"R\r", every=0.5))
    port.run(150.0, lambda data: b"1\r", delay=0.123)
    grid = port.times(b"R\r")[1:]
    assert grid == pytest.approx([100.5 + 0.5 * step for step in range(100)])


def test_no_burst_after_a_stall():
    """What a stall has missed is not asked later: the next question is on the grid, and one."""
    port = Port(turn(b"R\r", every=0.5))
    port.run(101.0, lambda data: b"1\r")
    port.now = 107.3
    before = len(port.sent)
    port.run(108.4, lambda data: b"1\r")
    assert [round(at, 2) for at, _ in port.sent[before:]] == [107.3, 107.5, 108.0]


def test_as_fast_as_answers_come():
    """every = 0 asks at once when an answer has come, and yet not without a bound."""
    port = Port(turn(b"R\r", every=0.0))
    port.run(101.0, lambda data: b"1\r")
    times = port.times(b"R\r")
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert min(gaps) >= LEAST - 1e-9
    assert max(gaps) < 2 * LEAST


def test_several_questions_in_turn():
    """Each round asks all questions once, in their order."""
    port = Port(turn(b"A\r", b"B\r", b"C\r", every=1.0))
    port.run(103.9, lambda data: data[:1] + b"1\r")
    assert [data for _, data in port.sent] == [b"A\r", b"B\r", b"C\r"] * 4
    assert [each.place for each in port.heard if isinstance(each, Candidate)] == [0, 1, 2] * 4


def test_one_bad_question_does_not_hide_the_others():
    """A board that leaves one of its questions unanswered is asked the others all the same."""
    port = Port(turn(b"A\r", b"B\r", b"C\r", every=1.0))
    port.run(160.0, lambda data: b"" if data == b"B\r" else data)
    assert len(port.times(b"C\r")) > 10
    assert len(port.times(b"A\r")) > 10
    assert set(port.answers()) == {b"A\r", b"C\r"}


def test_a_dead_board_costs_the_others_little():
    """On a line of several, one that is dead costs a timeout a round and is asked ever more rarely, up to 30 s."""
    live, dead = turn(b"L\r", every=1.0, apart=True), turn(b"D\r", every=1.0, apart=True)
    port = Port(live, dead)
    port.run(400.0, lambda data: b"1\r" if data == b"L\r" else b"")
    asked = port.times(b"D\r")
    gaps = [b - a for a, b in itertools.pairwise(asked)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == pytest.approx(RARELY + TIMEOUT)
    assert len(port.answers()) >= 300 - len(asked) - 2
    port.run(470.0, lambda data: b"1\r")
    assert dead.missed == 0
    assert len(port.times(b"D\r")) > len(asked) + 30, "it is asked as usual again"


def test_slow_boards_do_not_starve_the_others():
    """With more to ask than there is time, each board has its turn."""
    turns = [turn(bytes([name]) + b"\r", every=0.1, apart=True) for name in b"ABCDE"]
    port = Port(*turns)
    port.run(130.0, lambda data: b"1\r", delay=0.2)
    counts = [len(port.times(bytes([name]) + b"\r")) for name in b"ABCDE"]
    assert max(counts) - min(counts) <= 1
    assert min(counts) > 20


def test_start_again():
    """What starts a board is sent after an open, and again after a miss; what it says to that answers nothing."""
    port = Port(turn(b"R\r", start=(b"C,0\r", b"X\r")))
    port.run(100.3)
    port.say(b"*OK\r")
    port.run(103.0, lambda data: b"1\r" if data == b"R\r" else b"")
    assert [data for _, data in port.sent[:3]] == [b"C,0\r", b"X\r", b"R\r"]
    assert port.sent[2][0] >= port.sent[1][0] + STARTING
    before = len(port.sent)
    port.run(110.0)
    assert [data for _, data in port.sent[before:]][:4] == [b"R\r", b"C,0\r", b"X\r", b"R\r"]
    port.asker.opened(port.now)
    before = len(port.sent)
    port.run(115.0, lambda data: b"1\r")
    assert port.sent[before][1] == b"C,0\r"


def test_a_start_alone():
    """A board that speaks by itself once it was started is written to once an open, and never again."""
    port = Port(Turn((), start=(b"POLL 1000\r\n",)))
    port.run(1000.0)
    assert [data for _, data in port.sent] == [b"POLL 1000\r\n"]


def test_not_read_not_asked():
    """While a port is not read nothing is asked, and no question is counted as missed for it."""
    port = Port(turn(b"R\r", every=0.2))
    port.run(100.3)
    assert port.asker.closed() == b""
    port.run(200.0)
    assert (len(port.sent), port.misses()) == (1, 0)
    port.asker.resumed(port.now)
    port.run(201.0, lambda data: b"1\r")
    assert len(port.answers()) > 3


def test_who_leaves_is_not_asked():
    """A board that has left is not asked, and what it still says answers nobody."""
    first, second = turn(b"A\r", every=0.5), turn(b"B\r", every=0.5)
    port = Port(first, second)
    port.run(100.26)
    port.asker.leave(first)
    port.run(100.3)
    port.say(b"late\r")
    port.run(105.0, lambda data: b"1\r")
    assert {data for _, data in port.sent[1:]} == {b"B\r"}
    assert b"late\r" not in port.answers()

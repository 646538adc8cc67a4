"""When a silent process is to blame: the rule, and what /proc says."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from gateway.compute.link import Link
from gateway.compute.silence import LOOK, UNSEEN, WAS_BUSY, WAS_SILENT, WAS_STOPPED, Glance, Silence, glance


def judged(states: str, used: list[float], waiting: float = 1.0, working: float = 1.0) -> list[str | None]:
    """What is said at each look, a quarter of a second apart. states: a letter a look; used: s of a core meanwhile."""
    silence, total, out = Silence(waiting, working), 0.0, []
    for state, more in zip(states, used, strict=True):
        total += more
        out.append(silence.look(LOOK, Glance(state, total)))
    return out


def test_a_stopped_process_is_known_at_the_second_look():
    """T twice in a row is proof; once is none, since a group that goes on does so one by one."""
    assert judged("TT", [0, 0]) == [None, WAS_STOPPED]
    assert judged("TST", [0, 0, 0], waiting=9) == [None, None, None]


@pytest.mark.parametrize("state", "SDtZ")
def test_a_process_that_waits_has_its_time(state):
    """Asleep, in the kernel, under a debugger: after the time that it may wait, and not before."""
    assert judged(state * 4, [0] * 4) == [None, None, None, WAS_SILENT]


def test_a_process_that_gets_no_core_is_never_blamed():
    """It could run, and others have the cores: that is no fault of its own, however long it takes."""
    assert set(judged("R" * 400, [0.0] * 400)) == {None}
    assert set(judged("R" * 90, [0.01] * 90)) == {None}


def test_a_process_that_computes_for_too_long_is_blamed():
    """The time of a core that it used is what counts, whatever it does at the moments of the looks."""
    assert judged("R" * 5, [LOOK] * 5) == [None] * 4 + [WAS_BUSY]
    assert judged("RS" * 3, [LOOK] * 6, waiting=9) == [None] * 4 + [WAS_BUSY] * 2


def test_a_process_that_works_may_take_longer_than_one_that_waits():
    """A large task is given time to be computed in; to wait for something no task needs longer."""
    assert set(judged("D" * 12, [0.24] * 12, waiting=1.0, working=4.0)) == {None}
    assert judged("D" * 4, [0] * 4, waiting=1.0, working=4.0)[-1] == WAS_SILENT


def test_what_cannot_be_seen_counts_as_waiting():
    """Without /proc the time alone decides."""
    silence = Silence(0.5, 9.0)
    assert [silence.look(LOOK, UNSEEN), silence.look(LOOK, UNSEEN)] == [None, WAS_SILENT]


def test_looks_are_never_in_a_rush():
    """A rest of a millisecond is no reason to look every millisecond."""
    silence = Silence(9.0, 0.251)
    silence.look(LOOK, Glance("R", 0.0))
    silence.look(LOOK, Glance("R", 0.25))
    assert 0.01 <= silence.next <= LOOK


def test_a_glance_at_real_processes():
    """A running, a stopped and a dead process are seen as such, and the time of a core grows with work."""
    before = glance(os.getpid())
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    after = glance(os.getpid())
    assert after.state == "R" and after.used - before.used >= 0.03
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        os.kill(child.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED)
        assert glance(child.pid).state == "T"
    finally:
        child.kill()
        child.wait()
    assert glance(child.pid) == UNSEEN


async def test_what_is_posted_is_no_sign_of_life():
    """Whoever takes messages and says nothing is silent, however often it is written to: a bridge that hangs gets tasks
    and is told to forget them all the while."""
    ours, theirs = socket.socketpair()
    loop, lost = asyncio.get_running_loop(), asyncio.Event()
    link = Link(ours, lambda number, data: None, lambda why, fault: lost.set())
    link.expect(0.3)
    began = loop.time()
    while not lost.is_set() and loop.time() < began + 10.0:
        link.post(1, b"task")
        await asyncio.sleep(0.02)
    assert lost.is_set()
    assert theirs.recv(100)
    link.close()
    theirs.close()

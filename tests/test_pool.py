"""The pool of real processes and its tasks: whatever a worker does with one, each is answered once, in time."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from gateway.compute.pool import Pool
from tests.faults.tree import alive
from tests.pools import odd, running
from tests.waiting import until

__all__ = ["odd"]  # the fixture


@pytest.mark.usefixtures("odd")
@pytest.mark.parametrize(
    "what",
    [
        b"huge",
        b"wrong-number",
        b"ready-again",
        b"answered-twice",
        b"noise",
        b"torn",
        b"half",
        b"exit",
        b"closed",
        b"segv",
    ],
)
async def test_a_worker_that_answers_nonsense_is_replaced(what: bytes, tmp_path: Path) -> None:
    """Too long, torn, for another task, twice, or none at all: the worker is replaced and the task computed again."""
    async with running(1) as client:
        before = client.pool.pids
        once = bytes(tmp_path / "once")
        assert await asyncio.wait_for(client.ask(what + b" " + once), 2.0) == once
        assert await asyncio.wait_for(client.ask(b"echo after"), 2.0) == b"after"
        await until(lambda: not alive(before[0]))
        assert client.pool.counts.replaced == 1
        assert client.answers == 2


@pytest.mark.usefixtures("odd")
async def test_two_tasks_are_retried_at_once() -> None:
    """Tasks whose workers died go first, in their order, before those that were never tried."""
    async with running(2) as client:
        first = [client.ask(b"sleep 0.05"), client.ask(b"sleep 0.05")]
        later = client.ask(b"echo later")
        for pid in client.pool.pids:
            os.kill(pid, signal.SIGKILL)
        await asyncio.wait_for(later, 3.0)
        assert any(answer.done() for answer in first)
        assert await asyncio.wait_for(asyncio.gather(*first), 3.0) == [b"0.05"] * 2
        assert client.pool.counts.retried == 2


@pytest.mark.slow
@pytest.mark.usefixtures("odd")
@pytest.mark.parametrize("task", [b"crash", b"echo nonsense", b"work 60"])
async def test_a_task_that_is_bad_for_every_worker_is_given_up(task: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that crashes, is answered with nonsense or takes a core for too long ends with a sentence after a few
    workers, and those after it are answered."""
    monkeypatch.setattr("gateway.compute.pool.TOO_SILENT", 0.05)
    async with running(1) as client:
        bad, good = client.ask(task), client.ask(b"echo x")
        with pytest.raises(RuntimeError, match=r"given up after \d workers"):
            await asyncio.wait_for(bad, 10.0)
        assert await asyncio.wait_for(good, 5.0) == b"x"
        assert client.pool.counts.replaced <= 7


@pytest.mark.slow
@pytest.mark.usefixtures("odd")
async def test_the_deadline_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that is slow by itself gets twice the time at each attempt, so that it is done in the end."""
    monkeypatch.setattr("gateway.compute.pool.TOO_SILENT", 0.1)
    async with running(1) as client:
        assert await asyncio.wait_for(client.ask(b"sleep 0.5"), 5.0) == b"0.5"
        assert client.pool.counts.retried == 3  # 0.1, 0.2 and 0.4 s were too short


@pytest.mark.slow
@pytest.mark.usefixtures("odd")
async def test_a_late_loop_blames_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the gateway itself was stopped, its workers get their time again."""
    monkeypatch.setattr("gateway.compute.pool.TOO_SILENT", 0.3)
    async with running(1) as client:
        answer = client.ask(b"sleep 1.1")
        await asyncio.sleep(0.05)
        time.sleep(1.0)  # noqa: ASYNC251  the loop hangs, past the deadline
        assert await asyncio.wait_for(answer, 2.0) == b"1.1"
        assert client.pool.counts.replaced == 0


async def test_a_task_needs_a_free_worker() -> None:
    """give() without a free worker is the caller's mistake."""
    with pytest.raises(RuntimeError, match="no worker is free"):
        Pool(1, lambda: None).give(b"", print, print)


@pytest.mark.usefixtures("odd")
async def test_large_tasks_and_answers() -> None:
    """32 MB go to a worker and back in pieces, while the loop runs on and another worker answers."""
    async with running(2) as client:
        large = b"echo " + os.urandom(32 << 20)
        answer = client.ask(large)
        beats = 0
        while not answer.done():
            await client.ask(b"echo x")
            beats += 1
        assert answer.result() == large[5:]
        assert beats > 5
        assert client.pool.counts.replaced == 0

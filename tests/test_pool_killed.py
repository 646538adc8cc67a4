"""Workers, and the helpers that start them, are killed or stopped from outside: the pool replaces them."""

import asyncio
import contextlib
import multiprocessing
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.faults.tree import alive
from tests.pools import Client, family, helper, odd, running
from tests.waiting import until

__all__ = ["odd"]  # the fixture


@pytest.mark.slow
@pytest.mark.usefixtures("odd")
async def test_a_busy_worker_is_killed_fifty_times() -> None:
    """A killed worker's task goes to another at once: all 50 are answered, each within 2 s, and once."""
    async with running() as client:
        for _ in range(50):
            began = time.monotonic()
            answer = client.ask(b"sleep 0.02")
            busy = next(w.process.pid for w in client.pool._workers if w.task is not None)
            os.kill(busy, signal.SIGKILL)
            assert await asyncio.wait_for(answer, 2.0) == b"0.02"
            assert time.monotonic() - began < 2.0
            await client.all_running()
        assert client.answers == 50
        assert client.pool.counts.replaced == client.pool.counts.retried == 50


@pytest.mark.slow
@pytest.mark.usefixtures("odd")
async def test_one_task_survives_fifty_workers() -> None:
    """That somebody kills its workers is no fault of a task: it is never given up for that."""
    async with running() as client:
        answer = client.ask(b"sleep 0.05")
        for n in range(50):
            await until(lambda: any(w.task is not None for w in client.pool._workers))
            os.kill(next(w.process.pid for w in client.pool._workers if w.task is not None), signal.SIGKILL)
            await until(lambda n=n: client.pool.counts.replaced == n + 1)
        assert await asyncio.wait_for(answer, 2.0) == b"0.05"


@pytest.mark.slow
@pytest.mark.usefixtures("odd")
async def test_an_idle_worker_is_killed_fifty_times() -> None:
    """A worker that dies without a task is replaced, and the next task does not notice."""
    async with running() as client:
        for n in range(50):
            os.kill(client.pool.pids[n % 2], signal.SIGKILL)
            assert await asyncio.wait_for(client.ask(b"echo x"), 2.0) == b"x"
            await client.all_running()
        assert client.answers == 50


@pytest.mark.usefixtures("odd")
async def test_all_workers_are_killed_at_once() -> None:
    """With every worker dead in the same instant, the tasks wait for the new ones."""
    async with running(4) as client:
        answers = [client.ask(b"sleep 0.05") for _ in range(12)]
        before = client.pool.pids
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        assert await asyncio.wait_for(asyncio.gather(*answers), 3.0) == [b"0.05"] * 12
        await client.all_running()
        assert not set(before) & set(client.pool.pids)


@pytest.mark.slow
@pytest.mark.usefixtures("odd")
async def test_two_hundred_random_kills_in_full_flow() -> None:
    """Under random kill -9 nothing is lost, nothing is answered twice, and no task takes longer than 2 s."""
    dice = random.Random(26)
    slowest = 0.0

    async def one(client: Client, n: int) -> None:
        nonlocal slowest
        began = time.monotonic()
        assert await client.ask(b"echo %d" % n) == b"%d" % n
        slowest = max(slowest, time.monotonic() - began)

    async with running(3) as client:
        n = 0
        under_way: set[asyncio.Task[None]] = set()
        while client.pool.counts.replaced < 200:
            while len(under_way) < 6:
                under_way.add(asyncio.create_task(one(client, n)))
                n += 1
            if client.pool.pids and dice.random() < 0.1:
                with contextlib.suppress(ProcessLookupError):  # killed before
                    os.kill(dice.choice(client.pool.pids), signal.SIGKILL)
            done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        await asyncio.gather(*under_way)
    assert client.answers == n
    assert slowest < 2.0


@pytest.mark.usefixtures("odd")
@pytest.mark.parametrize("what", [b"stop", b"stop-in-the-middle"])
async def test_a_stopped_worker_is_replaced(what: bytes, tmp_path: Path) -> None:
    """SIGSTOP on a worker, even between the halves of its answer: its task is computed again within 2 s."""
    async with running(1) as client:
        before = client.pool.pids
        once = bytes(tmp_path / "once")
        assert await asyncio.wait_for(client.ask(what + b" " + once), 2.0) == once
        assert client.pool.pids != before
        await until(lambda: not alive(before[0]))


@pytest.mark.slow
@pytest.mark.usefixtures("odd")
@pytest.mark.filterwarnings("ignore:resource_tracker:UserWarning")
@pytest.mark.parametrize("word", ["forkserver", "resource_tracker"])
async def test_the_helpers_of_multiprocessing_are_killed(word: str) -> None:
    """kill -9 of the fork server or the resource tracker: the pool goes on, and can still replace workers."""
    async with running(2) as client:
        answers = [client.ask(b"sleep 0.05") for _ in range(6)]
        victim = helper(word)
        os.kill(victim, signal.SIGKILL)
        assert await asyncio.wait_for(asyncio.gather(*answers), 5.0) == [b"0.05"] * 6
        await client.all_running()
        os.kill(client.pool.pids[0], signal.SIGKILL)
        await until(lambda: client.pool.look()["workers"] == 1)
        await client.all_running()
        assert helper(word) != victim
        assert await asyncio.wait_for(client.ask(b"echo x"), 2.0) == b"x"


@pytest.mark.slow
@pytest.mark.usefixtures("odd")
async def test_a_fork_server_that_is_stopped_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGSTOP of the fork server while all workers die: that is the pool's trouble, and a new one makes others."""
    monkeypatch.setattr("gateway.compute.process.ANSWER_PATIENCE", 1.0)
    async with running(2) as client:
        victim = helper("forkserver")
        os.kill(victim, signal.SIGSTOP)
        for pid in client.pool.pids:
            os.kill(pid, signal.SIGKILL)
        answer = client.ask(b"echo x")
        await until(lambda: client.pool.look()["trouble"])
        assert "its fork server did not answer for 1 s and was ended" in client.pool.look()["trouble"]
        assert client.pool.look()["workers"] == 0
        assert await asyncio.wait_for(answer, 10.0) == b"x"
        await client.all_running()
        assert client.pool.look()["trouble"] is None
        assert [name for name, _ in client.events if name == "pool.worker_failed"] == ["pool.worker_failed"]
        assert helper("forkserver") != victim
        await until(lambda: not client.pool._dying)  # it is known of those, too, of whose end the old one told nobody


@pytest.mark.usefixtures("odd")
async def test_a_new_fork_server_has_time_to_import(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that takes the place of one that was killed is not ended for being slower than that was."""
    async with running(1) as client:
        monkeypatch.setattr("gateway.compute.process.ANSWER_PATIENCE", 0.01)
        os.kill(helper("forkserver"), signal.SIGKILL)
        await until(lambda: not any("forkserver" in command for command in family(os.getpid()).values()))
        os.kill(client.pool.pids[0], signal.SIGKILL)
        await until(lambda: client.pool.counts.replaced == 1)
        await client.all_running()
        assert "pool.worker_failed" not in [name for name, _ in client.events]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:resource_tracker:UserWarning")
async def test_nothing_grows_over_two_hundred_replacements() -> None:
    """Descriptors, threads and remembered processes are as many after 200 dead workers as before."""

    def size() -> tuple[int, int, int]:
        return len(os.listdir("/proc/self/fd")), threading.active_count(), len(multiprocessing.active_children())

    async with running(2) as client:
        await asyncio.sleep(0.1)
        before = size()
        for n in range(200):
            os.kill(client.pool.pids[n % 2], signal.SIGKILL)
            await until(lambda n=n: client.pool.counts.replaced == n + 1 and client.pool.look()["workers"] == 2)
        await until(lambda: not client.pool._dying and size() <= before)
        await until(lambda: not client.pool._spawning and not client.pool._starting)

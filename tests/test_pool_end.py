"""The pool's stop: quick, at any moment of a start too, and no process is left."""

import asyncio
import contextlib
import os
import signal
import time

import pytest

from tests import odd_workers
from tests.faults.tree import alive
from tests.pools import Client, family, helper, parent, running
from tests.waiting import until


async def test_stop_is_quick_and_leaves_nothing() -> None:
    """Idle workers end by themselves at once; stop() twice, or of a pool that never started, is nothing."""
    async with running(2) as client:
        pids = client.pool.pids
        began = time.monotonic()
        await client.pool.stop()
        assert time.monotonic() - began < 0.5
        assert not any(map(alive, pids))
        await client.pool.stop()
        assert client.pool.free == client.pool.look()["workers"] == 0
    await Client(1).pool.stop()


async def test_stop_kills_what_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped worker and one that does not listen are killed after a second."""
    monkeypatch.setattr("gateway.compute.process.serve", odd_workers.deaf)
    async with running(2) as client:
        pids = client.pool.pids
        os.kill(pids[0], signal.SIGSTOP)
        began = time.monotonic()
        await client.pool.stop()
        assert 0.9 < time.monotonic() - began < 1.6
        assert not any(map(alive, pids))


@pytest.mark.slow
async def test_a_program_ends_although_its_fork_server_is_stopped() -> None:
    """Nobody tells that its workers have ended, and a start is under way: stop(), and the program, end all the same."""
    then = """
        import multiprocessing.forkserver
        server = multiprocessing.forkserver._forkserver._forkserver_pid
        os.kill(server, 19)
        for pid in pool.pids:
            os.kill(pid, 9)
        while pool.pids:
            await asyncio.sleep(0.01)
        await pool.stop()
        print([server], flush=True)
        return
    """
    with parent(then) as (process, (server,)):
        try:
            assert process.wait(3.0) == 0
            await until(lambda: not alive(server), within=1.0)
        finally:
            if alive(server):
                os.kill(server, signal.SIGKILL)


async def test_stop_while_workers_are_starting() -> None:
    """stop() just after start(): the workers under way end too."""
    for _ in range(5):
        client = Client(6)
        await client.pool.start()
        await client.pool.stop()
        server = helper("forkserver")
        await until(lambda server=server: not any(map(alive, family(server))), within=2.0)


async def test_stop_in_the_middle_of_start() -> None:
    """stop() while start() still waits for its first worker: start() fails, and that worker ends too."""
    client = Client(1)
    starting = asyncio.create_task(client.pool.start())
    await asyncio.sleep(0)
    await client.pool.stop()
    with pytest.raises(OSError, match="while it was starting"):
        await starting
    assert client.pool.look()["workers"] == 0
    await until(lambda: not client.pool._dying)


async def test_a_cancelled_start_leaves_no_worker() -> None:
    """start() is cancelled in the middle: the worker that comes later is ended."""
    client = Client(1)
    starting = asyncio.create_task(client.pool.start())
    await asyncio.sleep(0.002)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await client.pool.stop()
    await until(lambda: not client.pool._spawning and not client.pool._dying)
    with contextlib.suppress(StopIteration):
        assert not any(map(alive, family(helper("forkserver"))))

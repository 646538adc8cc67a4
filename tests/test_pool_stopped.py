"""Workers that are stopped or hang: their tasks go elsewhere in time, and who is well is not blamed."""

import asyncio
import os
import signal
import time

import pytest

from gateway.compute.pool import MOST_FAULTS
from tests.faults.tree import alive
from tests.pools import odd, running
from tests.waiting import until

__all__ = ["odd"]  # the fixture
FOUR = 4
ANSWERED, WHOLE = 4.0, 2.0  # s; half of that is promised, on a machine that has nothing else to do


def why(client, name: str = "pool.worker_lost") -> list[object]:
    """What is told of workers that were lost."""
    return [fields["why"] for event, fields in client.events if event == name]


@pytest.mark.usefixtures("odd")
@pytest.mark.parametrize("busy", [False, True])
async def test_all_workers_are_stopped_at_once(busy: bool) -> None:
    """Idle or busy: each task is answered in time, none is to blame, and the pool is whole soon after the verdict."""
    async with running(FOUR) as client:
        before = client.pool.pids
        answers = [client.ask(b"sleep 0.2") for _ in range(FOUR)] if busy else []
        for pid in before:
            os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        answers += [client.ask(b"echo x") for _ in range(FOUR if busy else 1)]
        given = [worker.task for worker in client.pool._workers]
        await until(lambda: client.pool.counts.replaced, within=2.0)
        verdict = time.monotonic()
        await asyncio.wait_for(asyncio.gather(*answers), ANSWERED)
        assert time.monotonic() - began < ANSWERED
        await client.all_running()
        assert time.monotonic() - verdict < WHOLE
        assert not set(before) & set(client.pool.pids)
        assert why(client) == ["was stopped"] * FOUR
        assert [task.faults for task in given if task is not None] == [0] * (FOUR if busy else 1)
        await until(lambda: not any(map(alive, before)))


@pytest.mark.usefixtures("odd")
async def test_one_worker_is_stopped_and_the_others_go_on() -> None:
    """Tasks that come meanwhile are answered by the others at once."""
    async with running(3) as client:
        held = client.ask(b"sleep 0.2")
        os.kill(next(w.process.pid for w in client.pool._workers if w.task is not None), signal.SIGSTOP)
        began = time.monotonic()
        while not client.pool.counts.replaced:
            assert await asyncio.wait_for(client.ask(b"echo x"), 0.6) == b"x"
        assert await asyncio.wait_for(held, ANSWERED) == b"0.2"
        assert time.monotonic() - began < ANSWERED
        assert client.pool.counts.replaced == client.pool.counts.retried == 1


@pytest.mark.usefixtures("odd")
async def test_a_stopped_worker_is_found_out_by_few_tasks() -> None:
    """Tasks that come one at a time go to each worker in turn: whichever was stopped, as many as there are show it."""
    async with running(FOUR) as client:
        stopped = client.pool.pids[-1]
        os.kill(stopped, signal.SIGSTOP)
        for _ in range(FOUR):
            assert await asyncio.wait_for(client.ask(b"echo x"), 4.0) == b"x"
        assert client.pool.counts.replaced == 1
        assert stopped not in client.pool.pids


@pytest.mark.slow
@pytest.mark.usefixtures("odd")
async def test_all_workers_hang_in_the_kernel(tmp_path) -> None:
    """Their state is D, which nothing proves to be a fault: all is answered in time all the same, by new ones.

    posix_spawn keeps its caller in an uninterruptible wait until the child has opened its files, here a pipe that
    nobody writes to.
    """
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    try:
        async with running(FOUR) as client:
            before = client.pool.pids
            for _ in before:
                client.pool.give(b"hang " + bytes(fifo), print, print)
            await until(lambda: all(state(pid) == "D" for pid in before))
            began = time.monotonic()
            answer = client.ask(b"echo x")
            for worker in client.pool._workers:
                assert worker.task is not None
                worker.task.data = b"echo y"  # what is computed again does not hang
            assert await asyncio.wait_for(answer, ANSWERED) == b"x"
            await client.all_running()
            assert time.monotonic() - began < ANSWERED
            assert why(client) == ["was silent"] * FOUR
    finally:
        os.close(os.open(fifo, os.O_RDWR))  # the children that they left wait no more


@pytest.mark.slow
@pytest.mark.usefixtures("odd")
async def test_a_task_is_not_given_up_for_what_its_workers_wait_for(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other hangs in the kernel, more often than a task may crash: once none does, it is answered."""
    monkeypatch.setattr("gateway.compute.pool.TOO_SILENT", 0.02)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    async with running(1) as client:
        answer = client.ask(b"hang " + bytes(fifo))
        try:
            await until(lambda: client.pool.counts.retried > MOST_FAULTS, within=30.0)
        finally:
            there = os.open(fifo, os.O_RDWR)  # whoever opens it waits no more
        assert await asyncio.wait_for(answer, 20.0) == bytes(fifo)
        assert set(why(client)) == {"was silent"}
    os.close(there)


def state(pid: int) -> str:
    """As in proc(5)."""
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


@pytest.mark.slow
@pytest.mark.usefixtures("odd")
async def test_an_idle_worker_that_hangs_gets_no_task_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """After one was silent, the others are asked whether they are there before they get its task."""
    async with running(FOUR) as client:
        monkeypatch.setattr("gateway.compute.pool.READY_PATIENCE", 2.0)
        deaf = client.pool._workers[1:]
        for worker in deaf:
            monkeypatch.setattr(worker.link, "_write", worker.link._listen)  # it takes nothing any more
        began = time.monotonic()
        monkeypatch.setattr(client.pool._workers[0].link, "_write", client.pool._workers[0].link._listen)
        assert await asyncio.wait_for(client.ask(b"echo x"), ANSWERED) == b"x"
        assert time.monotonic() - began < ANSWERED
        await until(lambda: client.pool.counts.replaced == FOUR)
        assert client.pool.counts.retried == 1
        await client.all_running()


@pytest.mark.slow
@pytest.mark.usefixtures("odd")
async def test_an_idle_worker_that_is_slow_to_say_that_it_is_there_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have to be paged in first: asked after another was silent, it has much longer than a task's patience."""
    async with running(2) as client:
        monkeypatch.setattr("gateway.compute.pool.TOO_SILENT", 0.25)
        deaf, slow = client.pool._workers
        monkeypatch.setattr(deaf.link, "_write", deaf.link._listen)  # it takes nothing any more
        later, write = asyncio.get_running_loop().call_later, slow.link._write
        monkeypatch.setattr(slow.link, "_write", lambda: (slow.link._listen(), later(1.0, write)))
        answer = client.ask(b"echo x")
        await until(lambda: slow.task is not None)
        await until(lambda: slow.task is None)
        assert await asyncio.wait_for(answer, ANSWERED) == b"x"
        assert why(client) == ["was silent"]
        assert slow in client.pool._workers


@pytest.mark.slow
@pytest.mark.usefixtures("odd")
@pytest.mark.parametrize("late", [0.9, 1.2, 2.0])
async def test_a_machine_that_stalls_blames_no_worker(late: float) -> None:
    """The whole group stops for a while, and the worker goes on a moment after the gateway: nobody is replaced."""
    async with running(2) as client:
        answer = client.ask(b"spin 0.3")
        await asyncio.sleep(0.05)
        worker = next(w.process.pid for w in client.pool._workers if w.task is not None)
        os.kill(worker, signal.SIGSTOP)
        time.sleep(late)  # noqa: ASYNC251  the loop is stopped, too
        asyncio.get_running_loop().call_later(0.1, os.kill, worker, signal.SIGCONT)
        assert await asyncio.wait_for(answer, 3.0) == b"0.3"
        assert client.pool.counts.replaced == 0


@pytest.mark.slow
@pytest.mark.usefixtures("odd")
async def test_a_worker_that_has_to_share_its_core_is_not_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight busy loops on its core: its task takes long, and it is let be."""
    core = min(os.sched_getaffinity(0))
    async with running(1) as client:
        monkeypatch.setattr("gateway.compute.pool.TOO_SILENT", 0.2)
        worker = client.pool.pids[0]
        os.sched_setaffinity(worker, {core})
        others = [await asyncio.create_subprocess_shell("while :; do :; done") for _ in range(8)]
        try:
            for other in others:
                os.sched_setaffinity(other.pid, {core})
            await until(lambda: all(state(other.pid) == "R" for other in others))
            began = time.monotonic()
            assert await asyncio.wait_for(client.ask(b"work 0.1"), 20.0) == b"0.1"
            assert time.monotonic() - began > 0.5, "it did not have to share"
        finally:
            for other in others:
                other.kill()
                await other.wait()
        assert client.pool.counts.replaced == 0


async def test_a_worker_is_stopped_while_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has not yet said that it is ready: another takes its place soon."""
    from tests import odd_workers

    async with running(1) as client:
        monkeypatch.setattr("gateway.compute.process.serve", odd_workers.stopped_at_once)
        os.kill(client.pool.pids[0], signal.SIGKILL)
        await until(lambda: why(client, "pool.worker_failed"), within=4.0)
        monkeypatch.undo()
        await client.all_running()
        assert why(client, "pool.worker_failed")[0] == "a worker process was stopped while it was starting"

"""How the pool starts its workers, and the sentence that says why one cannot start."""

import asyncio
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import odd_workers
from tests.pools import Client, family, helper, odd, program, running
from tests.waiting import until

__all__ = ["odd"]  # the fixture
TRIED = """
try:
    await pool.start()
except OSError as error:
    print(error)
await pool.stop()
"""


async def started(client: Client) -> None:
    """Starts the pool; while the fork server ends of what it was asked in halves, again."""
    end = time.monotonic() + 10
    while True:
        try:
            return await client.pool.start()
        except OSError:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("spare", range(7))
async def test_a_worker_that_cannot_start_is_told_in_a_sentence(spare: int) -> None:
    """Out of files at any point of a start: start() raises OSError that says what to allow, and leaves nothing open."""
    async with running(1):  # the fork server is there
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        client = Client(2)
        before = os.listdir("/proc/self/fd")
        lowest = os.dup(0)
        os.close(lowest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + spare, hard))
        try:
            with pytest.raises(OSError, match=r"a worker process cannot start: Too many open files; .*LimitNOFILE"):
                await client.pool.start()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert os.listdir("/proc/self/fd") == before
        await started(client)
        await client.pool.stop()


STARTING = """
import sys
from gateway.compute import process
process.begin()
print(process._server(), flush=True)
sys.stdin.read()
"""


def test_the_fork_server_never_takes_ctrl_c() -> None:
    """Ctrl-C reaches the whole group: from its start on it blocks SIGINT, and then ignores it, so that no interpreter
    that is still starting prints a traceback.
    """
    with subprocess.Popen(
        [sys.executable, "-c", STARTING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        status = Path(f"/proc/{int(program.stdout.readline())}/status")
        ignored, bit = False, 1 << (signal.SIGINT - 1)
        while not ignored:
            words = dict(line.split(":", 1) for line in status.read_text().splitlines())
            blocked, ignored = (bool(int(words[name], 16) & bit) for name in ("SigBlk", "SigIgn"))
            assert blocked or ignored
        program.communicate("", timeout=20)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace lets a system call fail")
@pytest.mark.parametrize("call", ["clone", "clone3"])
async def test_no_process_and_no_thread_can_start(call: str) -> None:
    """The fork server cannot fork, or the thread that asks it cannot start: start() says what to do."""
    strace = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={call}:error=EAGAIN"]
    done = subprocess.run([*strace, *program(TRIED)], capture_output=True, text=True)  # noqa: ASYNC221
    assert done.returncode == 0
    assert done.stdout.startswith("a worker process cannot start: ")
    assert "allow more processes" in done.stdout
    assert "Traceback" not in done.stderr
    assert "cannot start: BlockingIOError" in done.stderr if call == "clone" else not done.stderr


async def test_a_worker_that_cannot_import_is_told_in_a_sentence() -> None:
    """An import that fails at the start of a worker: start() says which and what to do, and nobody sees a traceback."""
    done = subprocess.run(program(TRIED, serve="without_numbers"), capture_output=True, text=True)  # noqa: ASYNC221
    assert done.stdout.startswith("a worker process cannot start: ModuleNotFoundError: import of gateway.compute.batch")
    assert done.stdout.endswith("; install the gateway anew, with what it needs\n")
    assert done.stderr == ""


async def test_a_worker_that_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that ends before it was ready: start() says so."""
    monkeypatch.setattr("gateway.compute.process.serve", odd_workers.never_ready)
    client = Client(1)
    with pytest.raises(OSError, match="ended while it was starting"):
        await client.pool.start()
    await client.pool.stop()
    assert client.pool.pids == []


async def test_a_long_sentence_of_a_worker_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps a worker from starting is told, as much as there is room for, though a character was cut in two."""
    monkeypatch.setattr("gateway.compute.process.serve", odd_workers.wordy)
    client = Client(1)
    with pytest.raises(OSError, match=r"cannot start: ValueError: x°{149}\ufffd$"):
        await client.pool.start()
    await client.pool.stop()


@pytest.mark.usefixtures("odd")
async def test_in_flight_the_pool_keeps_trying(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker can start for a while: tasks wait, each attempt is told, and all is answered when one can."""
    async with running(2) as client:
        monkeypatch.setattr("gateway.compute.process.serve", odd_workers.never_ready)
        for pid in client.pool.pids:
            os.kill(pid, signal.SIGKILL)
        await until(lambda: client.pool.look()["workers"] == 0)
        answer = client.ask(b"echo x")
        await until(lambda: sum(name == "pool.worker_failed" for name, _ in client.events) >= 4)
        assert not answer.done()
        assert client.pool.look()["not_started"] == sum(name == "pool.worker_failed" for name, _ in client.events)
        monkeypatch.setattr("gateway.compute.process.serve", odd_workers.serve)
        assert await asyncio.wait_for(answer, 10.0) == b"x"
        await client.all_running()
        assert [name for name, _ in client.events][-2:] == ["pool.worker_replaced"] * 2


async def test_main_is_itself_again() -> None:
    """Many workers started at once leave this program's main module as it was."""
    main = sys.modules["__main__"]
    async with running(6) as client:
        assert client.pool.look()["workers"] == 6
    assert sys.modules["__main__"] is main


async def test_the_start_method_is_not_fork() -> None:
    """Workers are children of the fork server: nothing is forked from a process with threads."""
    async with running(2) as client:
        server = helper("forkserver")
        assert set(client.pool.pids) == set(family(server))

"""What a worker is: what it has loaded and open, where its output goes, and that it ends with its parent."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.tree import alive
from tests.pools import family, odd, parent, running
from tests.waiting import until

__all__ = ["odd"]  # the fixture


def loaded_at_start() -> set[str]:
    """What any Python of this environment loads by itself."""
    code = "import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


@pytest.mark.usefixtures("odd")
async def test_what_a_worker_has_loaded() -> None:
    """numpy, the standard library and the files of gateway.compute that it runs; nothing of the gateway's libraries."""
    async with running(1) as client:
        loaded = set((await client.ask(b"modules")).decode().split("\n"))
    ours = {name for name in loaded if name.split(".")[0] == "gateway"}
    ran = "aggregate bare batch formula founding lone ordered plainly running single tasks tied windows wire worker"
    assert ours == {"gateway", "gateway.compute", *(f"gateway.compute.{name}" for name in ran.split())}
    roots = {name.split(".")[0] for name in loaded - loaded_at_start()} - set(sys.stdlib_module_names)
    assert roots <= {"gateway", "numpy", "tests", "__main__", "__mp_main__"}, roots


async def test_a_worker_has_one_thread_and_only_its_own_files() -> None:
    """One thread, no descriptor of the gateway's, standard output on standard error, first to go when memory ends."""
    async with running(1) as client:
        proc = Path(f"/proc/{client.pool.pids[0]}")
        assert len(list((proc / "task").iterdir())) == 1
        open_files = {int(file.name): str(file.readlink()) for file in (proc / "fd").iterdir()}
        assert len(open_files) == 4
        assert sum(target.startswith("socket:") for fd, target in open_files.items() if fd > 2) == 1
        assert open_files[1] == open_files[2]
        assert (proc / "oom_score_adj").read_text().strip() == "500"
        assert os.sched_getaffinity(client.pool.pids[0]) == os.sched_getaffinity(0)


async def test_workers_end_with_their_parent() -> None:
    """The gateway is killed with -9: an idle, a busy and a stopped worker are gone within 1 s, the helpers soon."""
    then = "pool.give(b'spin 30', print, print); os.kill(pool._workers[0].process.pid, 19)"
    with parent(then) as (process, pids):
        everyone = [*family(process.pid)]
        assert set(pids) < set(everyone)
        process.kill()
        process.wait()
        began = time.monotonic()
        await until(lambda: not any(map(alive, pids)), within=1.0)
        await until(lambda: not any(map(alive, everyone)), within=2.0)
        assert time.monotonic() - began < 3.0


async def test_ctrl_c_ends_no_worker() -> None:
    """SIGINT reaches the whole process group: the workers leave it to the gateway."""
    then = "asyncio.get_running_loop().add_signal_handler(2, lambda: print('heard', flush=True))"
    with parent(then, start_new_session=True) as (process, pids):
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == "heard\n"
        assert all(map(alive, pids))


async def test_what_a_worker_prints_is_not_on_our_standard_output() -> None:
    """print, write and a child's output go to standard error: standard output may be one JSON document."""
    then = """
        done = asyncio.Event()
        pool.give(b'print loud', lambda answer: done.set(), print)
        await done.wait()
    """
    with parent(then, size=1, stderr=subprocess.PIPE) as (process, pids):
        assert len(pids) == 1  # the first line was the document
        process.kill()
        assert process.communicate()[0] == ""
        assert process.returncode == -signal.SIGKILL


async def test_standard_error_may_be_closed() -> None:
    """A gateway without standard error has workers all the same."""
    with parent(size=1, preexec_fn=lambda: os.close(2)) as (_, pids):
        assert len(pids) == 1

"""The pool of real processes: whatever becomes of a worker, each task is answered once, in time."""

import asyncio
import contextlib
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from gateway.compute.pool import Pool
from gateway.compute.wire import Nonsense
from tests import odd_workers

Ask = Callable[[bytes], "asyncio.Future[bytes]"]
ROOT = Path(__file__).parent.parent


class Client:
    """Gives tasks to a pool as its workers become free, in order; each is a future of its answer."""

    def __init__(self, size: int) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []
        self.pool = Pool(size, self._free, lambda name, **fields: self.events.append((name, fields)))
        self.waiting: list[tuple[bytes, asyncio.Future[bytes]]] = []
        self.answers = 0

    def ask(self, task: bytes) -> "asyncio.Future[bytes]":
        """The answer to `task`, or RuntimeError when the pool gives it up."""
        done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.waiting.append((task, done))
        self._free()
        return done

    def _free(self) -> None:
        while self.waiting and self.pool.free:
            task, done = self.waiting.pop(0)
            self.pool.give(task, lambda answer, done=done: self._answered(done, answer),
                           lambda why, done=done: done.set_exception(RuntimeError(why)))  # fmt: skip

    def _answered(self, done: "asyncio.Future[bytes]", answer: bytes) -> None:
        if answer == b"nonsense":
            raise Nonsense
        self.answers += 1
        done.set_result(answer)  # fails on a second answer

    async def all_running(self) -> None:
        """Waits until every worker is there."""
        await until(lambda: self.pool.look()["workers"] == self.pool.size)


@contextlib.asynccontextmanager
async def running(size: int = 2) -> AsyncIterator[Client]:
    """A client whose pool has all its workers."""
    client = Client(size)
    await client.pool.start()
    try:
        await client.all_running()
        yield client
    finally:
        await client.pool.stop()


async def until(holds: Callable[[], object], within: float = 10.0) -> None:
    """Waits for a condition."""
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end, "it did not come true in time"
        await asyncio.sleep(0.005)


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except OSError:
        return False


def family(root: int) -> dict[int, str]:
    """The processes below `root`: pid -> command line."""
    parents, commands = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            commands[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
    found: dict[int, str] = {}
    todo = [root]
    while todo:
        above = todo.pop()
        below = [pid for pid, parent in parents.items() if parent == above]
        found |= {pid: commands[pid] for pid in below}
        todo += below
    return found


def helper(word: str) -> int:
    """The fork server or the resource tracker of this process."""
    return next(
        pid for pid, command in family(os.getpid()).items() if f"multiprocessing.{word}" in command and alive(pid)
    )


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Workers that do what their task says."""
    monkeypatch.setattr("gateway.compute.process.serve", odd_workers.serve)
    yield


# killed from outside


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
        assert not alive(before[0])
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


@pytest.mark.usefixtures("odd")
async def test_the_deadline_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that is slow by itself gets twice the time at each attempt, so that it is done in the end."""
    monkeypatch.setattr("gateway.compute.pool.TOO_SILENT", 0.1)
    async with running(1) as client:
        assert await asyncio.wait_for(client.ask(b"sleep 0.5"), 5.0) == b"0.5"
        assert client.pool.counts.retried == 3  # 0.1, 0.2 and 0.4 s were too short


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


# starting


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


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace lets a system call fail")
@pytest.mark.parametrize("call", ["clone", "clone3"])
async def test_no_process_and_no_thread_can_start(call: str) -> None:
    """The fork server cannot fork, or the thread that asks it cannot start: start() says what to do."""
    script = textwrap.dedent(f"""
        import asyncio, sys
        sys.path.insert(0, {str(ROOT)!r})
        from gateway.compute.pool import Pool
        async def main():
            pool = Pool(1, lambda: None)
            try:
                await pool.start()
            except OSError as error:
                print(error)
            await pool.stop()
        asyncio.run(main())
    """)
    strace = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={call}:error=EAGAIN"]
    done = subprocess.run([*strace, sys.executable, "-c", script], capture_output=True, text=True)  # noqa: ASYNC221
    assert done.returncode == 0
    assert done.stdout.startswith("a worker process cannot start: ")
    assert "allow more processes" in done.stdout
    assert "Traceback" not in done.stderr
    assert "cannot start: BlockingIOError" in done.stderr if call == "clone" else not done.stderr


async def test_a_worker_that_cannot_import_is_told_in_a_sentence() -> None:
    """An import that fails at the start of a worker: start() says which and what to do, and nobody sees a traceback."""
    script = textwrap.dedent(f"""
        import asyncio, sys
        sys.path.insert(0, {str(ROOT)!r})
        import gateway.compute.process
        from tests import odd_workers
        from gateway.compute.pool import Pool
        gateway.compute.process.serve = odd_workers.without_numbers
        async def main():
            pool = Pool(1, lambda: None)
            try:
                await pool.start()
            except OSError as error:
                print(error)
            await pool.stop()
        asyncio.run(main())
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)  # noqa: ASYNC221
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


# what a worker is


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
    ran = "aggregate bare batch formula founding lone ordered plainly running single tasks windows wire worker"
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


PARENT = """
import asyncio, json, os, sys
sys.path.insert(0, {root!r})
import gateway.compute.process
from tests import odd_workers
from gateway.compute.pool import Pool
gateway.compute.process.serve = odd_workers.serve
async def main():
    pool = Pool({size}, lambda: None)
    await pool.start()
    while pool.look()["workers"] < {size}:
        await asyncio.sleep(0.01)
    {then}
    print(json.dumps(pool.pids), flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


@contextlib.contextmanager
def parent(then: str = "pass", size: int = 3, **options: object) -> Iterator[tuple["subprocess.Popen[str]", list[int]]]:
    """A program of its own with a pool; gives it and its workers' pids. It has no main guard."""
    script = PARENT.format(root=str(ROOT), size=size, then=then)
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload]
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


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
    then = (
        textwrap.dedent("""
        done = asyncio.Event()
        pool.give(b'print loud', lambda answer: done.set(), print)
        await done.wait()
    """)
        .strip()
        .replace("\n", "\n    ")
    )
    with parent(then, size=1, stderr=subprocess.PIPE) as (process, pids):
        assert len(pids) == 1  # the first line was the document
        process.kill()
        assert process.communicate()[0] == ""
        assert process.returncode == -signal.SIGKILL


async def test_standard_error_may_be_closed() -> None:
    """A gateway without standard error has workers all the same."""
    with parent(size=1, preexec_fn=lambda: os.close(2)) as (_, pids):
        assert len(pids) == 1


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


# stopping


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
    then = """import multiprocessing.forkserver
    server = multiprocessing.forkserver._forkserver._forkserver_pid
    os.kill(server, 19)
    for pid in pool.pids:
        os.kill(pid, 9)
    while pool.pids:
        await asyncio.sleep(0.01)
    await pool.stop()
    print([server], flush=True)
    return"""
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

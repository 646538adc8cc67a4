"""A bounded pool of worker processes: one pipe a worker, no shared lock, deadlines by our own clock.

The only door to multiprocessing. A worker holds one task at most, and the pool keeps the task until it is answered:
when the worker dies, or is silent for too long and is killed, the task goes first to the next one that is free. The
loop never waits: pipes do not block, and processes are started in a thread.
"""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import sys
import types
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from .worker import READY, serve

PIECE = 1 << 18  # bytes read or written at once
LARGEST = 1 << 28  # a longer answer is no answer of ours
TOO_SILENT = 1.0  # s without an answer before a worker is replaced; doubled for each time that a task was tried
START_PATIENCE = 60.0  # s for a process to import numpy on a slow board
PAUSE_MOST = 5.0  # s between attempts to start a worker


@dataclass(slots=True, eq=False)
class Task:
    """Bytes for a worker, and how often they were given to one."""

    data: bytes
    tries: int = 0


@dataclass(slots=True, eq=False)
class Worker:
    """One process and our end of its pipe."""

    process: BaseProcess
    pipe: Connection
    ready: bool = False
    task: Task | None = None
    unsent: memoryview = field(default_factory=lambda: memoryview(b""))
    received: bytearray = field(default_factory=bytearray)
    alarm: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class Counts:
    """What happened since the start."""

    batches: int = 0
    retried: int = 0
    replaced: int = 0


class Pool:
    """Runs tasks on `size` processes. Give a task only while `free` is not 0; `answered` gets each answer, in the loop.

    on_free: called when a worker has become free. event: told of workers that come and go, by name and fields.
    """

    def __init__(
        self,
        size: int,
        answered: Callable[[bytes], None],
        on_free: Callable[[], None],
        event: Callable[..., None] = lambda name, **fields: None,
    ) -> None:
        self.size = size
        self.counts = Counts()
        self._answered, self._on_free, self._event = answered, on_free, event
        self._workers: list[Worker] = []
        self._again: deque[Task] = deque()
        self._starting: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._context = multiprocessing.get_context("forkserver")

    @property
    def free(self) -> int:
        """How many tasks could be given now."""
        idle = sum(worker.ready and worker.task is None for worker in self._workers)
        return max(0, idle - len(self._again))

    @property
    def running(self) -> int:
        """Workers that have said that they are ready."""
        return sum(worker.ready for worker in self._workers)

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return [worker.process.pid for worker in self._workers if worker.process.pid]

    async def start(self) -> None:
        """Starts the workers; returns when the first is ready. Raises OSError when not even one can start."""
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when numpy is imported: a worker is one core's work
        self._context.set_forkserver_preload(["gateway.compute.batch"])
        await self._add()
        for _ in range(self.size - 1):
            self._replace(pause=0.0)

    def give(self, data: bytes) -> None:
        """Hands `data` to a free worker. Raises RuntimeError when there is none: ask `free` first."""
        task = Task(data)
        self.counts.batches += 1
        if not self._hand_over(task):
            raise RuntimeError("no worker is free")

    async def stop(self, patience: float = 1.0) -> None:
        """Ends all workers: by the closed pipe, or after `patience` seconds by SIGKILL."""
        self._stopping = True
        for starting in self._starting:
            starting.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        workers, self._workers = self._workers, []
        for worker in workers:
            self._close(worker)
        await asyncio.gather(*(asyncio.to_thread(_end, worker.process, patience) for worker in workers))

    # starting and replacing

    async def _add(self) -> Worker | None:
        """Starts one worker and waits until it is ready. None when the pool is being stopped. Raises OSError."""
        loop = asyncio.get_running_loop()
        worker = await asyncio.to_thread(_spawn, self._context)
        if self._stopping:
            worker.pipe.close()
            await asyncio.to_thread(_end, worker.process, 0.0)
            return None
        os.set_blocking(worker.pipe.fileno(), False)
        self._workers.append(worker)
        ready = loop.create_future()
        loop.add_reader(worker.pipe.fileno(), self._greeted, worker, ready)
        try:
            async with asyncio.timeout(START_PATIENCE):
                await ready
        except BaseException as error:
            self._workers.remove(worker)
            self._close(worker)
            _kill(worker.process)
            if isinstance(error, TimeoutError):
                raise OSError(f"a worker process was not ready after {START_PATIENCE:.0f} s") from error
            raise
        loop.add_reader(worker.pipe.fileno(), self._readable, worker)
        self._freed()
        return worker

    def _greeted(self, worker: Worker, ready: asyncio.Future[None]) -> None:
        """The first bytes of a worker: its READY, or its end."""
        if ready.done():
            return
        try:
            greeting = os.read(worker.pipe.fileno(), 4 + len(READY))
        except OSError:
            greeting = b""
        if greeting == len(READY).to_bytes(4, "big") + READY:
            worker.ready = True
            ready.set_result(None)
        else:
            ready.set_exception(OSError("a worker process ended while it was starting"))

    def _replace(self, pause: float, lost_at: float | None = None) -> None:
        """Starts one more worker in the background, again and again until one is there."""

        async def until_there() -> None:
            wait = pause
            while True:
                await asyncio.sleep(wait)
                try:
                    worker = await self._add()
                except OSError as error:
                    wait = min(PAUSE_MOST, max(0.1, 2 * wait))
                    self._event("pool.worker_failed", why=str(error))
                    continue
                if lost_at is not None and worker is not None:
                    away = asyncio.get_running_loop().time() - lost_at
                    self._event("pool.worker_replaced", worker=worker.process.pid, after_s=round(away, 1))
                return

        starting = asyncio.get_running_loop().create_task(until_there())
        self._starting.add(starting)
        starting.add_done_callback(self._starting.discard)

    def _lost(self, worker: Worker, why: str) -> None:
        """A worker has gone, or has to: its task goes first to the next free one, and another takes its place."""
        if worker not in self._workers:
            return
        self._workers.remove(worker)
        self._close(worker)
        _kill(worker.process)
        self.counts.replaced += 1
        if worker.task is not None:
            self.counts.retried += 1
            self._again.append(worker.task)
        self._event("pool.worker_lost", worker=worker.process.pid, why=why, busy=worker.task is not None)
        self._replace(pause=0.0, lost_at=asyncio.get_running_loop().time())
        self._freed()

    def _close(self, worker: Worker) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(worker.pipe.fileno())
        loop.remove_writer(worker.pipe.fileno())
        worker.pipe.close()
        if worker.alarm is not None:
            worker.alarm.cancel()

    # tasks and answers

    def _hand_over(self, task: Task) -> bool:
        worker = next((w for w in self._workers if w.ready and w.task is None), None)
        if worker is None:
            return False
        worker.task = task
        task.tries += 1
        patience = TOO_SILENT * 2 ** (task.tries - 1)
        worker.alarm = asyncio.get_running_loop().call_later(patience, self._lost, worker, "silent")
        worker.unsent = memoryview(len(task.data).to_bytes(4, "big") + task.data)
        self._write(worker)
        return True

    def _write(self, worker: Worker) -> None:
        """Sends what the pipe takes; the rest when it is writable again."""
        loop = asyncio.get_running_loop()
        try:
            while worker.unsent:
                worker.unsent = worker.unsent[os.write(worker.pipe.fileno(), worker.unsent[:PIECE]) :]
        except BlockingIOError:
            loop.add_writer(worker.pipe.fileno(), self._write, worker)
            return
        except OSError:
            loop.call_soon(self._lost, worker, "ended")  # soon: whoever gives a task may be counting workers
            return
        loop.remove_writer(worker.pipe.fileno())

    def _readable(self, worker: Worker) -> None:
        try:
            piece = os.read(worker.pipe.fileno(), PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece:
            return self._lost(worker, "ended")
        worker.received += piece
        size = int.from_bytes(worker.received[:4], "big")
        if size > LARGEST:
            return self._lost(worker, "answered nonsense")
        if len(worker.received) < 4 + size:
            return None
        data = bytes(memoryview(worker.received)[4 : 4 + size])
        worker.received = bytearray()
        worker.task = None
        if worker.alarm is not None:
            worker.alarm.cancel()
        self._answered(data)
        return self._freed()

    def _freed(self) -> None:
        while self._again and self._hand_over(self._again[0]):
            self._again.popleft()
        if self.free and not self._stopping:
            self._on_free()


def _spawn(context: multiprocessing.context.ForkServerContext) -> Worker:
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    try:
        with _no_main():
            process.start()
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return Worker(process, ours)


@contextlib.contextmanager
def _no_main() -> Iterator[None]:
    """multiprocessing runs the program's main file once more in each child; ours need nothing of it, and a script
    without the usual guard would start itself over and over."""
    real = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = real


def _kill(process: BaseProcess) -> None:
    with contextlib.suppress(ProcessLookupError):
        if process.pid and process.is_alive():
            os.kill(process.pid, signal.SIGKILL)


def _end(process: BaseProcess, patience: float) -> None:
    process.join(patience)
    _kill(process)
    process.join(1.0)

"""A bounded pool of worker processes: one socket a worker, no shared lock, deadlines by our own clock.

A worker holds one task at most, and the pool keeps the task until it is answered: when the worker dies, or is silent
for too long and is killed, the task goes first to the next one that is free. The loop never waits: sockets do not
block, and processes are started in a thread.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from ..threads import in_thread
from .crew import Counts, Task, Worker
from .link import Link
from .process import Process, spawn
from .silence import STOPPED, WAS_SILENT, WAS_STOPPED, glance
from .wire import READY, Nonsense

TOO_SILENT = 1.0  # s that a worker may wait for something, or take of a core; doubled for each fault or silence
SLOWEST = 10e6  # bytes of a task that a slow board computes in a second: windows of a million readings take their time
MOST_FAULTS = 5  # after which a task is given up; that its worker is killed, stopped or kept waiting is none
START_PATIENCE = 60.0  # s for the first worker: its parent imports numpy, on a slow board
READY_PATIENCE = 20.0  # s for each to say that it is there, after its start and when it is asked; it may have to page
PAUSE_MOST = 5.0  # s between attempts to start one


class Pool:
    """Runs tasks on `size` processes. Give a task only while `free` is not 0.

    on_free: called when a worker has become free. event: told of workers that come and go, by name and fields.
    """

    def __init__(
        self,
        size: int,
        on_free: Callable[[], None],
        event: Callable[..., None] = lambda name, **fields: None,
    ) -> None:
        self.size = size
        self.counts = Counts()
        self._on_free, self._event = on_free, event
        self._workers: list[Worker] = []  # those that are ready, the longest unasked first
        self._again: deque[Task] = deque()
        self._starting: set[asyncio.Task[None]] = set()
        self._spawning: set[asyncio.Future[Process]] = set()
        self._dying: dict[Process, asyncio.Future[None]] = {}
        self._stopping = False
        self._trouble: str | None = None  # why the last start of a worker failed

    @property
    def free(self) -> int:
        """How many tasks could be given now."""
        idle = sum(worker.task is None for worker in self._workers)
        return 0 if self._stopping else max(0, idle - len(self._again))

    def look(self) -> dict[str, Any]:
        """Workers that have said that they are ready, and what happened since the start. trouble: why there is none."""
        counts = self.counts
        return {
            "workers": len(self._workers),
            "batches": counts.batches,
            "retried": counts.retried,
            "replaced": counts.replaced,
            "not_started": counts.not_started,
            "trouble": None if self._workers else self._trouble,
        }

    @property
    def pids(self) -> list[int]:
        """Their process ids."""
        return [worker.process.pid for worker in self._workers]

    async def start(self) -> None:
        """Starts the workers; returns when the first is ready. Raises OSError when not even one can start."""
        try:
            async with asyncio.timeout(START_PATIENCE):
                await self._first()
        except TimeoutError:
            raise OSError(f"no worker process was there after {START_PATIENCE:.0f} s: is the machine busy?") from None
        for _ in range(self.size - 1):
            self._replace()

    def give(self, data: bytes, answered: Callable[[bytes], None], failed: Callable[[str], None]) -> None:
        """Hands `data` to a free worker. Raises RuntimeError when there is none: ask `free` first.

        answered: gets the answer, in the loop; raises Nonsense when it is none, and the task is tried again. failed: is
        told why the task was given up.
        """
        if not self.free:
            raise RuntimeError("no worker is free")
        self.counts.batches += 1
        self._hand_over(Task(READY + self.counts.batches, data, answered, failed))

    async def stop(self, patience: float = 1.0) -> None:
        """Ends all workers and forgets what they hold: by the closed socket, after `patience` seconds by SIGKILL."""
        self._stopping = True
        for starting in self._starting:
            starting.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        if self._spawning:
            await asyncio.wait(self._spawning, timeout=patience)
        for worker in list(self._workers):
            self._dismiss(worker)
        for after in (patience, 1.0):
            if self._dying:
                await asyncio.wait(self._dying.values(), timeout=after)
            for process in self._dying:
                process.kill()
        for process in list(self._dying):
            self._gone(process, None)

    # workers come and go

    async def _first(self) -> None:
        """The first worker: at the second attempt, where a fork server was found that had just ended."""
        try:
            await self._add()
        except OSError as error:
            if not isinstance(error.__cause__, ConnectionError | EOFError):
                raise
            await asyncio.sleep(0.1)
            await self._add()

    async def _add(self) -> Worker:
        """Starts one worker and waits until it is ready. Raises OSError."""
        spawning = asyncio.ensure_future(_spawned())
        self._spawning.add(spawning)
        spawning.add_done_callback(self._spawning.discard)
        try:
            worker = Worker(await asyncio.shield(spawning))
        except asyncio.CancelledError:
            spawning.add_done_callback(self._discard)
            raise
        process = worker.process
        worker.link = Link(process.pipe, partial(self._heard, worker), partial(self._lost, worker), pid=process.pid)
        worker.link.expect(READY_PATIENCE)
        try:
            await worker.hello
        except BaseException:
            self._dismiss(worker)
            process.kill()
            raise
        return worker

    def _discard(self, spawning: asyncio.Future[Process]) -> None:
        """A worker has come that nobody waits for any more."""
        if not spawning.cancelled() and spawning.exception() is None:
            process = spawning.result()
            process.pipe.close()
            process.kill()
            self._bury(process)

    def _replace(self, lost_at: float | None = None) -> None:
        """Starts one more worker in the background, again and again until one is there."""

        async def until_there() -> None:
            pause = 0.1
            while True:
                try:
                    worker = await self._add()
                    break
                except OSError as error:
                    self._trouble = str(error)
                    self.counts.not_started += 1
                    self._event("pool.worker_failed", why=self._trouble)
                await asyncio.sleep(pause)
                pause = min(PAUSE_MOST, 2 * pause)
            if lost_at is not None:
                away = asyncio.get_running_loop().time() - lost_at
                self._event("pool.worker_replaced", worker=worker.process.pid, after_s=round(away, 1))

        if not self._stopping:
            starting = asyncio.get_running_loop().create_task(until_there())
            self._starting.add(starting)
            starting.add_done_callback(self._starting.discard)

    def _lost(self, worker: Worker, why: str, fault: bool) -> None:
        """A worker has gone, or has to: its task goes first to the next free one, and another takes its place."""
        if worker in self._workers:
            self._part(worker, why, fault)
            if why in (WAS_STOPPED, WAS_SILENT):
                self._doubt()
            self._freed()
        elif not worker.hello.done():
            worker.hello.set_exception(OSError(f"a worker process {why} while it was starting"))

    def _part(self, worker: Worker, why: str, fault: bool) -> None:
        """Ends a worker, keeps its task, and starts another."""
        self._dismiss(worker)
        worker.process.kill()
        self.counts.replaced += 1
        busy = worker.task is not None and worker.task.number != READY
        if worker.task is not None and busy:
            worker.task.faults += fault
            worker.task.silences += why == WAS_SILENT
            self.counts.retried += 1
            self._again.append(worker.task)
        self._event("pool.worker_lost", worker=worker.process.pid, why=why, busy=busy)
        self._replace(lost_at=asyncio.get_running_loop().time())

    def _doubt(self) -> None:
        """What held up one worker may hold up all: an idle one gets a task once it has said that it is there. That has
        time, since no task waits for it: those of the lost have their new workers."""
        for worker in list(self._workers):
            if glance(worker.process.pid).state == STOPPED:
                self._part(worker, WAS_STOPPED, False)
            elif worker.task is None:
                worker.task = Task(READY, b"", lambda data: None, lambda why: None)
                worker.link.send(READY, b"", READY_PATIENCE, READY_PATIENCE)

    def _dismiss(self, worker: Worker) -> None:
        """Lets a worker go: the closed socket tells it to end."""
        if not worker.dismissed:
            worker.dismissed = True
            if worker in self._workers:
                self._workers.remove(worker)
            worker.link.close()
            self._bury(worker.process, worker.task)

    def _bury(self, process: Process, task: Task | None = None) -> None:
        """Waits for the end of a process, and learns from it whether its task was to blame."""
        loop = asyncio.get_running_loop()
        self._dying[process] = loop.create_future()
        loop.add_reader(process.sentinel, self._gone, process, task)

    def _gone(self, process: Process, task: Task | None) -> None:
        asyncio.get_running_loop().remove_reader(process.sentinel)
        self._dying.pop(process).set_result(None)
        if process.crashed() and task is not None:
            task.faults += 1

    # tasks and answers

    def _hand_over(self, task: Task) -> bool:
        """To who was asked longest ago: each is used in turn, so that one that was stopped is found out."""
        worker = next((worker for worker in self._workers if worker.task is None), None)
        if worker is None:
            return False
        self._workers.append(self._workers.pop(self._workers.index(worker)))
        self._send(worker, task)
        return True

    def _send(self, worker: Worker, task: Task) -> None:
        worker.task = task
        patience = TOO_SILENT * 2 ** (task.faults + task.silences)
        worker.link.send(task.number, task.data, patience, patience * (1 + len(task.data) / SLOWEST / TOO_SILENT))

    def _heard(self, worker: Worker, number: int, data: bytes) -> None:
        """A message of a worker. Raises Nonsense when it is not the one that is due."""
        task = worker.task
        if task is None and number == READY and not worker.hello.done() and not self._stopping:
            worker.link.rest()
            if data:
                why = data[:400].decode(errors="replace")
                worker.hello.set_exception(OSError(f"a worker process cannot start: {why}"))
                return
            worker.hello.set_result(None)
            self._workers.append(worker)
            self._trouble = None
            self._freed()
        elif task is None or number != task.number:
            raise Nonsense(f"nobody waits for message {number}")
        else:
            self._answered(worker, task, data)

    def _answered(self, worker: Worker, task: Task, data: bytes) -> None:
        worker.task = None
        worker.link.rest()
        try:
            task.answered(data)
        except Nonsense:
            worker.task = task
            raise
        finally:
            self._freed()

    def _freed(self) -> None:
        while self._again:
            task = self._again[0]
            if task.faults < MOST_FAULTS and not self._hand_over(task):
                break
            self._again.popleft()
            if task.faults >= MOST_FAULTS:
                task.failed(f"given up after {task.faults} workers crashed on it, answered nonsense or did not end")
        if self.free:
            self._on_free()


async def _spawned() -> Process:
    """`spawn`, in a thread that holds up no exit."""
    try:
        return await in_thread(spawn, "spawn")
    except BlockingIOError as error:  # not even a thread can start
        raise OSError(f"a worker process cannot start: {error.strerror}") from error

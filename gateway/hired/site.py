"""A thread that has a connection to a cluster, and gives its workers what they are hired for.

All that a cluster is told of the work is the names of functions in the gateway that its workers have, and texts.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
import uuid
import warnings
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import __version__
from ..shown import shown
from .candidates import Candidate, Candidates

if TYPE_CHECKING:
    from ..compute.cluster.dask import Scheduler
    from ..compute.cluster.staff import Seen

LOOK = 0.25  # s between looks at the scheduler
SILENT = 30.0  # s for its answer
PARTING = 5.0  # s for the thread to end
TOPIC = "gateway"  # one for all: a scheduler keeps the last words of each for ever


class Gone(Exception):
    """The cluster can do no more; a clause."""


class Where(NamedTuple):
    """A scheduler's address, and files for tls://, "" where none."""

    address: str
    ca: str = ""
    cert: str = ""
    key: str = ""


class Work(NamedTuple):
    """module: of the gateway's, has the functions. fit: gives what is wrong with a worker, a clause; gets `check`.

    done: works off what it is given. It gets what says a text, and what tells whether it is still wanted, as dask.py
    has it, before what `give` gives.
    """

    module: str
    fit: str
    check: str
    done: str


@dataclass(slots=True)
class Job:
    """What a worker was given. said: gets what it says. over: gets why it came to nothing, a clause, or "", and
    whether its worker has gone."""

    worker: str
    said: Callable[[str], None]
    over: Callable[[str, bool], None]
    task: asyncio.Task[None] | None = None


class Site:
    """The workers. To be entered, and left: then nobody works any more. tell: gets what a person should know, a
    sentence each, from another thread."""

    def __init__(self, where: Where, work: Work, tell: Callable[[str], None]) -> None:
        self._where, self._work, self._tell = where, work, tell
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda *_: None)  # of what Dask leaves behind; for ours see `_ended`
        self._workers = Candidates(self._loop.time())
        self._asked: dict[str, asyncio.Task[None]] = {}
        self._jobs: dict[str, Job] = {}
        self._numbers = itertools.count(1)
        self._mark = uuid.uuid4().hex  # others may hear, and be heard, on the same topic
        self._gone = ""
        self._told: set[str] = set()  # what it waits for
        self._tasks: set[asyncio.Task[None]] = set()
        self._leaving = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Site:
        logging.disable(logging.CRITICAL)  # what is wrong with the cluster, we say
        warnings.filterwarnings("ignore", module="distributed")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._leaving.set)
        self._thread.join(PARTING)
        if not self._thread.is_alive():
            self._loop.close()
        logging.disable(logging.NOTSET)

    def many(self) -> int:
        """How many may be at work at once. Raises Gone."""
        if self._gone:
            raise Gone(self._gone)
        return self._workers.many()

    def take(self) -> str | None:
        """The address of a worker that has a thread left, which is taken."""
        return self._workers.take()

    def back(self, address: str) -> None:
        """A thread of its is free again."""
        self._workers.back(address)

    def give(self, job: Job, *arguments: str) -> None:
        """Has a worker do it. `said` and `over` are called from another thread, and `over` at last, and once, unless
        `many` raises Gone from then on, or it is left."""
        self._loop.call_soon_threadsafe(self._begin, job, arguments)

    # the thread

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._main())
        except (Exception, asyncio.CancelledError) as error:  # such as a Dask that cannot be imported
            self._gone = f"cannot be used any more ({type(error).__name__}: {error})"

    async def _main(self) -> None:
        from ..compute.cluster.dask import Away, connected  # takes seconds on a slow machine

        try:
            scheduler = await connected(*self._where)
        except Away as error:
            self._gone = str(error)
        else:
            try:
                await self._look_after(scheduler)
            except (Away, Gone) as error:
                self._gone = str(error)
            for task in (tasks := [*self._tasks]):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await scheduler.close()
        await self._leaving.wait()

    async def _look_after(self, scheduler: Scheduler) -> None:
        """Until it is left. Raises Away, Gone."""
        from ..compute.cluster.dask import Away

        self._scheduler = scheduler
        scheduler.hear(TOPIC, self._heard)
        while not self._leaving.is_set():
            try:
                async with asyncio.timeout(SILENT):
                    self._look(await scheduler.workers())
            except TimeoutError:
                raise Away(f"has not answered for {SILENT:.0f} s") from None
            try:
                async with asyncio.timeout(LOOK):
                    await self._leaving.wait()
            except TimeoutError:
                pass

    def _look(self, workers: Mapping[str, Seen]) -> None:
        """Raises Gone."""
        now = self._loop.time()
        new, gone = self._workers.look(workers, now)
        for address in gone:
            self._asked.pop(address).cancel()
            for job in self._jobs.values():
                if job.worker == address and job.task is not None:
                    job.task.cancel()
        for address, candidate in new.items():
            self._asked[address] = self._spawn(self._ask(address, candidate))
        if why := self._workers.useless(now):
            raise Gone(why)
        if (why := self._workers.waits(now)) and why not in self._told:
            self._told.add(why)
            self._tell(f"the workers of the cluster at {self._where.address} {why}; this waits for them")

    async def _ask(self, address: str, candidate: Candidate) -> None:
        """Finds out whether a worker is fit, which it says when it can. Ended when it has gone."""
        from ..compute.cluster.dask import Away, Failed, Lost

        why: str | None = None
        while why is None:
            try:
                version = await self._scheduler.compute("hello", on=[address], first=True)
                why = f"has gateway {str(version)[:40]} and not {__version__}"
                if version == __version__:
                    fit, check, module = self._work.fit, self._work.check, self._work.module
                    why = str(await self._scheduler.compute(fit, check, on=[address], of=module, first=True))
            except Lost:  # somebody else restarts the cluster
                await asyncio.sleep(LOOK)
            except Failed as error:
                why = f"has no gateway {__version__} that answers ({error})"
            except Away:  # the next look tells
                return
        candidate.why = why
        if why:
            self._tell(f"the worker {shown(address, 200)} is not used: it {shown(why, 500)}")

    def _heard(self, text: str) -> None:
        number, _, said = text.partition(" ")
        if (job := self._jobs.get(number)) is not None:
            job.said(said)

    def _begin(self, job: Job, arguments: tuple[str, ...]) -> None:
        if self._gone:
            return
        number = f"{self._mark}-{next(self._numbers)}"
        self._jobs[number] = job
        job.task = self._spawn(self._do(number, job, arguments))

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._gone = f"cannot be used any more ({type(error).__name__}: {error})"

    async def _do(self, number: str, job: Job, arguments: tuple[str, ...]) -> None:
        from ..compute.cluster.dask import Away, Failed, Lost

        try:
            if not self._workers.has(job.worker):
                job.over("has gone", True)
                return
            done, module = self._work.done, self._work.module
            why = await self._scheduler.compute(done, number, *arguments, on=[job.worker], of=module, topic=TOPIC)
            job.over(str(why), False)
        except asyncio.CancelledError:
            if self._workers.has(job.worker):  # we leave
                raise
            job.over("has gone", True)
        except (Away, Lost) as error:
            if isinstance(error, Away):
                self._workers.doubt()
            job.over("has gone", True)
        except Failed as error:
            job.over(f"failed ({error})", False)
        finally:
            del self._jobs[number]

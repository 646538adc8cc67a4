"""Workers of a Dask cluster, hired for work that is no room's: who is fit for it, what each is given, what it says.

A loop in a thread of its own has the connection. All that a cluster is told of the work is the names of functions in
the gateway that its workers have, and texts.
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

from . import __version__

if TYPE_CHECKING:
    from .compute.cluster.dask import Scheduler
    from .compute.cluster.staff import Seen

LOOK = 0.25  # s between looks at the scheduler
SILENT = 30.0  # s for its answer
GREETING = 30.0  # s for a worker's answer; it may be busy with other things
EMPTY = 10.0  # s for a worker to come, where there is none
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
class Member:
    """A worker. why: it is of no use; None: it has not answered yet."""

    threads: int
    running: bool = True
    why: str | None = None
    busy: int = 0  # threads that are taken

    @property
    def fit(self) -> bool:
        """Whether it may be given something."""
        return self.why == "" and self.running


@dataclass(slots=True)
class Job:
    """What a worker was given. said: gets what it says. over: gets why it came to nothing, a clause, or "", and
    whether its worker has gone."""

    worker: str
    said: Callable[[str], None]
    over: Callable[[str, bool], None]
    task: asyncio.Task[None] | None = None


class Site:
    """The workers. To be entered, and left: then nobody works any more. left_out: gets an address, and why."""

    def __init__(self, where: Where, work: Work, left_out: Callable[[str, str], None]) -> None:
        self._where, self._work, self._left_out = where, work, left_out
        self._members: dict[str, Member] = {}
        self._jobs: dict[str, Job] = {}
        self._numbers = itertools.count(1)
        self._mark = uuid.uuid4().hex  # others may hear, and be heard, on the same topic
        self._gone = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda *_: None)  # of what Dask leaves behind; for ours see `_ended`
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
        return sum(one.threads for one in list(self._members.values()) if one.fit)

    def take(self) -> str | None:
        """The address of a worker that has a thread left, which is taken."""
        fit = [(address, one) for address, one in list(self._members.items()) if one.fit and one.busy < one.threads]
        if not fit:
            return None
        address, member = max(fit, key=lambda one: one[1].threads - one[1].busy)
        member.busy += 1
        return address

    def back(self, address: str) -> None:
        """A thread of its is free again."""
        if (member := self._members.get(address)) is not None:
            member.busy = max(0, member.busy - 1)  # it may be a new one that is called the same

    def give(self, job: Job, *arguments: str) -> None:
        """Has a worker do it. `said` and `over` are called from another thread, and `over` at last, and once, unless
        the cluster has gone or is left."""
        self._loop.call_soon_threadsafe(self._begin, job, arguments)

    # the thread

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._main())
        except BaseException as error:
            self._gone = f"cannot be used any more ({type(error).__name__}: {error})"
            raise

    async def _main(self) -> None:
        from .compute.cluster.dask import Away, connected  # takes seconds on a slow machine

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
        from .compute.cluster.dask import Away

        self._scheduler = scheduler
        scheduler.hear(TOPIC, self._heard)
        since = self._loop.time()
        while not self._leaving.is_set():
            try:
                async with asyncio.timeout(SILENT):
                    self._look(await scheduler.workers())
            except TimeoutError:
                raise Away(f"has not answered for {SILENT:.0f} s") from None
            if self._members:
                since = self._loop.time()
                if all(one.why for one in self._members.values()):
                    named = "; ".join(f"{address} {one.why}" for address, one in [*self._members.items()][:3])
                    raise Gone(f"has no worker that can be used ({named})")
            elif self._loop.time() - since > EMPTY:
                raise Gone("has no workers")
            try:
                async with asyncio.timeout(LOOK):
                    await self._leaving.wait()
            except TimeoutError:
                pass

    def _look(self, workers: Mapping[str, Seen]) -> None:
        for address in [one for one in self._members if one not in workers]:
            del self._members[address]
            for job in self._jobs.values():
                if job.worker == address and job.task is not None:
                    job.task.cancel()
        for address, seen in workers.items():
            if address in self._members:
                self._members[address].running = seen.running
            else:
                self._members[address] = Member(seen.threads, seen.running)
                self._spawn(self._greet(address, self._members[address]))

    async def _greet(self, address: str, member: Member) -> None:
        """Finds out whether it is fit."""
        from .compute.cluster.dask import Away, Failed

        why: Any = None
        while why is None:
            try:
                async with asyncio.timeout(GREETING):
                    version = await self._scheduler.compute("hello", on=[address], first=True)
                    if version == __version__:
                        why = await self._scheduler.compute(
                            self._work.fit, self._work.check, on=[address], of=self._work.module, first=True
                        )
                    else:
                        why = f"has gateway {version} and not {__version__}"
            except TimeoutError:
                member.why = f"has not answered for {GREETING:.0f} s"
            except Failed as error:
                why = f"has no gateway {__version__} that answers ({error})"
            except Away:
                return
        member.why = str(why)
        if why and address in self._members:
            self._left_out(address, member.why)

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
        from .compute.cluster.dask import Away, Failed, Killed

        try:
            if job.worker not in self._members:
                job.over("has gone", True)
                return
            why = await self._scheduler.compute(
                self._work.done, number, *arguments, on=[job.worker], of=self._work.module, topic=TOPIC
            )
            job.over(str(why), False)
        except asyncio.CancelledError:
            if job.worker in self._members:  # we leave
                raise
            job.over("has gone", True)
        except Killed:
            job.over("has gone", True)
        except Failed as error:
            job.over(f"failed ({error})", False)
        except Away:
            pass  # `many` tells
        finally:
            del self._jobs[number]

"""The thread that the spool's file has to itself: jobs go in, results come back to the loop, in order.

The thread opens the file, and opens it anew after trouble; a file that cannot be read is set aside (aside.py). A disk
that hangs holds up this thread and nothing else, not even the end of the process.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from .aside import Rescue, rescue, set_aside
from .nouns import Gone, Lane
from .sql import CORRUPT, FULL, Trouble
from .store import Store

T = TypeVar("T")
Job = Callable[[Store], Any]

AGAIN = 2.0  # s after trouble before the file is opened anew


class Disk:
    """Runs jobs on the store in `folder`. rescued: told, on the loop, of a file that was set aside."""

    def __init__(self, folder: Path, limit: int, rescued: Callable[[Rescue], None]) -> None:
        self._folder, self._limit, self._rescued = folder, limit, rescued
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[tuple[Job, asyncio.Future[Any]] | None] = queue.SimpleQueue()
        self._store: Store | None = None
        self._known: int | None = None  # the last number that is good
        self._rows: dict[Lane, int] = {}  # what there was when all was well
        self._trouble: Trouble | None = None
        self._not_before = 0.0
        self._since: float | None = None  # when the running job began; monotonic
        self.spare: Mapping[int, Gone] = {}  # blocks that are done with, or in memory as well: no loss in a rescue
        threading.Thread(target=self._work, name="spool", daemon=True).start()

    @property
    def busy_for(self) -> float:
        """Seconds that the running job has taken so far."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    async def run(self, job: Callable[[Store], T]) -> T:
        """The result of `job`, once those before it are done. Raises Trouble."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put((job, future))
        return await future

    async def close(self, patience: float) -> None:
        """Closes the file, after the jobs that wait; leaves a disk that hangs to its thread after `patience` s."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._jobs.put((Store.close, future))
        self._jobs.put(None)
        await asyncio.wait({future}, timeout=patience)
        if future.done() and not future.cancelled():
            future.exception()  # a file that cannot be closed well is closed all the same
        else:
            future.cancel()

    # in the thread

    def _work(self) -> None:
        while (item := self._jobs.get()) is not None:
            job, future = item
            self._since = time.monotonic()
            try:
                result, error = self._done(job), None
            except Exception as failure:  # handed to whoever waits
                result, error = None, failure
            self._since = None
            self._tell(_settle, future, result, error)

    def _done(self, job: Job) -> Any:
        store = self._opened()
        try:
            result = job(store)
        except Trouble as trouble:
            if trouble.kind != FULL:
                self._give_up(trouble)
            raise
        self._known, self._rows, self._trouble = store.last, dict(+store.rows), None
        return result

    def _opened(self) -> Store:
        if self._store is not None:
            return self._store
        if self._trouble is not None and time.monotonic() < self._not_before:
            raise self._trouble
        try:
            if self._trouble is not None and self._trouble.kind == CORRUPT:
                raise self._trouble
            self._store = Store(self._folder, self._limit, self._known)
        except Trouble as trouble:
            if trouble.kind != CORRUPT:
                self._give_up(trouble)
                raise
            self._store = self._renewed()
        return self._store

    def _renewed(self) -> Store:
        """A new file in place of a damaged one, with what can be saved of it."""
        try:
            path = set_aside(self._folder)
            store = Store(self._folder, self._limit, self._known)
            found = rescue(path, store, self._rows, self.spare)
        except (OSError, Trouble) as error:
            trouble = error if isinstance(error, Trouble) else Trouble("failed", str(error))
            self._give_up(Trouble("failed", str(trouble)))
            raise trouble from error
        self._known, self._trouble = store.last, None
        self._tell(self._rescued, found)
        return store

    def _give_up(self, trouble: Trouble) -> None:
        self._trouble, self._not_before = trouble, time.monotonic() + AGAIN
        if self._store is not None:
            self._store.close()
            self._store = None

    def _tell(self, call: Callable[..., None], *values: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *values)
        except RuntimeError:  # the loop has ended meanwhile, and nobody asks any more
            return


def _settle(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if future.cancelled():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)

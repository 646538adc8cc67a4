"""The thread that the spool's file has to itself: jobs go in, results come back to the loop, in order.

The thread opens the file, and opens it anew after trouble; a file that cannot be read is set aside (aside.py). One that
was deleted stays open until all that it holds is on the disk again. A disk that hangs holds up this thread and nothing
else, not even the end of the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ...model import Drop
from .aside import Before, Rescue, losses, rescue
from .attempts import Attempts
from .leftovers import set_aside
from .nouns import Gone, Lane
from .sql import CORRUPT, FAILED, FULL, READ_ONLY, Trouble, told
from .store import FILE, Store

T = TypeVar("T")
Job = Callable[[Store], Any]

AGAIN = 2.0  # s after trouble before the file is opened anew


@dataclass(frozen=True, slots=True)
class News:
    """Whom to tell, on the loop, of what is nobody's job.

    opened: the file is open for the first time; readings in it, by lane, and what was dropped since it was made, by
    reason. rescued: it was set aside or replaced, or something in it is missing. lost: blocks that a job had given up
    which failed, and which have gone all the same.
    """

    opened: Callable[[dict[Lane, int], dict[Drop, int]], None]
    rescued: Callable[[Rescue], None]
    lost: Callable[[list[Gone]], None]


@dataclass(frozen=True, slots=True)
class Claim:
    """What keeps other gateways out of the folder; in the disk's thread.

    again: takes it where it was let go, or was deleted. Raises OSError. let_go: of a disk that is to be repaired no
    file is open.
    """

    again: Callable[[], None]
    let_go: Callable[[], None]


class Disk:
    """Runs jobs on the store in `folder`. limit: bytes."""

    def __init__(self, folder: Path, limit: int, news: News, claim: Claim | None = None) -> None:
        self._folder, self._limit, self._news, self._claim = folder, limit, news, claim
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[tuple[Job, asyncio.Future[Any]] | None] = queue.SimpleQueue()
        self._store: Store | None = None
        self._gone: Path | None = None  # what of the open store's files is no longer where it was
        self._known: int | None = None  # the last number that is good
        self._rows: dict[Lane, int] = {}  # what there was when all was well
        self._dropped: Counter[Drop] = Counter()  # since the file was made, then
        self._doubtful: dict[int, Gone] = {}  # blocks that have perhaps gone
        self._damaged: Path | None = None  # set aside, and not yet seen to
        self._unread = False  # as it has ended start after start
        self._opened_once = False
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
        finally:
            store.doubtful = {}
        self._well(store)
        return result

    def _well(self, store: Store) -> None:
        self._known, self._rows, self._dropped = store.last, dict(+store.rows), store.dropped

    def _opened(self) -> Store:
        if self._trouble is not None and time.monotonic() < self._not_before:
            raise self._trouble
        try:
            if self._claim is not None:  # before anything is made there anew
                with told(self._folder):
                    self._claim.again()
            if self._store is not None:
                before, self._gone = self._gone, self._store.gone
                if before is not None and self._gone is None:  # it is back; what failed meanwhile is in doubt
                    self._close(self._store)
            if self._store is None:
                self._store = self._begun()
            elif self._gone is not None:
                self._store = self._replaced(self._store, self._gone)
        except Trouble as trouble:
            self._give_up(trouble)
            raise
        self._trouble = None
        return self._store

    def _begun(self) -> Store:
        """The open file; a new one in place of a damaged one, with what can be saved of it."""
        if self._trouble is not None and self._trouble.kind == CORRUPT:
            self._set_aside()
        attempts = None if self._opened_once else Attempts(self._folder)
        if attempts is not None and attempts.begins() and (self._folder / FILE).exists():
            self._set_aside()
            self._unread = True
        try:
            store = self._caught_up()
        except Trouble:
            if attempts is not None:
                attempts.over()
            raise
        if attempts is not None:
            attempts.over()
        return store

    def _replaced(self, store: Store, gone: Path) -> Store:
        """The store opened anew, with all that the open one holds, of which `gone` was deleted, replaced or cut short;
        what cannot be had any more is counted.
        """
        how = "cut short" if store.cut else "deleted or replaced"
        self._damaged = store.make_way() or self._damaged
        try:
            sound = store.bring_back()
        except Trouble as trouble:  # CORRUPT: even less can be read of it than of what is set aside
            if trouble.kind != CORRUPT:
                raise
            sound = False
        else:
            self._damaged = None
        self._close(store)
        if not sound and self._damaged is None:
            self._set_aside()
        new = self._caught_up()
        if sound:
            self._tell(self._news.rescued, Rescue(gone, new.rows.total(), replaced=how))
        return new

    def _caught_up(self) -> Store:
        try:
            store = Store(self._folder, self._limit, self._known)
        except Trouble as trouble:
            if trouble.kind != CORRUPT:
                raise
            self._set_aside()
            store = Store(self._folder, self._limit, self._known)
        try:
            self._catch_up(store)
        except BaseException:
            store.close()
            raise
        return store

    def _set_aside(self) -> None:
        self._trouble = None
        with told(self._folder):
            self._damaged = set_aside(self._folder / FILE)

    def _catch_up(self, store: Store) -> None:
        """Tells of what the file has lost since it was open before."""
        if self._damaged is not None:
            before = Before(self._rows, self.spare, self._known, self._dropped)
            found = rescue(self._damaged, store, before, unread=self._unread)
            self._damaged, self._unread = None, False
            self._tell(self._news.rescued, found)
        elif self._known is not None:
            more = self._miss(store) if +store.rows != Counter(self._rows) else Counter[Drop]()
            store.count(self._dropped + more - store.dropped)
        self._doubtful = {}
        self._well(store)
        if not self._opened_once:
            self._opened_once = True
            self._tell(self._news.opened, dict(self._rows), dict(self._dropped))

    def _miss(self, store: Store) -> Counter[Drop]:
        """Not all is there that was: a job came through that had failed, or it is another file, or an older one. Gives
        what is dropped by that.
        """
        spare = dict(self.spare)
        given_up = {id: gone for id, gone in self._doubtful.items() if not store.has(id)}
        missing = {id: gone for id, gone in spare.items() if not store.has(id)}
        expected = Counter(self._rows)
        for lane, rows, _ in (given_up | missing).values():
            expected[lane] -= rows
        if given_up:
            self._tell(self._news.lost, list(given_up.values()))
        if missing or expected - store.rows:
            found = Rescue(self._folder / FILE, store.rows.total(), expected - store.rows, set(missing))
            self._tell(self._news.rescued, found)
        return losses(expected - store.rows, (given_up | missing).values())

    def _give_up(self, trouble: Trouble) -> None:
        self._trouble, self._not_before = trouble, time.monotonic() + AGAIN
        if trouble.kind == FULL:  # it waits for room, open
            return
        if self._store is not None:
            self._doubtful |= self._store.doubtful
            if self._only_here(self._store) and trouble.kind != CORRUPT and not trouble.unread:
                return
            self._close(self._store)
        if self._claim is not None and trouble.kind in (READ_ONLY, FAILED):
            self._claim.let_go()

    def _only_here(self, store: Store) -> bool:
        """Whether what it holds, or some of it, lies in open files alone, which end when they are closed."""
        with contextlib.suppress(Trouble):  # nobody can tell now: it is as it was
            self._gone = store.gone
        return self._gone is not None

    def _close(self, store: Store) -> None:
        store.close()
        self._store = self._gone = None

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

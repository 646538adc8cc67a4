"""The spool as the loop sees it: readings go to the disk and come back, and trouble with it is told."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...model import Drop, Features
from .disk import Claim, Disk, News
from .filing import Saved, filed, found_in, refiled
from .health import SENTENCES, Health
from .holdings import Holdings
from .losses import Losses
from .nouns import Block, Damaged, Lane, Stored
from .seen import Seen, seen
from .sql import FULL, READ_ONLY, STALLED, Trouble
from .store import Put, Store, parcel

SLOW = 3.0  # s that the disk may take for one job before it is said
OPENING = 4.0  # s that a start waits for the disk
PROBES = 1.0  # s between two looks at a disk that is in trouble
IDLE = 3.0  # s without readings for it after which there are such looks: else those show what it does
HEADROOM = 50.0  # bytes of a reading on the disk, until it is known


class Spool:
    """Keeps readings in `folder`. limit: bytes; max_age: s.

    start: s of the boot's monotonic clock at which Features.mono counts from. inherited, dropped: told of readings of a
    board that were found, or had to go. vanished: told of copies that the disk has lost. clock_set: whether the
    machine's clock can be believed. claim: what keeps others out of the folder.
    """

    def __init__(
        self,
        folder: Path,
        limit: int,
        max_age: float,
        boot: str,
        *,
        inherited: Callable[[str, int], None],
        dropped: Callable[[str, Drop, int], None],
        clock_set: Callable[[], bool],
        claim: Claim | None = None,
        event: Callable[..., None] = lambda name, **fields: None,
    ) -> None:
        self._folder, self._limit, self._max_age, self._boot, self._claim = folder, limit, max_age, boot, claim
        self._clock_set, self._event = clock_set, event
        self._holds = Holdings()
        self._losses = Losses(self._holds, inherited, dropped, lambda copies: self.vanished(copies), event)
        self.vanished: Callable[[set[int]], None] = lambda copies: None
        self._seen = Seen(limit)
        self._weight = HEADROOM
        self._health = Health()
        self.spent = False  # whether the reserve is, at the end
        self._aged = self._probed = self._kept = -math.inf
        self.start = 0.0

    async def open(self) -> None:
        """Opens the file; what was found is counted. While the disk is in trouble that comes later.

        Raises Trouble when the file is not ours to write.
        """
        self._disk = Disk(
            self._folder, self._limit, News(self._losses.found, self._losses.rescued, self._losses.lose), self._claim
        )
        opening = asyncio.ensure_future(self._try(self._look_at))
        done, _ = await asyncio.wait({opening}, timeout=OPENING)
        for one in done:
            one.result()
        trouble = self._health.trouble
        if trouble is not None and trouble.kind == READ_ONLY:
            raise trouble

    # what there is to say

    def held(self, board: str) -> int:
        """Readings of `board` that only the disk has."""
        return self._holds.held(board)

    @property
    def waiting(self) -> bool:
        """Whether there is something to send."""
        return self._holds.waiting

    @property
    def boards(self) -> set[str]:
        """Those that have something to send."""
        return self._holds.boards

    @property
    def why_shed(self) -> Drop:
        """Why readings are dropped that find no room in memory."""
        trouble = self._health.trouble
        return Drop.DISK_FULL if trouble is not None and trouble.kind == FULL else Drop.SHED

    @property
    def trouble(self) -> str | None:
        """One sentence while the disk does not do what it shall."""
        if (busy := self._disk.busy_for) > SLOW:
            return f"{SENTENCES[STALLED]} ({self._folder} has not answered for {busy:.0f} s)"
        trouble = self._health.trouble
        return None if trouble is None else f"{SENTENCES[trouble.kind]} ({trouble})"

    @property
    def damage(self) -> str | None:
        """One sentence, when readings may be lost that nobody can count, or nearly were."""
        return self._losses.damage

    def look(self, rate: float) -> dict[str, Any]:
        """For the status. rate: readings/s that come in."""
        return self._seen.shown(self._weight, rate)

    # for whoever copies it

    async def hold(self, seconds: float) -> bool:
        """Has its files stay as they are, for so long, for another process to copy. Gives whether the disk does so."""
        return await self._try(lambda store: store.hold(seconds) or True) is True  # type: ignore[func-returns-value]

    async def let_go(self) -> bool:
        """That is over. Gives whether what was copied holds together."""
        return await self._try(Store.let_go) is True

    # to the disk

    @property
    def parcel(self) -> int:
        """Readings that it takes at once."""
        return int(parcel(self._limit) / 64)

    async def keep(
        self, first: Sequence[Saved], moved: Sequence[Saved], last: Sequence[Saved], instead: Sequence[int] = ()
    ) -> tuple[list[int], list[int]] | None:
        """Stores readings: `moved` for good, and as copies `first`, which came before them, and `last`; in place of the
        copies `instead`. Gives the numbers of the copies. None: the disk does not take them; nothing has changed.
        """
        self._kept = time.monotonic()
        holds, troubled = self._holds, self._health.trouble is not None and not self.spent
        gone, busy = holds.gone | {copy: holds.copies[copy] for copy in instead}, holds.busy.difference(instead)
        flags = [*(True for _ in first), *(False for _ in moved), *(True for _ in last)]
        all_of_them = list(zip((*first, *moved, *last), flags, strict=True))

        def job(store: Store) -> Put:
            if troubled:
                store.probe()  # before all of it is written in vain
            blocks = [filed(one, self._boot, self.start, copy=copy) for one, copy in all_of_them]
            done = store.put(blocks, gone, busy)
            if rows := sum(block.rows for block in blocks):
                self._weight += (sum(len(block.data) for block in blocks) / rows + 3 - self._weight) / 8
            return done

        done = await self._try(job, writes=True)
        if done is None:
            return None
        holds.forgotten(gone)
        self._losses.lose(done.lost)
        for number, (one, copy) in zip(done.ids, all_of_them, strict=True):
            holds.stored(number, (one.features.board, one.features.sensor), len(one.features), copy=copy)
        return done.ids[: len(first)], done.ids[len(first) + len(moved) :]

    async def spend_reserve(self) -> bool:
        """At the end, where the disk is full: the room of the reserve is for what is left. Gives whether it is."""
        if self.why_shed is Drop.DISK_FULL and not self.spent:
            self.spent = bool(await self._try(Store.spend_reserve))
        return self.spent

    def uncopied(self, number: int) -> None:
        """Nobody needs this copy any more."""
        self._holds.uncopied(number)

    def promoted(self, number: int) -> None:
        """This copy is all there is of its readings now."""
        self._holds.promoted(number)

    # from the disk

    def lanes(self, board: str) -> list[Lane]:
        """Those of `board` that have something to send."""
        return list(self._holds.lanes(board))

    async def fetch(self, lanes: Sequence[Lane], most: int = 1) -> list[tuple[Block, Features, dict[int, int]]]:
        """The next blocks of these lanes, the oldest of all first: about `most` readings; none when there are none."""
        holds = self._holds
        fetched: list[tuple[Block, Features, dict[int, int]]] = []
        while not fetched:
            after, before = holds.ahead(lanes)
            found: list[Stored] | None = None
            if after:
                found = await self._try(lambda store, a=after, b=before: store.next(a, b, most))  # type: ignore[misc]
            for one in found or ():
                block = holds.fetched(one.id, one.source, one.rows)
                if block is None:
                    continue
                try:
                    fetched.append((block, *found_in(one.source, one.rows, one.data, self._boot, self.start)))
                except Damaged:
                    holds.done(block, one.rows, Drop.SPOOL_CORRUPT)
                    self._losses.lose_one(one.source.board, Drop.SPOOL_CORRUPT, one.rows)
            if not found:
                break
        return fetched

    def done(self, block: Block, readings: int) -> None:
        """The broker has taken readings of a block, or nobody shall have them."""
        self._holds.done(block, readings)

    @property
    def untidy(self) -> bool:
        """Whether blocks are done with that the disk still has."""
        return bool(self._holds.gone)

    async def forget(self) -> None:
        """Lets the disk forget what is done with."""
        gone = dict(self._holds.gone)

        def job(store: Store) -> bool:
            store.forget(gone)
            return True

        if await self._try(job):
            self._holds.forgotten(gone)

    async def tend(self) -> None:
        """Drops what is too old, and sees whether a disk works again, and its files are there. To be called often."""
        now = time.monotonic()
        if now - self._kept >= IDLE and now - self._probed >= PROBES:
            self._probed = now
            if self._health.trouble is not None:
                await self._try(Store.probe, writes=True)
            else:
                await self._try(lambda store: None)
        if self.waiting and now - self._aged >= min(60.0, max(1.0, self._max_age / 20)):
            self._aged = now
            await self._age()

    async def _age(self) -> None:
        busy = {*self._holds.busy, *self._holds.gone}
        now, wall, believed = time.monotonic(), time.time(), self._clock_set()

        def too_old(block: Stored) -> bool | None:
            if block.source.boot == self._boot:
                return now - block.mono > self._max_age
            return None if block.source.unset or not believed else wall - block.wall > self._max_age

        self._losses.lose(await self._try(lambda store: store.drop_older(too_old, busy)) or [])

    async def close(self, rest: Sequence[tuple[Block, Features, dict[int, int]]], patience: float) -> None:
        """Leaves in the blocks that were being sent only what is left of them, and closes the file."""
        gone = dict(self._holds.gone)
        partly = [one for one in rest if len(one[1]) < one[0].rows]

        def job(store: Store) -> None:
            if partly or gone:
                store.rewrite({block.id: refiled(block, f, left, self.start) for block, f, left in partly})
                store.forget(gone)

        closing = asyncio.ensure_future(self._try(job))
        await asyncio.wait({closing}, timeout=patience)
        await self._disk.close(patience / 2)

    # what goes wrong

    async def _try(self, job: Callable[[Store], Any], *, writes: bool = False) -> Any:
        """The result of a job; None when the disk does not do it. writes: whether it shows that the disk works."""
        loop = asyncio.get_running_loop()
        slow = loop.call_later(
            SLOW, self._failed, Trouble(STALLED, f"{self._folder} has not answered for {SLOW:.0f} s")
        )
        self._disk.spare = self._holds.spare

        def and_look(store: Store) -> Any:
            result = job(store)
            self._look_at(store)
            return result

        try:
            result = await self._disk.run(and_look)
        except Trouble as trouble:
            self._failed(trouble)
            return None
        finally:
            slow.cancel()
        if writes and (lasted := self._health.worked(time.monotonic())) is not None:
            self._event("spool.recovered", after_s=round(lasted, 1))
        return result

    def _failed(self, trouble: Trouble) -> None:
        if self._health.failed(trouble, time.monotonic()):
            self._event("spool.failed", why=f"{SENTENCES[trouble.kind]} ({trouble})")

    def _look_at(self, store: Store) -> None:
        """In the disk's thread."""
        self._seen = seen(store)

"""The spool as the loop sees it: what lies on the disk, by board and lane, and what of that is done with.

A reading is in one of three places here: in a block that waits, in one that is being sent (`out`), or in a copy: it is
still in memory, and the disk has it only for the case that this process dies. Copies become blocks when what was in
memory is given up for them, and go when it is settled.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...model import Drop, Features
from .aside import Rescue
from .disk import Disk
from .filing import Saved, filed, found_in
from .nouns import Block, Damaged, Gone, Lane, Source
from .sql import FULL, Trouble
from .store import Put, Store

STALLED = 3.0  # s that the disk may take for one job before it is said
SENTENCES = {
    "full": "the disk is full, so that readings wait in memory; make room on it",
    "read_only": "the disk cannot be written, so that readings wait in memory; see whether it is mounted read-only",
    "failed": "the disk fails, so that readings wait in memory; see what the system's log says of it",
    "corrupt": "the spool cannot be read, so that readings wait in memory",
}
HEADROOM = 50.0  # bytes of a reading on the disk, until it is known


class Spool:
    """Keeps readings in `folder`. limit: bytes; max_age: s.

    start: s of the boot's monotonic clock at which Features.mono counts from. inherited, dropped: told of readings of a
    board that were found, or had to go. clock_set: whether the machine's clock can be believed.
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
        event: Callable[..., None] = lambda name, **fields: None,
    ) -> None:
        self._folder, self._limit, self._max_age, self._boot = folder, limit, max_age, boot
        self._inherited, self._dropped, self._clock_set, self._event = inherited, dropped, clock_set, event
        self._rows: Counter[Lane] = Counter()  # readings in blocks, which are not done with
        self._copies: dict[int, Gone] = {}
        self._out: dict[int, Block] = {}
        self._gone: dict[int, Gone] = {}
        self._cursors: dict[Lane, int] = {}
        self._seen: dict[str, Any] = {"bytes": 0, "oldest": None, "free": limit}
        self._weight = HEADROOM
        self._trouble: Trouble | None = None
        self._since = 0.0  # of the trouble; monotonic
        self.damage: str | None = None  # one sentence, when readings may be lost that nobody can count
        self._opened = False
        self._aged = -math.inf
        self.start = 0.0

    async def open(self) -> None:
        """Opens the file, and counts what was found. Raises Trouble."""
        self._disk = Disk(self._folder, self._limit, self._rescued)

        def job(store: Store) -> dict[Lane, int]:
            self._look_at(store)
            return dict(+store.rows)

        self._rows = Counter(await self._disk.run(job))
        self._opened = True
        for (board, _), rows in self._rows.items():
            self._inherited(board, rows)

    # what there is to say

    def held(self, board: str) -> int:
        """Readings of `board` that only the disk has."""
        return sum(rows for lane, rows in self._rows.items() if lane[0] == board)

    @property
    def boards(self) -> set[str]:
        """Boards of which it holds readings."""
        return {board for (board, _), rows in self._rows.items() if rows}

    @property
    def waiting(self) -> bool:
        """Whether there is something to send."""
        return any(self._rows.values())

    @property
    def why_shed(self) -> Drop:
        """Why readings are dropped that find no room in memory."""
        return Drop.DISK_FULL if self._trouble is not None and self._trouble.kind == FULL else Drop.SHED

    @property
    def trouble(self) -> str | None:
        """One sentence while the disk does not do what it shall."""
        if (busy := self._disk.busy_for) > STALLED:
            return f"the disk has not answered for {busy:.0f} s ({self._folder}), so that readings wait in memory"
        return None if self._trouble is None else f"{SENTENCES[self._trouble.kind]} ({self._trouble})"

    def look(self, rate: float) -> dict[str, Any]:
        """For the status. rate: readings/s that come in."""
        hours = self._seen["free"] / (self._weight * rate) / 3600 if rate > 0 else None
        return {
            "bytes": self._seen["bytes"],
            "oldest": self._seen["oldest"],
            "hours_left": None if hours is None else round(min(hours, 99_999.0), 1),
        }

    # to the disk

    async def keep(
        self, first: Sequence[Saved], moved: Sequence[Saved], last: Sequence[Saved]
    ) -> tuple[list[int], list[int]] | None:
        """Stores readings: `moved` for good, and as copies `first`, which came before them, and `last`.

        Gives the numbers of the copies. None: the disk does not take them; nothing has changed.
        """
        gone = dict(self._gone)
        busy = {*self._out, *self._copies} - gone.keys()
        all_of_them = (*first, *moved, *last)

        def job(store: Store) -> Put:
            blocks = [filed(one, self._boot, self.start) for one in all_of_them]
            done = store.put(blocks, gone, busy)
            self._look_at(store)
            if rows := sum(block.rows for block in blocks):
                self._weight += (sum(len(block.data) for block in blocks) / rows + 3 - self._weight) / 8
            return done

        done = await self._try(job)
        if done is None:
            return None
        self._forgotten(gone)
        self._lose(done.lost, Drop.SPOOL_FULL)
        for number, one in zip(done.ids, all_of_them, strict=True):
            self._copies[number] = Gone((one.features.board, one.features.sensor), len(one.features))
        for number in done.ids[len(first) : len(first) + len(moved)]:
            self.promoted(number)
        return done.ids[: len(first)], done.ids[len(first) + len(moved) :]

    def uncopied(self, number: int) -> None:
        """Nobody needs this copy any more."""
        self._gone[number] = self._copies.pop(number)

    def promoted(self, number: int) -> None:
        """This copy is all there is of its readings now."""
        lane, rows = self._copies.pop(number)
        self._rows[lane] += rows

    # from the disk

    async def fetch(self, ready: Callable[[Lane], bool]) -> tuple[Block, Features, dict[int, int]] | None:
        """The next block of a lane that is `ready`, the oldest of all such; None when there is none."""
        first = dict.fromkeys(self._rows, math.inf)
        for number, gone in self._copies.items():
            first[gone.lane] = min(first.get(gone.lane, math.inf), number)
        after = {lane: self._cursors.get(lane, 0) for lane, rows in self._rows.items() if rows and ready(lane)}

        def job(store: Store) -> tuple[int, Source, int, bytes] | None:
            found = [block for lane, number in after.items() if (block := store.next(lane, number)) is not None]
            found = [block for block in found if block.id < first[block.source.lane]]  # in order: copies come first
            if not found:
                return None
            block = min(found, key=lambda block: block.id)
            return block.id, block.source, block.rows, block.data

        found = await self._try(job) if after else None
        if found is None:
            return None
        number, source, rows, data = found
        self._cursors[source.lane] = number
        if number in self._gone:
            return await self.fetch(ready)
        block = Block(number, source.lane, rows, source, rows)
        try:
            features, condensed = found_in(source, rows, data, self._boot, self.start)
        except Damaged:
            self._gone[number] = Gone(source.lane, rows)
            self._rows[source.lane] -= rows
            self._dropped(source.board, Drop.SPOOL_CORRUPT, rows)
            return await self.fetch(ready)
        self._out[number] = block
        return block, features, condensed

    def done(self, block: Block, readings: int) -> None:
        """The broker has taken readings of a block, or nobody shall have them."""
        block.left -= readings
        self._rows[block.lane] -= readings
        if not block.left and self._out.pop(block.id, None) is not None:
            self._gone[block.id] = Gone(block.lane, block.rows)

    @property
    def untidy(self) -> bool:
        """Whether blocks are done with that the disk still has."""
        return bool(self._gone)

    async def forget(self) -> None:
        """Lets the disk forget what is done with."""
        gone = dict(self._gone)

        def job(store: Store) -> None:
            store.forget(gone)
            self._look_at(store)

        if await self._try(job, done=True) is not None:
            self._forgotten(gone)

    async def age(self) -> None:
        """Drops what is older than max_age."""
        if not self.waiting or time.monotonic() - self._aged < min(60.0, max(1.0, self._max_age / 20)):
            return
        self._aged = time.monotonic()
        busy = {*self._out, *self._copies, *self._gone}
        now, wall, believed = time.monotonic(), time.time(), self._clock_set()

        def too_old(source: Source, when: float, mono: float) -> bool:
            if source.boot == self._boot:
                return now - mono > self._max_age
            return believed and not source.unset and wall - when > self._max_age

        self._lose(await self._try(lambda store: store.drop_older(too_old, busy)) or [], Drop.SPOOL_AGE)

    async def close(self, rest: Sequence[tuple[Block, Features, dict[int, int]]], patience: float) -> None:
        """Leaves in the blocks that were being sent only what is left of them, and closes the file."""
        gone = dict(self._gone)

        def job(store: Store) -> None:
            for block, features, condensed in rest:
                left = Saved(features, condensed, block.source.run, dict(block.source.tags))
                store.replace(block.id, block.lane, len(features), filed(left, self._boot, self.start).data)
            if gone:
                store.forget(gone)

        closing = asyncio.ensure_future(self._try(job))
        await asyncio.wait({closing}, timeout=patience)
        await self._disk.close(patience / 2)

    # what goes wrong

    async def _try(self, job: Callable[[Store], Any], done: Any = None) -> Any:
        """The result of a job, or `done` where it has none; None when the disk does not do it."""
        out = {number: Gone(block.lane, block.rows) for number, block in self._out.items()}
        self._disk.spare = self._gone | self._copies | out
        try:
            result = await self._disk.run(job)
        except Trouble as trouble:
            if self._trouble is None:
                self._since = time.monotonic()
                self._event("spool.failed", why=f"{SENTENCES[trouble.kind]} ({trouble})")
            self._trouble = trouble
            return None
        if self._trouble is not None:
            self._event("spool.recovered", after_s=round(time.monotonic() - self._since, 1))
            self._trouble = None
        return done if result is None else result

    def _look_at(self, store: Store) -> None:
        """In the disk's thread."""
        self._seen = {"bytes": store.size(), "oldest": store.oldest(), "free": store.free()}

    def _forgotten(self, gone: dict[int, Gone]) -> None:
        for number in gone:
            self._gone.pop(number, None)

    def _lose(self, lost: Sequence[Gone], reason: Drop) -> None:
        for lane, rows in lost:
            self._rows[lane] -= rows
            self._dropped(lane[0], reason, rows)

    def _rescued(self, found: Rescue) -> None:
        """The file was damaged: what could be read of it is in a new one, under the same numbers."""
        lost = sum(found.lost.values())
        self._event("spool.damaged", file=str(found.path), saved=found.saved, lost=lost, complete=found.complete)
        for lane, rows in found.lost.items():
            if not self._opened:
                self._inherited(lane[0], rows)
            else:
                self._rows[lane] -= rows
            self._dropped(lane[0], Drop.SPOOL_CORRUPT, rows)
        if not found.complete:
            self.damage = f"the spool was damaged, and nobody knows how many readings it held; it lies in {found.path}"

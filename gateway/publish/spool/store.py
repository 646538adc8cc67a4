"""The spool's file as it is used: blocks in, blocks out, always within its limit. Everything blocks (disk.py).

A block has a number; a lane (board, sensor) reads its blocks in the order of their numbers. Where a block finds no
room, the oldest of the board that holds most go first. On a full disk SQLite cannot even delete: for that there is a
reserve which is given up.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...instants import instant
from ...model import Drop
from .blocks import LATEST
from .leftovers import Leftovers, set_aside
from .nouns import Gone, Lane, New, Stored
from .reserve import Reserve
from .shelf import Shelf
from .sql import CORRUPT, FULL, PAGE, File, Trouble, log_spoilt, room, told, unless_full
from .tables import VERSION

FILE = "spool.db"
AT_ONCE = 500  # blocks that are looked at, for their age, at once
SHRINKABLE = 100_000  # bytes; a smaller file stays as it is
ENOUGH = 100_000  # bytes that a disk which was full has to have free before it is worth a try
NAMELESS = 1000  # names without a block that may come before they go: to write one anew costs more than to keep it
ASIDE = 160_000  # bytes of the limit that blocks leave to the log's last transaction and to what is not counted


@dataclass(slots=True)
class Put:
    """What became of a `put`: the numbers of the blocks, and what had to go for them."""

    ids: list[int] = field(default_factory=list)
    lost: list[Gone] = field(default_factory=list)


class Store:
    """The open file in `folder`. limit: bytes of all its files. All methods raise Trouble for what the disk does.

    After Trouble of the kind "full" it holds what it held before. After any other it is to be closed, as nobody knows
    what has come of the change; known, when it is opened again in the same run, is the last number that is good.
    """

    def __init__(self, folder: Path, limit: int, known: int | None = None) -> None:
        self.folder = folder
        self.doubtful: dict[int, Gone] = {}  # blocks that were given up, until it is known that this has come about
        self._limit, self._log = limit, parcel(limit)
        self._reserve = Reserve(folder, min(max(limit // 64, 32_768), 131_072))
        self._leftovers = Leftovers(folder)
        self._names = -NAMELESS  # that were left the last time that names went
        begun = self._reserve.there and (folder / FILE).exists()
        if log_spoilt(folder / FILE):
            raise Trouble(CORRUPT, f"{folder / FILE}: its log cannot be read")
        self._file = File(folder / FILE)
        try:
            self._file.settle()
            self._shelf = Shelf(self._file, begun=begun, known=known)
            self._reserve.restore()
        except BaseException:
            self.close()
            raise

    # what there is

    @property
    def rows(self) -> Counter[Lane]:
        """Readings, by lane."""
        return self._shelf.rows

    @property
    def dropped(self) -> Counter[Drop]:
        """Readings that were dropped since the file was made, by reason."""
        return self._shelf.dropped

    @property
    def last(self) -> int:
        """The last number that was given out."""
        return self._shelf.last

    def size(self) -> int:
        """Bytes of all its files."""
        total = self._leftovers.size
        for name in (FILE, f"{FILE}-wal", f"{FILE}-shm", self._reserve.path.name):
            with contextlib.suppress(FileNotFoundError):
                total += (self.folder / name).stat().st_size
        return total

    def free(self) -> int:
        """Bytes that blocks may still take; the rest is for the log, a transaction in it, and the reserve."""
        used = self._file.number("PRAGMA page_count") - self._file.number("PRAGMA freelist_count")
        return self._limit - self._reserve.size - 2 * self._log - ASIDE - self._leftovers.size - used * PAGE

    def oldest(self) -> str | None:
        """When the oldest block's readings came, as text; None when there is none, or what stands there is no time."""
        (wall,) = self._file.row("SELECT wall FROM blocks ORDER BY id LIMIT 1") or (None,)
        return instant(wall) if isinstance(wall, float) and abs(wall) < LATEST else None

    def has(self, id: int) -> bool:
        """Whether there is such a block."""
        return self._shelf.has(id)

    def next(self, after: Mapping[Lane, int], before: Mapping[Lane, int], most: int = 1) -> list[Stored]:
        """The oldest blocks of lanes behind the numbers `after`, short of those in `before`: about `most` readings."""
        return self._shelf.next(after, before, most)

    # what changes

    def put(self, new: Sequence[New], gone: Mapping[int, Gone], busy: Collection[int]) -> Put:
        """Stores blocks in their order, and forgets those that are `gone`: all of it, on the disk when it returns, or
        nothing. busy: numbers of blocks that must stay as they are.
        """
        try:
            return self._put(new, gone, busy)
        except Trouble as trouble:
            if trouble.kind != FULL:
                raise
        with contextlib.suppress(Trouble):  # the log may hold what the file has room for
            self._file.empty_log(at_once=True)
        return self._put(new, gone, busy)

    def _put(self, new: Sequence[New], gone: Mapping[int, Gone], busy: Collection[int]) -> Put:
        done, shelf = Put(), self._shelf
        with shelf.transaction():
            shelf.delete(gone)
            for lane in {block.source.lane for block in new}:
                shelf.join(lane, busy)  # not the new ones: if this fails, and comes through, these are deleted
            done.lost = self._make_room(sum(_weight(len(block.data)) for block in new), busy)
            done.ids = [shelf.insert(block) for block in new]
        self._empty_log()
        return done

    def _make_room(self, weight: int, busy: Collection[int]) -> list[Gone]:
        lost: list[Gone] = []
        if not weight:
            return lost
        while self.free() < weight and self._leftovers.drop_oldest():
            pass
        surplus = self._shelf.surplus(busy)
        while self.free() < weight:
            if (found := next(surplus, None)) is None:
                raise Trouble(FULL, f"{self._file.path}: spool.max_bytes is too small for what is under way")
            self.doubtful |= dict([found])
            self._shelf.delete(dict([found]))
            lost.append(found[1])
        return lost

    def forget(self, gone: Mapping[int, Gone]) -> None:
        """Deletes blocks: the broker has them. On a full disk it takes the reserve for that."""
        try:
            self.put((), gone, ())
        except Trouble as trouble:
            if trouble.kind != FULL or not self._reserve.give_up():
                raise
            self.put((), gone, ())
        if not +self.rows:
            self._shrink()
        self._prune()
        self._reserve.restore()

    def spend_reserve(self) -> bool:
        """Makes its room free for blocks that have nowhere else to go; False when there is none."""
        return self._reserve.give_up()

    def carry(self, blocks: Sequence[Stored]) -> None:
        """Stores blocks of another spool, with their numbers, unless they are there."""
        with self._shelf.transaction():
            for block in blocks:
                if not self.has(block.id):
                    self._shelf.insert(New(block.source, block.rows, block.wall, block.mono, block.data), block.id)
        self._empty_log()

    def count(self, dropped: Mapping[Drop, int]) -> None:
        """Adds to what was dropped; a full disk takes no more sums."""
        if dropped:
            with unless_full(), self._shelf.transaction():
                self._shelf.count(dropped)

    def rewrite(self, blocks: Mapping[int, New]) -> None:
        """Other readings in some blocks."""
        with self._shelf.transaction():
            for id, block in blocks.items():
                self._shelf.replace(id, block)

    def drop_older(self, too_old: Callable[[Stored], bool | None], busy: Collection[int]) -> list[Gone]:
        """Drops the oldest blocks, up to the first that is not `too_old`; it says None of one whose age is unknown."""
        dropped = dict[int, Gone]()
        for block in self._headers():
            if (over := too_old(block)) is False:
                break
            if over and block.id not in busy:
                dropped[block.id] = Gone(block.source.lane, block.rows, Drop.SPOOL_AGE)
        if dropped:
            self.doubtful |= dropped
            self.forget(dropped)
        return list(dropped.values())

    def _headers(self) -> Iterator[Stored]:
        after = 0
        while part := self._shelf.headers(after, AT_ONCE):
            yield from part
            after = part[-1].id

    def probe(self) -> None:
        """Writes a little, to see whether the disk takes it."""
        with told(self._file.path):
            if (left := room(self.folder)) < ENOUGH:
                raise Trouble(FULL, f"{self.folder}: {left // 1000} kB are free")
        with self._file.transaction():
            self._file.rows(f"PRAGMA user_version={VERSION}")
        self._empty_log()
        self._reserve.restore()

    @property
    def gone(self) -> Path | None:
        """Its file, or the log of that, where it was deleted, cut short, or replaced by another."""
        return self._file.gone

    @property
    def cut(self) -> bool:
        """Whether it was cut short."""
        return self._file.cut

    def make_way(self) -> Path | None:
        """Makes the place ready for `bring_back`: what lies there instead of the file, or is left of it, is set aside.
        Gives where that lies, if there was something.
        """
        path = self.folder / FILE
        with told(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with told(path):
            return set_aside(path) if os.path.lexists(path) and (self.cut or self.gone == path) else None

    def bring_back(self) -> bool:
        """Brings what has gone to the disk: all of it to a new file; or, where the log alone has gone, what lay in that
        to the file. Gives whether it is sound. The store is to be closed then, and opened anew.
        """
        return self._file.bring_back()

    def hold(self, seconds: float) -> None:
        """Its files may be copied by another process for so long; its log may grow to an eighth of the limit."""
        self._file.hold(seconds, self._limit // 8)

    def let_go(self) -> bool:
        """That is over. Gives whether they could be copied until now."""
        held = self._file.held
        self._file.hold(0.0, 0)
        return held

    def close(self) -> None:
        """Gives the file back."""
        self._file.close()

    # between transactions

    def _empty_log(self) -> None:
        """Brings the log into the file once it has grown; on a full disk that has to wait."""
        log = self.folder / f"{FILE}-wal"
        with told(log):
            size = log.stat().st_size
        if size > self._log:
            with unless_full():
                self._file.empty_log()

    def _prune(self) -> None:
        """Forgets the names of what is not there: the first time, and whenever there are so many more."""
        if self._shelf.names >= self._names + NAMELESS:
            with unless_full():
                with self._shelf.transaction():
                    self._shelf.prune()
                self._names = self._shelf.names
            self._empty_log()

    def _shrink(self) -> None:
        """Gives the disk back what an empty spool does not need."""
        with unless_full():
            if self._file.number("PRAGMA page_count") * PAGE > SHRINKABLE:
                with self._shelf.transaction():
                    self._shelf.clear()
                self._file.rows("VACUUM")
            self._file.empty_log()


def parcel(limit: int) -> int:
    """Bytes that one `put` shall not exceed by much, in a spool of so many."""
    return min(max(limit // 32, 32_768), 500_000)


def _weight(size: int) -> int:
    """Bytes that a block takes in the file, about."""
    return size + 80 if size < PAGE - 200 else (size // PAGE + 2) * PAGE

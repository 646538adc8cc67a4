"""The spool's file as it is used: blocks in, blocks out, always within its limit. Everything blocks (disk.py).

A block has a number; a lane (board, sensor) reads its blocks in the order of their numbers. Where a block finds no
room, the oldest of the board that holds most go first. On a full disk SQLite cannot even delete: for that there is a
reserve which is given up.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .blocks import joined, read, written
from .nouns import Gone, Lane, New, Source, Stored
from .reserve import Reserve
from .sql import CORRUPT, FULL, PAGE, File, Trouble, told
from .tables import BLOCK, TABLES, VERSION

FILE = "spool.db"
SMALL, MANY, ENOUGH = 64, 64, 512  # readings of a small block; blocks, or readings in such, that are joined to one
AT_ONCE = 1000  # blocks that are dropped for their age in one transaction
SHRINKABLE = 100_000  # bytes; a smaller file stays as it is


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
        self.rows: Counter[Lane] = Counter()
        self.last = 0  # the last number that was given out
        self._reserve = Reserve(folder, min(max(limit // 64, 32_768), 131_072))
        self._log = min(max(limit // 32, 32_768), 500_000)  # bytes of a transaction, and of a log that is emptied
        self._pages = (limit - self._reserve.size - 2 * self._log - 160_000) // PAGE
        self._lanes, self._sources = dict[Lane, int](), dict[Source, int]()
        self._tails: dict[Lane, list[tuple[int, int, int]]] = {}  # (block, source, readings) of the newest small ones
        self._half_done: dict[int, Gone] = {}  # blocks of a `put` that failed after them
        self._file = File(folder / FILE)
        try:
            self._begin(known)
        except BaseException:
            self.close()
            raise

    def _begin(self, known: int | None) -> None:
        file = self._file
        file.settle()
        version = file.number("PRAGMA user_version")
        if not version and not file.number("SELECT count(*) FROM sqlite_schema"):
            with file.transaction():
                for statement in TABLES.split(";"):
                    file.rows(statement)
                file.rows(f"PRAGMA user_version={VERSION}")
        elif version != VERSION:
            raise Trouble(CORRUPT, f"{file.path} is of another version of this program (its tables: {version})")
        if known is not None and file.number("SELECT max(id) FROM blocks") > known:
            with file.transaction():  # a commit that failed may have come through all the same
                file.do("DELETE FROM blocks WHERE id > ?", known)
        self._lanes = {(board, sensor): key for key, board, sensor in file.rows("SELECT id, board, sensor FROM lanes")}
        of = {key: lane for lane, key in self._lanes.items()}
        with told(file.path):
            for key, rows in file.rows("SELECT lane, sum(rows) FROM blocks INDEXED BY by_lane GROUP BY lane"):
                self.rows[of[key]] = rows
        self.last = max(known or 0, file.number("SELECT max(id) FROM blocks"))
        self._reserve.restore()

    # what there is

    def size(self) -> int:
        """Bytes of all its files."""
        total = 0
        for name in (FILE, f"{FILE}-wal", f"{FILE}-shm", self._reserve.path.name):
            with contextlib.suppress(FileNotFoundError):
                total += (self.folder / name).stat().st_size
        return total

    def free(self) -> int:
        """Bytes that blocks may still take."""
        used = self._file.number("PRAGMA page_count") - self._file.number("PRAGMA freelist_count")
        return max(0, (self._pages - used) * PAGE)

    def oldest(self) -> float | None:
        """When the oldest block's readings came, s since 1970; None when there is none."""
        walls: list[float] = [wall for (wall,) in self._file.rows("SELECT wall FROM blocks ORDER BY id LIMIT 1")]
        return walls[0] if walls else None

    def next(self, lane: Lane, after: int) -> Stored | None:
        """The first block of `lane` behind number `after`."""
        text = BLOCK + "WHERE b.lane = ? AND b.id > ? ORDER BY b.id LIMIT 1"
        return self._stored(self._file.row(text, self._lanes.get(lane, 0), after))

    def _stored(self, row: tuple[Any, ...] | None) -> Stored | None:
        with told(self._file.path):
            return Stored(row[0], Source.read(row[1]), *row[2:]) if row else None

    # what changes

    def put(self, new: Sequence[New], gone: Mapping[int, Gone], busy: Collection[int]) -> Put:
        """Stores blocks in their order, and then forgets those that are `gone`; it is safe on the disk when it returns.

        busy: numbers of blocks that must stay as they are.
        """
        done, at = Put(), 0
        try:
            while at < len(new) or gone:
                end, weight = at, 0
                while end < len(new) and (end == at or weight < self._log):
                    weight += len(new[end].data) + PAGE
                    end += 1
                with self._transaction():
                    self._delete(self._half_done)
                    lost = self._make_room(weight, busy)
                    ids = [self._insert(block) for block in new[at:end]]
                    if end == len(new):
                        self._delete(gone)
                        gone = {}
                self._half_done = {}
                done.ids += ids
                done.lost += lost
                at = end
                self._empty_log()
        except BaseException:
            so_far = zip(done.ids, new, strict=False)
            self._half_done |= {id: Gone(block.source.lane, block.rows) for id, block in so_far}
            raise
        self._tidy(busy)
        return done

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

    def carry(self, blocks: Sequence[Stored]) -> None:
        """Stores blocks of another spool, with their numbers."""
        with self._transaction():
            for block in blocks:
                self._insert(New(block.source, block.rows, block.wall, block.mono, block.data), block.id)

    def replace(self, id: int, lane: Lane, rows: int, data: bytes) -> None:
        """Another content for a block, with fewer readings."""
        with self._transaction():
            before = self._file.number("SELECT rows FROM blocks WHERE id = ?", id)
            self._file.do("UPDATE blocks SET rows = ?, data = ? WHERE id = ?", rows, data, id)
            self.rows[lane] += rows - before

    def drop_older(self, too_old: Callable[[Source, float, float], bool], busy: Collection[int]) -> list[Gone]:
        """Drops the oldest blocks while they are `too_old`, which gets a block's source, wall and mono."""
        dropped: dict[int, Gone] = {}
        text = BLOCK.replace("b.data", "NULL") + "ORDER BY b.id LIMIT ?"
        for block in map(self._stored, self._file.rows(text, AT_ONCE)):
            if block is None or not too_old(block.source, block.wall, block.mono):
                break
            if block.id not in busy:
                dropped[block.id] = Gone(block.source.lane, block.rows)
        if dropped:
            self.forget(dropped)
        return list(dropped.values())

    def close(self) -> None:
        """Gives the file back."""
        self._file.close()

    # inside a transaction

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        before = self.last, self.rows.copy(), dict(self._lanes), dict(self._sources)
        try:
            with self._file.transaction():
                yield
        except BaseException:
            self.last, self.rows, self._lanes, self._sources = before
            self._tails = {}
            raise

    def _insert(self, block: New, number: int | None = None) -> int:
        lane, source = self._lane(block.source.lane), self._source(block.source)
        number = self.last + 1 if number is None else number
        self.last = max(self.last, number)
        self._file.do(
            "INSERT INTO blocks (id, lane, source, rows, wall, mono, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
            number, lane, source, block.rows, block.wall, block.mono, block.data,
        )  # fmt: skip
        self.rows[block.source.lane] += block.rows
        tail = self._tails.setdefault(block.source.lane, [])
        if block.rows >= SMALL or (tail and tail[-1][1] != source):
            tail.clear()
        if block.rows < SMALL:
            tail.append((number, source, block.rows))
        return number

    def _lane(self, lane: Lane) -> int:
        if lane not in self._lanes:
            self._file.do("INSERT INTO lanes (board, sensor) VALUES (?, ?)", *lane)
            self._lanes[lane] = self._file.number("SELECT last_insert_rowid()")
        return self._lanes[lane]

    def _source(self, source: Source) -> int:
        if source not in self._sources:
            text, lane = source.text(), self._lane(source.lane)
            self._file.do("INSERT OR IGNORE INTO sources (lane, text) VALUES (?, ?)", lane, text)
            self._sources[source] = self._file.number("SELECT id FROM sources WHERE text = ?", text)
        return self._sources[source]

    def _delete(self, gone: Mapping[int, Gone]) -> None:
        for id, (lane, rows) in gone.items():
            if self._file.do("DELETE FROM blocks WHERE id = ?", id):
                self.rows[lane] -= rows

    def _make_room(self, weight: int, busy: Collection[int]) -> list[Gone]:
        """Gives up the oldest blocks of the board that holds most, until `weight` bytes have room."""
        lost: list[Gone] = []
        while weight and self.free() < weight:
            boards: Counter[str] = Counter()
            for (board, _), rows in self.rows.items():
                boards[board] += rows
            choice = (found for board, _ in boards.most_common() if (found := self._oldest_of(board, busy)))
            if (found := next(choice, None)) is None:
                raise Trouble(FULL, f"{self._file.path}: spool.max_bytes is too small for what is under way")
            self._delete(dict([found]))
            lost.append(found[1])
        return lost

    def _oldest_of(self, board: str, busy: Collection[int]) -> tuple[int, Gone] | None:
        text = "SELECT id, rows FROM blocks INDEXED BY by_lane WHERE lane = ? ORDER BY id LIMIT ?"
        found = []
        for lane, rows in self.rows.items():
            if lane[0] == board and rows:
                first = self._file.rows(text, self._lanes[lane], len(busy) + 1)
                found += [(id, Gone(lane, count)) for id, count in first if id not in busy][:1]
        return min(found, default=None)

    # between transactions

    def _empty_log(self) -> None:
        """Brings the log into the file once it has grown."""
        with told(self._file.path):
            size = (self.folder / f"{FILE}-wal").stat().st_size
        if size > self._log:
            self._file.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def _tidy(self, busy: Collection[int]) -> None:
        """Joins small blocks that follow one another in a lane: those of a slow board are hardly more than a frame."""
        for lane, tail in list(self._tails.items()):
            rows = sum(count for _, _, count in tail)
            if len(tail) < MANY and rows < ENOUGH:
                continue
            del self._tails[lane]
            ids = [id for id, _, _ in tail]
            marks = ",".join("?" * len(ids))
            found = [
                self._stored(row) for row in self._file.rows(f"{BLOCK}WHERE b.id IN ({marks}) ORDER BY b.id", *ids)
            ]
            blocks = [block for block in found if block is not None and block.id not in busy]
            if len(blocks) < len(ids):  # some are under way, or have gone
                continue
            with told(self._file.path):
                data = written(*joined([read(block.source, block.data) for block in blocks]))
            with self._transaction():
                self._file.do(f"DELETE FROM blocks WHERE id IN ({marks}) AND id <> ?", *ids, ids[0])
                self._file.do(
                    "UPDATE blocks SET rows = ?, wall = ?, mono = ?, data = ? WHERE id = ?",
                    rows, blocks[-1].wall, blocks[-1].mono, data, ids[0],
                )  # fmt: skip
            self._empty_log()
            if rows < ENOUGH:
                self._tails[lane] = [(ids[0], tail[0][1], rows)]

    def _shrink(self) -> None:
        """Gives the disk back what an empty spool does not need."""
        if self._file.number("PRAGMA page_count") * PAGE > SHRINKABLE:
            self._file.rows("DELETE FROM sources")
            self._file.rows("DELETE FROM lanes")
            self._lanes, self._sources, self._tails = {}, {}, {}
            self._file.rows("VACUUM")
        self._file.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        self._reserve.restore()

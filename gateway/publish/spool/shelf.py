"""The blocks in an open file: by number, by lane, and what is known of them without a look.

Everything blocks (disk.py). All methods raise Trouble; those that change something are called within `transaction`.
"""

from __future__ import annotations

import contextlib
import heapq
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from ...model import Drop
from .blocks import joined, read, written
from .nouns import Gone, Lane, New, Source, Stored, lane_of, name_of
from .sql import CORRUPT, PAGE, File, Trouble, told
from .tables import BLOCK, COUNT, CROWDED, DROPPED, HEADER, NAMELESS, ODD, SCHEMA, TABLES, UNUSED, VERSION, stored
from .tails import Tail, Tails


class Shelf:
    """rows: readings by lane. last: the last number that was given out.

    begun: whether the file was there before. known: the last number that is good, when it was open before.
    """

    def __init__(self, file: File, *, begun: bool, known: int | None) -> None:
        self._file = file
        self.rows: Counter[Lane] = Counter()
        self._lanes, self._sources, self._tails = dict[Lane, int](), dict[Source, int](), Tails()
        self._check(begun)
        if known is not None and file.number("SELECT max(id) FROM blocks") > known:
            with file.transaction():  # a commit that failed may have come through all the same
                file.do("DELETE FROM blocks WHERE id > ?", known)
        self._read_lanes()
        with told(file.path):
            of = {key: lane for lane, key in self._lanes.items()}
            for key, rows in file.rows("SELECT lane, sum(rows) FROM blocks INDEXED BY by_lane GROUP BY lane"):
                self.rows[of[key]] = rows
        self.last = max(known or 0, file.number("SELECT max(id) FROM blocks"))

    def _read_lanes(self) -> None:
        with told(self._file.path):
            self._lanes = {lane_of(name): key for key, name in self._file.rows("SELECT id, name FROM lanes")}

    def _check(self, begun: bool) -> None:
        """Whether it is a file of ours; a new one becomes one."""
        file = self._file
        version, schema = file.number("PRAGMA user_version"), {text for (text,) in file.rows(SCHEMA)}
        if not version and not schema and not begun:
            with file.transaction():
                for statement in TABLES:
                    file.rows(statement)
                file.rows(f"PRAGMA user_version={VERSION}")
        elif version > VERSION:
            raise Trouble(CORRUPT, f"{file.path} is of a newer version of this program (its tables: {version})")
        elif version != VERSION or schema != set(TABLES) or file.number("PRAGMA page_size") != PAGE:
            raise Trouble(CORRUPT, f"{file.path} does not hold the tables of a spool")
        elif file.number(ODD):
            raise Trouble(CORRUPT, f"{file.path} holds what cannot be")

    # what there is

    def has(self, id: int) -> bool:
        """Whether there is such a block."""
        return self._file.row("SELECT 1 FROM blocks WHERE id = ?", id) is not None

    def block(self, id: int) -> Stored | None:
        """The block of that number."""
        row = self._file.row(BLOCK + "WHERE b.id = ?", id)
        with told(self._file.path):
            if row is None and self.has(id):
                raise KeyError(f"block {id} is nobody's")
            return None if row is None else stored(row)

    @property
    def dropped(self) -> Counter[Drop]:
        """Readings that were dropped since the file was made, by reason."""
        return Counter({Drop(reason): readings for reason, readings in self._file.rows(DROPPED)})

    def headers(self, after: int, most: int) -> list[Stored]:
        """The first blocks behind that number, without their data."""
        rows = self._file.rows(f"{HEADER}WHERE b.id > ? ORDER BY b.id LIMIT ?", after, most)
        with told(self._file.path):
            return list(map(stored, rows))

    def next(self, after: Mapping[Lane, int], before: Mapping[Lane, int], most: int) -> list[Stored]:
        """The oldest blocks of lanes behind the numbers `after`, short of those in `before`: until `most` readings."""
        text = "SELECT min(id) FROM blocks INDEXED BY by_lane WHERE lane = ? AND id > ?"
        found, heads = list[Stored](), list[tuple[int, Lane]]()

        def look(lane: Lane, at: int) -> None:
            number = self._file.number(text, self._lanes.get(lane, 0), at)
            if number and number < before.get(lane, number + 1):
                heapq.heappush(heads, (number, lane))

        for lane, at in after.items():
            look(lane, at)
        while heads and most > 0:
            number, lane = heapq.heappop(heads)
            if (block := self.block(number)) is not None:
                found.append(block)
                most -= block.rows
            if most > 0:
                look(lane, number)
        return found

    def surplus(self, busy: Collection[int]) -> Iterator[tuple[int, Gone]]:
        """Blocks to be given up, but for busy ones: each the oldest of the board that holds most when those before it
        have gone.
        """
        held: Counter[str] = Counter()
        for (board, _), rows in self.rows.items():
            held[board] += rows
        lines: dict[str, Iterator[tuple[int, Gone]]] = {}
        while held:
            board = max(held, key=held.__getitem__)
            if board not in lines:
                lines[board] = self._oldest_first(board, busy)
            if (found := next(lines[board], None)) is None:
                del held[board]
                continue
            held[board] -= found[1].rows
            yield found

    def _oldest_first(self, board: str, busy: Collection[int]) -> Iterator[tuple[int, Gone]]:
        lanes = [lane for lane, rows in self.rows.items() if lane[0] == board and rows]
        heads = [head for lane in lanes if (head := self._behind(lane, 0, busy)) is not None]
        heapq.heapify(heads)
        while heads:
            id, (lane, rows, _) = heapq.heappop(heads)
            yield id, Gone(lane, rows, Drop.SPOOL_FULL)
            if (head := self._behind(lane, id, busy)) is not None:
                heapq.heappush(heads, head)

    def _behind(self, lane: Lane, after: int, busy: Collection[int]) -> tuple[int, Gone] | None:
        text = "SELECT id, rows FROM blocks INDEXED BY by_lane WHERE lane = ? AND id > ? ORDER BY id LIMIT 1"
        row = self._file.row(text, self._lanes[lane], after)
        while row is not None and row[0] in busy:
            row = self._file.row(text, self._lanes[lane], row[0])
        return None if row is None else (row[0], Gone(lane, row[1]))

    # what changes

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is done within, or nothing of it; on the disk at its end."""
        before = self.last, self.rows.copy(), dict(self._lanes), dict(self._sources)
        try:
            with self._file.transaction():
                yield
        except BaseException:
            self.last, self.rows, self._lanes, self._sources = before
            self._tails.clear()
            raise

    def insert(self, block: New, number: int | None = None) -> int:
        """Stores a block, under the next number if none is given. Gives the number."""
        lane, source = self._lane(block.source.lane), self._source(block.source)
        number = self.last + 1 if number is None else number
        self._file.do(
            "INSERT INTO blocks (id, lane, source, rows, wall, mono, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
            number, lane, source, block.rows, block.wall, block.mono, block.data,
        )  # fmt: skip
        self.rows[block.source.lane] += block.rows
        if number > self.last:
            self.last = number
            self._tails.add(block.source.lane, Tail(number, source, block.rows))
        return number

    def _lane(self, lane: Lane) -> int:
        if lane not in self._lanes:
            self._file.do("INSERT INTO lanes (name) VALUES (?)", name_of(lane))
            self._lanes[lane] = self._file.number("SELECT last_insert_rowid()")
        return self._lanes[lane]

    def _source(self, source: Source) -> int:
        if source not in self._sources:
            text, lane = source.text(), self._lane(source.lane)
            self._file.do("INSERT OR IGNORE INTO sources (lane, text) VALUES (?, ?)", lane, text)
            self._sources[source] = self._file.number("SELECT id FROM sources WHERE text = ?", text)
        return self._sources[source]

    def delete(self, gone: Mapping[int, Gone]) -> None:
        """Deletes those blocks that are there, and counts what is dropped with them."""
        for id, (lane, rows, why) in gone.items():
            if self._file.do("DELETE FROM blocks WHERE id = ?", id):
                self.rows[lane] -= rows
                self._tails.gone(lane, id)
                if why is not None:
                    self.count({why: rows})

    def count(self, dropped: Mapping[Drop, int]) -> None:
        """Adds to what was dropped."""
        for reason, readings in dropped.items():
            self._file.do(COUNT, reason, readings)

    def replace(self, id: int, block: New) -> None:
        """Another block under a number."""
        rows = self._file.number("SELECT rows FROM blocks WHERE id = ?", id)
        self.delete({id: Gone(block.source.lane, rows)})
        self.insert(block, id)

    def join(self, lane: Lane, busy: Collection[int]) -> None:
        """Makes one of small blocks that follow one another in a lane (tails.py), where there are enough of them."""
        while run := self._tails.due(lane, busy):
            self._join(lane, run)

    def _join(self, lane: Lane, run: Sequence[Tail]) -> None:
        blocks = [block for tail in run if (block := self.block(tail.id)) is not None]
        with told(self._file.path):
            data = written(*joined([read(block.source, block.data) for block in blocks]))
        rows, newest = sum(block.rows for block in blocks), blocks[-1]
        for block in blocks[1:]:
            self._file.do("DELETE FROM blocks WHERE id = ?", block.id)
        self._file.do(
            "UPDATE blocks SET rows = ?, wall = ?, mono = ?, data = ? WHERE id = ?",
            rows, newest.wall, newest.mono, data, blocks[0].id,
        )  # fmt: skip
        self._tails.joined(lane, list(run))

    @property
    def names(self) -> int:
        """How many lanes and sources are written down, beyond one each for a lane that has blocks."""
        count = self._file.number("SELECT (SELECT count(*) FROM lanes) + (SELECT count(*) FROM sources)")
        return count - 2 * len(+self.rows)

    def prune(self) -> None:
        """Forgets lanes without a block, and sources of none: of sensors, runs and tags that have been."""
        for statement in NAMELESS:
            self._file.do(statement)
        for (lane,) in self._file.rows(CROWDED):
            self._file.do(UNUSED, lane, lane)
        self._sources = {}
        self._read_lanes()

    def clear(self) -> None:
        """Forgets lanes and sources; there shall be no block."""
        self._lanes, self._sources = {}, {}
        self._tails.clear()
        self._file.rows("DELETE FROM sources")
        self._file.rows("DELETE FROM lanes")

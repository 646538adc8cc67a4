"""What lies on the disk, by lane, and what of that is done with. Pure.

A block's readings are in one of three places here: waiting, or being sent (`out`), both counted in `rows`; or they are
a copy: still in memory, and on the disk only for the case that this process dies. A copy counts as soon as what was in
memory is given up for it, and goes when that is settled. What is done with is `gone` until the disk has forgotten it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, KeysView, Mapping

from ...model import Drop
from .nouns import Block, Gone, Lane, Source


class Holdings:
    """The blocks on the disk, by their numbers. What it costs does not grow with the lanes, but where it is said."""

    def __init__(self) -> None:
        self.rows: Counter[Lane] = Counter()  # readings that are nowhere else, and not done with; lanes that have some
        self.copies: dict[int, Gone] = {}
        self.out: dict[int, Block] = {}
        self.gone: dict[int, Gone] = {}
        self._boards: dict[str, Counter[Lane]] = {}  # the same as `rows`, by board
        self._held: Counter[str] = Counter()
        self._sending: Counter[Lane] = Counter()  # readings of blocks that are out
        self._cursors: dict[Lane, int] = {}  # the last that was fetched

    def held(self, board: str) -> int:
        """Readings of `board` that only the disk has."""
        return self._held[board]

    @property
    def waiting(self) -> bool:
        """Whether there is something to send, or being sent."""
        return bool(self.rows)

    @property
    def boards(self) -> set[str]:
        """Of which boards that is."""
        return set(self._boards)

    def lanes(self, board: str) -> KeysView[Lane]:
        """Of which lanes of `board` that is."""
        return self._boards.get(board, Counter[Lane]()).keys()

    def add(self, lane: Lane, rows: int) -> None:
        """So many more readings of a lane are nowhere else; or fewer."""
        lanes = self._boards.setdefault(lane[0], Counter())
        for counter in (self.rows, lanes):
            counter[lane] += rows
            if not counter[lane]:
                del counter[lane]
        self._held[lane[0]] += rows
        if not lanes:
            del self._boards[lane[0]], self._held[lane[0]]

    @property
    def busy(self) -> set[int]:
        """Blocks that have to stay as they are."""
        return {*self.out, *self.copies}

    @property
    def spare(self) -> dict[int, Gone]:
        """Blocks that are no loss when they vanish: done with, or in memory too."""
        return self.gone | self.copies | {block.id: Gone(block.lane, block.rows) for block in self.out.values()}

    # to the disk

    def stored(self, number: int, lane: Lane, rows: int, *, copy: bool) -> None:
        """A block is on the disk."""
        if copy:
            self.copies[number] = Gone(lane, rows)
        else:
            self.add(lane, rows)

    def uncopied(self, number: int) -> None:
        """Nobody needs this copy any more."""
        self.gone[number] = self.copies.pop(number)

    def promoted(self, number: int) -> None:
        """This copy is all there is of its readings now."""
        lane, rows, _ = self.copies.pop(number)
        self.add(lane, rows)

    def lost(self, lost: Iterable[Gone]) -> None:
        """Blocks that waited have gone."""
        for lane, rows, _ in lost:
            self.add(lane, -rows)

    def forgotten(self, gone: Iterable[int]) -> None:
        """The disk has forgotten blocks that were done with, and copies in whose place there are others."""
        for number in gone:
            self.gone.pop(number, None)
            self.copies.pop(number, None)

    def vanished(self, missing: Collection[int]) -> set[int]:
        """Blocks that were spare are not there any more. Gives the copies among them."""
        for number in missing:
            self.gone.pop(number, None)
        return {number for number in missing if self.copies.pop(number, None) is not None}

    # from the disk

    def ahead(self, lanes: Iterable[Lane]) -> tuple[Mapping[Lane, int], Mapping[Lane, int]]:
        """For those of `lanes` with readings that nobody sends: behind which block to look, and short of which."""
        after = {lane: self._cursors.get(lane, 0) for lane in lanes if self.rows[lane] > self._sending[lane]}
        before: dict[Lane, int] = {}
        for number, (lane, *_) in self.copies.items():  # what has a copy is in memory: it goes first
            before[lane] = min(before.get(lane, number), number)
        return after, before

    def fetched(self, number: int, source: Source, rows: int) -> Block | None:
        """A block is being sent; None when it is done with."""
        self._cursors[source.lane] = number
        if number in self.gone:
            return None
        self.out[number] = Block(number, source.lane, rows, source, rows)
        self._sending[source.lane] += rows
        return self.out[number]

    def done(self, block: Block, readings: int, why: Drop | None = None) -> None:
        """The broker has taken readings of a block, or nobody shall have them. why: the whole block is dropped."""
        block.left -= readings
        self.add(block.lane, -readings)
        if block.id not in self.out:
            return
        self._sending[block.lane] -= readings
        if not self._sending[block.lane]:
            del self._sending[block.lane]
        if not block.left:
            del self.out[block.id]
            self.gone[block.id] = Gone(block.lane, block.rows, why)

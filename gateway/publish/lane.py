"""One sensor's features that wait for the broker, in order: pieces of them, joined while they are small.

What was on the wire, or on its way to the disk, goes back to its place in front.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..model import Features
from .spool.nouns import Block

JOINED = 256  # readings up to which small pieces are joined, so that a long wait costs no object a reading


@dataclass(slots=True, eq=False)
class Piece:
    """Rows first…last - 1 of `features`. condensed: by seq, the readings left out just before.

    tried: it was sent before, and perhaps it arrived. block: where it comes from, when it was on the disk.
    sealed: nothing is joined to it, as a copy of it may be under way to the disk.
    """

    features: Features
    first: int
    last: int
    condensed: dict[int, int] = field(default_factory=dict)
    tried: bool = False
    block: Block | None = None
    sealed: bool = False

    def __len__(self) -> int:
        return self.last - self.first

    def cut(self, first: int, last: int) -> Piece:
        """The same with other rows; a flood of many boards needs one for each reading."""
        return Piece(self.features, first, last, self.condensed, self.tried, self.block, self.sealed)

    @property
    def lane(self) -> tuple[str, str]:
        """(board, sensor)."""
        return self.features.board, self.features.sensor

    @property
    def place(self) -> tuple[int, int]:
        """Where it belongs in its lane: runs and blocks come one after another, and seq counts within them."""
        return (0 if self.block is None else self.block.id), self.features.seq[self.first]

    def oldest(self) -> float:
        """When its first reading came; s, monotonic."""
        return self.features.mono[self.first]


@dataclass(slots=True, eq=False)
class Lane:
    """One sensor's pieces, oldest first."""

    board: str
    sensor: str
    waiting: deque[Piece] = field(default_factory=deque)
    queued: bool = False  # has its turn coming
    held_until: float = 0.0  # the broker refused it: not before (s, monotonic)
    probing: bool = False  # after that one reading goes alone, and the others when it was taken
    stays: bool = False  # some of its readings are on their way to the disk, and may come back
    owed: int = 0  # readings that were condensed before some that are not sent either

    def put(self, piece: Piece) -> None:
        """Adds newer readings, joined to the last piece where they fit."""
        if self.owed:
            _owe(piece, piece.first, self.owed)
            self.owed = 0
        if self.waiting and _joins(self.waiting[-1], piece):
            last = self.waiting[-1]
            last.features.extend(piece.features)
            last.last = len(last.features)
            last.condensed |= piece.condensed
        else:
            self.waiting.append(piece)

    def back(self, piece: Piece) -> None:
        """Puts an older piece back to its place, which is near the front."""
        place = 0
        while place < len(self.waiting) and self.waiting[place].place < piece.place:
            place += 1
        self.waiting.insert(place, piece)

    def take(self, most: int) -> Piece:
        """The oldest readings, at most `most`, as a piece of their own."""
        head = self.waiting[0]
        if len(head) <= most:
            return self.waiting.popleft()
        self.waiting[0] = head.cut(head.first + most, head.last)  # who knows the whole of it finds it no more
        return head.cut(head.first, head.first + most)

    def older(self, cut: float, most: int) -> Iterator[Piece]:
        """Takes out the readings that came until `cut`, the oldest `most` of them."""
        while most > 0 and self.waiting and self.waiting[0].oldest() <= cut:
            head = self.waiting[0]
            piece = self.take(min(most, bisect_right(head.features.mono, cut, head.first, head.last) - head.first))
            most -= len(piece)
            yield piece

    def skipped(self, piece: Piece) -> None:
        """`piece` is not sent: what was condensed before its readings is told with the next one that is."""
        seq = piece.features.seq[piece.first : piece.last]
        owed = sum(piece.condensed.get(number, 0) for number in seq) if piece.condensed else 0
        if not owed or piece.tried:  # if it has arrived it has told of them already
            return
        if piece.last < len(piece.features):
            _owe(piece, piece.last, owed)
        elif self.waiting:
            _owe(self.waiting[0], self.waiting[0].first, owed)
        else:
            self.owed += owed


def _joins(last: Piece, piece: Piece) -> bool:
    a, b = last.features, piece.features
    return (
        len(a) + len(b) <= JOINED  # what was taken from the front counts: it is freed with the rest
        and (a.unit, a.keys, a.unset) == (b.unit, b.keys, b.unset)
        and last.block is piece.block is None
        and not (last.tried or last.sealed)
        and last.last == len(a)
        and piece.first == 0
        and piece.last == len(b)
    )


def _owe(piece: Piece, row: int, readings: int) -> None:
    """Adds to what was condensed before `row` of the features of `piece`."""
    seq = piece.features.seq[row]
    piece.condensed[seq] = piece.condensed.get(seq, 0) + readings

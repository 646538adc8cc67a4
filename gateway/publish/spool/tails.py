"""Which small blocks at the end of a lane are joined: those of a slow board are hardly more than a reading each. Pure.

As soon as a few of one size follow one another they become one of the next size, so that each reading is written three
times at most, however slow its board is.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from .nouns import Lane

SIZES = (8, 64)  # readings at which a block is of the next size; of the last one it stays as it is
FEW = 8  # blocks of one size that become one
WATCHED = 40  # blocks of a lane: more are there only while some are busy for long


class Tail(NamedTuple):
    """One of the newest blocks of a lane. source: whose readings it holds; only those of one source are joined."""

    id: int
    source: int
    rows: int


class Tails:
    """The newest blocks of each lane, as long as they are small."""

    def __init__(self) -> None:
        self._of: dict[Lane, list[Tail]] = {}

    def add(self, lane: Lane, tail: Tail) -> None:
        """A block is stored, behind the others of its lane."""
        before = self._of.setdefault(lane, [])
        if tail.rows >= SIZES[-1] or (before and before[-1].source != tail.source):
            before.clear()
        if tail.rows < SIZES[-1]:
            before.append(tail)
            del before[:-WATCHED]

    def due(self, lane: Lane, busy: Collection[int]) -> list[Tail]:
        """Blocks to be joined, in their order; [] when there are none. busy: blocks that must stay as they are."""
        run: list[Tail] = []
        for tail in reversed(self._of.get(lane, ())):
            if tail.id in busy or (run and _size(tail) > _size(run[0])):
                break
            run.append(tail)
        return run[::-1] if len(run) >= FEW else []

    def joined(self, lane: Lane, run: list[Tail]) -> None:
        """They are one now, under the number of the first."""
        rest = self._of[lane][: -len(run)]
        self._of[lane] = rest
        self.add(lane, Tail(run[0].id, run[0].source, sum(tail.rows for tail in run)))

    def gone(self, lane: Lane, id: int) -> None:
        """A block is not there any more."""
        if lane in self._of:
            self._of[lane] = [tail for tail in self._of[lane] if tail.id != id]

    def clear(self) -> None:
        """Nothing is known any more."""
        self._of.clear()


def _size(tail: Tail) -> int:
    return sum(tail.rows >= size for size in SIZES)

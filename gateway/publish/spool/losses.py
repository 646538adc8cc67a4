"""What turns out to be on the disk, and what has gone from it: into the books, and told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...model import Drop
from .aside import Rescue
from .holdings import Holdings
from .nouns import Gone, Lane


class Losses:
    """inherited, dropped: told of readings of a board that were found, or had to go; vanished: of copies that the disk
    has lost.

    damage: one sentence, when readings may be lost that nobody can count, or nearly were.
    """

    def __init__(
        self,
        holds: Holdings,
        inherited: Callable[[str, int], None],
        dropped: Callable[[str, Drop, int], None],
        vanished: Callable[[set[int]], None],
        event: Callable[..., None],
    ) -> None:
        self._holds, self._inherited, self._dropped = holds, inherited, dropped
        self._vanished, self._event = vanished, event
        self._opened = False
        self._untold = 0  # readings that were dropped as spool_corrupt, and that no event has told of yet
        self.damage: str | None = None

    def lose(self, lost: Sequence[Gone]) -> None:
        """These blocks are not there any more."""
        self._holds.lost(lost)
        for (board, _), rows, why in lost:
            if why is not None:
                self.lose_one(board, why, rows)

    def lose_one(self, board: str, why: Drop, rows: int) -> None:
        """Readings of a block that the books have no more."""
        self._dropped(board, why, rows)
        self._untold += rows if why is Drop.SPOOL_CORRUPT else 0

    def found(self, rows: dict[Lane, int], dropped: dict[Drop, int]) -> None:
        """The file is open for the first time; as News.opened has it."""
        self._opened = True
        if rows or dropped:
            self._event("spool.inherited", readings=sum(rows.values()), dropped=dropped)
        for lane, readings in rows.items():
            self._holds.add(lane, readings)
            self._inherited(lane[0], readings)

    def rescued(self, found: Rescue) -> None:
        """The file was damaged: what could be read of it is in a new one, under the same numbers."""
        lost = [Gone(lane, rows, Drop.SPOOL_CORRUPT) for lane, rows in found.lost.items()]
        if copies := self._holds.vanished(found.missing):
            self._vanished(copies)
        if not self._opened:  # then they come to what is held here as well
            for lane, rows, _ in lost:
                self._holds.add(lane, rows)
                self._inherited(lane[0], rows)
        self.lose(lost)
        if lost or found.aside or found.replaced:
            lost_now, self._untold, file = self._untold, 0, str(found.path)
            self._event("spool.damaged", file=file, saved=found.saved, lost=lost_now, complete=found.complete)
        self.damage = found.sentence or self.damage

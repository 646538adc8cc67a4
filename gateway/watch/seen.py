"""Which readings of a sensor's run were heard, and which are missing; what it holds is bounded. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

HOLES = 32
"""Holes of a run that are kept; of an older one it is no longer known what of it came late."""


@dataclass(slots=True)
class Hole:
    """Numbers that were not heard. counted: they are missing; else nobody listened then."""

    first: int
    last: int
    counted: bool


@dataclass(slots=True)
class Seen:
    """The numbers of a run, from 1. What came before we listened, or while we did not, is not missing."""

    highest: int = 0
    missing: int = 0
    holes: list[Hole] = field(default_factory=list)
    joining: bool = True  # what lies before the next number was not listened to

    def see(self, number: int, condensed: int) -> bool:
        """Notes `number`, which also stands for the `condensed` before it; whether it is new."""
        first = max(1, number - condensed)
        if number > self.highest:
            if first > self.highest + 1:
                self._open(Hole(self.highest + 1, first - 1, not self.joining))
            self.highest, self.joining = number, False
            return True
        place = next((i for i, hole in enumerate(self.holes) if hole.first <= number <= hole.last), None)
        if place is None:
            return False
        hole = self.holes[place]
        first = max(first, hole.first)
        if hole.counted:
            self.missing -= number - first + 1
        parts = (Hole(hole.first, first - 1, hole.counted), Hole(number + 1, hole.last, hole.counted))
        self.holes[place : place + 1] = [part for part in parts if part.first <= part.last]
        return True

    def _open(self, hole: Hole) -> None:
        self.holes.append(hole)
        if hole.counted:
            self.missing += hole.last - hole.first + 1
        if len(self.holes) > HOLES:
            del self.holes[0]

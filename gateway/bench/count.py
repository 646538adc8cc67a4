"""What the subscriber has heard of one phase: readings that came once, twice or never, and how long they took. Pure."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Sequence
from statistics import median

from ..demo.judge import Seen

READING = re.compile(rb'"board":"(b\d+)".*?"seq":(\d+),.*?"value":([^,]+),', re.DOTALL)


class Count:
    """Readings by their messages. A reading belongs to a phase by its value: the time at which it was written."""

    def __init__(self) -> None:
        self.boards: set[bytes] = set()  # that were heard
        self.heard = 0  # messages of all phases
        self._seen: dict[bytes, Seen] = {}
        self.begin(math.inf)

    def begin(self, at: float) -> None:
        """From now on only readings count that were written at `at` (s, monotonic) or later."""
        self.began, self.last = at, at
        self.duplicates = 0
        self.took = array("d")  # s, of each reading

    @property
    def received(self) -> int:
        """Different readings of this phase."""
        return len(self.took)

    def take(self, payload: bytes, now: float) -> None:
        """A message of a reading; what is none counts as nothing. now: s, monotonic."""
        found = READING.search(payload)
        if found is None:
            return
        board, seq, value = found[1], int(found[2]), float(found[3])
        self.boards.add(board)
        self.heard += 1
        new = self._seen.setdefault(board, Seen()).see(seq)
        if value < self.began:
            return
        if new:
            self.took.append(now - value)
            self.last = now
        else:
            self.duplicates += 1


def shares(took: Sequence[float]) -> dict[str, float | None]:
    """The latency (ms) that 50, 99 and 99.9 % do not exceed, by nearest rank; None without any."""
    ordered = sorted(took)
    return {
        name: round(1000 * ordered[max(0, math.ceil(share * len(ordered)) - 1)], 3) if ordered else None
        for name, share in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))
    }


def middle(values: Sequence[float | None]) -> float | None:
    """The median of those that are there."""
    there = [value for value in values if value is not None]
    return median(there) if there else None

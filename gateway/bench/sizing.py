"""How many boards a machine carries, reckoned from what a few measured rates cost. Pure.

The cost of R readings/s of N boards is taken to be idle * max(1, N / measured boards) and that of the readings, a
straight line between each two measured rates; beyond the last one nothing is reckoned.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

MOST = 1_000  # boards; more are no machine's that has serial ports
BUDGET, RATE, BOARDS = "processor", "rate", "boards"
"""What ends it: the share of the cores; the highest rate that was kept up; MOST."""


@dataclass(frozen=True, slots=True)
class Point:
    """One measured rate. cpu: cores in use, without what the gateway takes in silence."""

    rate: float  # readings/s
    cpu: float


@dataclass(frozen=True, slots=True)
class Carried:
    """How many boards of `rate` readings/s each, and why not more."""

    rate: float
    boards: int
    limit: str


def carried(rate: float, points: Sequence[Point], *, idle: float, boards: int, budget: float) -> Carried:
    """The most boards of `rate` readings/s within `budget` (cores).

    points: by rising rate. idle: cores in use when all of the measured `boards` are silent.
    """
    kept_up = points[-1].rate

    def fits(n: int) -> bool:
        return n * rate <= kept_up and idle * max(1.0, n / boards) + _between(points, n * rate) <= budget

    low, high = 0, MOST + 1  # of which low fits, and high does not or is out of question
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    if low == MOST:
        return Carried(rate, low, BOARDS)
    return Carried(rate, low, RATE if (low + 1) * rate > kept_up else BUDGET)


def _between(points: Sequence[Point], rate: float) -> float:
    """Cores that so many readings/s take, at most those of the last point."""
    before = Point(0.0, 0.0)
    for point in points:
        if rate <= point.rate:
            share = (rate - before.rate) / (point.rate - before.rate)
            return before.cpu + share * (point.cpu - before.cpu)
        before = point
    return math.inf

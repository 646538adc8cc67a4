"""The last hour of one sensor: the lowest, the highest and the last value of every 5 s. Pure: times are given.

Buckets are counted by the monotonic clock, so that a clock that is set moves none of them.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

STEP = 5.0  # s
BUCKETS = 720  # an hour
LARGEST = 3.4e38  # what 32 bits hold
BYTES = 3 * 4 * BUCKETS
"""Of a ring that is full."""

_EMPTY = array("f", [math.nan]) * BUCKETS


class Ring:
    """low, high, last are kept for each closed bucket; the newest one is open. NaN: no reading came in it."""

    __slots__ = ("_first", "_high", "_last", "_low", "_now", "_until", "high", "last", "low")

    def __init__(self) -> None:
        self._low, self._high, self._last = _EMPTY[:], _EMPTY[:], _EMPTY[:]
        self._now = self._first = -1  # numbers of the open bucket and of the first one ever
        self._until = -math.inf  # when the open one ends
        self.low = self.high = self.last = math.nan

    def take(self, times: Sequence[float], values: Sequence[float]) -> None:
        """Takes readings in order. times: s of the monotonic clock."""
        if times[-1] < self._until:  # as nearly always
            low, high = (values[0], values[0]) if len(values) == 1 else (min(values), max(values))
            if low < self.low:
                self.low = low
            if high > self.high:
                self.high = high
            self.last = values[-1]
            return
        for time, value in zip(times, values, strict=True):
            if time >= self._until:
                self._open(int(time // STEP))
                self.low = self.high = value
            self.low, self.high, self.last = min(self.low, value), max(self.high, value), value

    def _open(self, number: int) -> None:
        """Closes the open bucket and begins another."""
        if self._now >= 0:
            at = self._now % BUCKETS
            self._low[at], self._high[at], self._last[at] = _held(self.low), _held(self.high), _held(self.last)
            for empty in range(max(self._now + 1, number - BUCKETS), number):
                at = empty % BUCKETS
                self._low[at] = self._high[at] = self._last[at] = math.nan
        else:
            self._first = number
        self._now, self._until = number, (number + 1) * STEP

    def hour(self, now: float) -> tuple[float, list[array[float]]]:
        """When the first bucket begins, and low, high and last of each up to the one of `now`. Times as in `take`."""
        newest = max(int(now // STEP), self._now)
        if self._now < 0:
            return newest * STEP, [array("f"), array("f"), array("f")]
        first = max(self._first, newest - BUCKETS + 1)
        out = []
        for kept, live in ((self._low, self.low), (self._high, self.high), (self._last, self.last)):
            closed = [kept[number % BUCKETS] for number in range(first, self._now)]
            column = array("f", closed)
            if self._now >= first:
                column.append(_held(live))
            out.append(column + _EMPTY[: newest - max(self._now, first - 1)])
        return first * STEP, out


def _held(value: float) -> float:
    """The value as 32 bits have it; one beyond them is the largest."""
    return max(-LARGEST, min(LARGEST, value))

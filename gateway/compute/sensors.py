"""One sensor as the gateway keeps it: readings that wait for a worker, the window behind them, and its running state."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from ..model import Plan

EMPTY_RUN = (0.0, 0.0, 0.0, math.inf, -math.inf)
"""count, mean, sum of squared deviations, smallest, largest of no readings; the slope's three more are 0."""
NOTHING_CARRIED = array("d", [math.nan] * 6).tobytes()


class Row(NamedTuple):
    """One reading on its way to a worker."""

    seq: int
    wall: float  # s since 1970
    t: float  # s, monotonic
    value: float  # in the published unit
    used: float  # what features are computed from: the value, or its bound where it is clamped
    out: bool  # out of range
    unit: str
    count: int | None


class Part(NamedTuple):
    """What a batch has to hold of one sensor; positions count the readings that entered its windows, from 0."""

    count: int
    position: int
    head: int
    size: int
    start: int
    whole: bool
    t: bytes
    used: bytes
    out: bytes
    history_t: bytes
    history_v: bytes
    suffixes: bytes


class Sensor:
    """The readings and the state of one sensor. At most one batch of it is under way at any time."""

    __slots__ = (
        "always_whole", "base", "board", "border", "carried", "empty_front", "entered", "fresh", "front", "head",
        "first_t", "history_t", "history_v", "latest", "name", "plan", "recipe", "seq", "stride", "suffix_from", "suffixes",
    )  # fmt: skip

    def __init__(self, board: str, name: str, plan: Plan) -> None:
        self.board, self.name, self.plan = board, name, plan
        self.recipe = (*plan.scale, plan.window_s, plan.window_n, plan.use, plan.stuck, plan.spike)
        moments = EMPTY_RUN + ((0.0, 0.0, 0.0) if "slope" in plan.use else ())
        self.stride = 8 * len(moments)
        self.always_whole = "median" in plan.use or plan.spike > 0
        self.empty_front = array("d", moments).tobytes()
        self.seq = 0
        self.fresh: list[Row] = []
        self.first_t: float | None = None
        self.latest: Row | None = None  # the newest that went to a worker
        self.history_t, self.history_v = array("d"), array("d")
        self.head = 0  # index of the oldest reading that a window may still hold
        self.base = 0  # position of history_t[0]
        self.entered = 0
        self.border = 0
        self.suffixes, self.suffix_from = b"", 0
        self.front, self.carried = self.empty_front, NOTHING_CARRIED

    def add(self, value: float, unit: str, count: int | None, wall: float, t: float) -> bool:
        """Takes a reading in. False when it is dropped as out of range: its seq is used, and no window sees it."""
        self.seq += 1
        used, out = value, False
        if (bounds := self.plan.range) is not None and not bounds[0] <= value <= bounds[1]:
            if self.plan.out_of_range == "drop":
                return False
            out = True
            if self.plan.out_of_range == "clamp":
                used = min(max(value, bounds[0]), bounds[1])
        self.fresh.append(Row(self.seq, wall, t, value, used, out, unit, count))
        return True

    def leave(self, most: int) -> list[Row]:
        """Takes the oldest `most` waiting readings out."""
        rows, self.fresh = self.fresh[:most], self.fresh[most:]
        return rows

    def part(self, rows: Sequence[Row]) -> Part:
        """What the batch needs of this sensor for `rows`, which enter its window now."""
        t = array("d", [row.t for row in rows])
        used = array("d", [row.used for row in rows])
        start = self._advance(t)
        self.first_t = t[0] if self.first_t is None else self.first_t
        self.latest = rows[-1]
        first, count = self.base + self.head, len(rows)
        whole = self.always_whole or start > self.border
        size = self.entered - first if whole else max(0, min(start + 1, self.border) - first)
        times = self.history_t[self.head : self.head + size].tobytes()
        values = self.history_v[self.head : self.head + size].tobytes() if whole else b""
        offset = (first - self.suffix_from) * self.stride
        suffixes = b"" if whole else self.suffixes[offset : offset + size * self.stride]
        out = bytes([row.out for row in rows])
        part = Part(
            count, self.entered, first, size, start, whole, t.tobytes(), used.tobytes(), out, times, values, suffixes
        )
        self.history_t += t
        self.history_v += used
        self.entered += count
        return part

    def _advance(self, t: array[float]) -> int:
        """Forgets what no window needs any more; gives where the window of the last new reading starts."""
        plan, history = self.plan, self.history_t
        start = max(0, self.entered + len(t) - plan.window_n)
        self.head = max(self.head, self.entered + 1 - plan.window_n - self.base)
        if plan.window_s is not None:
            self.head = bisect_right(history, t[0] - plan.window_s, self.head)
            oldest = bisect_right(history, t[-1] - plan.window_s, self.head)
            if oldest == len(history):
                oldest += bisect_right(t, t[-1] - plan.window_s)
            start = max(start, self.base + oldest)
        if 2 * self.head > len(history) > 64:
            del self.history_t[: self.head], self.history_v[: self.head]
            self.base += self.head
            self.head = 0
        return start

    def silent_after(self) -> float:
        """Seconds without a reading after which this sensor is silent: the larger of 30 s and 5 usual intervals."""
        if self.latest is None or self.first_t is None:
            return 30.0
        return max(30.0, 5.0 * (self.latest.t - self.first_t) / max(1, self.entered - 1))

    def settle(self, front: bytes, carried: bytes, suffixes: bytes | None) -> None:
        """Takes in the state that a worker gave back; suffixes: None when the window was not sent whole."""
        self.front, self.carried = front, carried
        if suffixes is not None:
            self.border = self.entered
            self.suffixes, self.suffix_from = suffixes, self.entered - len(suffixes) // self.stride

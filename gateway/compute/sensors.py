"""One sensor as the gateway keeps it: readings that wait for a worker, the window behind them, and running state."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from itertools import takewhile
from typing import NamedTuple

from ..model import Plan
from .tasks import CARRIED, Recipe, width

NO_READINGS = (0.0, 0.0, 0.0, math.inf, -math.inf, 0.0, 0.0, 0.0)
"""The moments of a run of none: count, mean, sum of squared deviations, smallest, largest, and three for the slope."""
NOTHING_CARRIED = array("d", [math.nan] * CARRIED).tobytes()
ANY = (-math.inf, math.inf)
INTERVALS = 9  # that say what is usual
SILENT = 30.0  # s; no sensor is called silent before


_new = tuple.__new__  # of a NamedTuple, at half the price: this is done once a reading


class Row(NamedTuple):
    """One reading on its way to a worker."""

    seq: int
    wall: float  # s since 1970
    t: float  # s, monotonic
    value: float  # in the published unit
    used: float  # what features are computed from: the value, or its bound where it is clamped
    out: bool  # out of range
    unit: str
    count: int | None  # type: ignore[assignment]  # the board's own number; hides tuple's count, which nobody calls


class Part(NamedTuple):
    """What a batch has to hold of one sensor, in the order of tasks.Group's columns."""

    numbers: tuple[int, int, int, int, int]  # new readings, position, head, size, start
    whole: bool
    t: bytes
    used: bytes
    out: bytes
    history_t: bytes
    history_v: bytes
    suffixes: bytes

    @property
    def weight(self) -> int:
        """Readings and suffixes that travel with it besides the new readings."""
        return max(self.numbers[3], len(self.history_v) // 8)

    @property
    def kept(self) -> int:
        """Of a whole one: readings before the new ones that the window of the last still holds; each has a suffix."""
        _, _, head, size, start = self.numbers
        return max(0, head + size - start)


class Sensor:
    """The readings and the state of one sensor. At most one batch of it is under way at any time."""

    __slots__ = (
        "_beyond", "_bounded", "_bounds", "_next", "base", "board", "border", "borders", "carried", "entered",
        "fresh", "front", "head", "history_t", "history_v", "intervals", "latest", "name", "ordered", "plan",
        "recipe", "seq", "stride", "suffix_from", "suffixes",
    )  # fmt: skip

    def __init__(self, board: str, name: str, plan: Plan, seq: int = 0) -> None:
        self.board, self.name = board, name
        self._next: Plan | None = None
        self._bounds, self._beyond = ANY, ""  # of a reading, and what is done with one outside
        self._bounded: str | None = None  # for readings in which unit they are
        self._take_on(plan)
        self.seq = seq  # of its last reading in this run
        self.fresh: list[Row] = []
        self.latest: Row | None = None  # the newest that went to a worker
        self.intervals = array("d")  # s between readings, of the latest batches
        self.borders: list[int] = []  # seqs from which on values are not comparable with those before
        self._begin()

    def replan(self, plan: Plan) -> None:
        """From the next batch on `plan` counts, and its range at once; the windows start anew where it is another."""
        self._next = plan if plan != self.plan else None
        self._bounded = None

    def renew(self, plan: Plan) -> int:
        """What comes from now on has nothing to do with what came before. Gives the seq of the next reading."""
        self.replan(plan)
        self.borders.append(self.seq + 1)
        return self.seq + 1

    def _take_on(self, plan: Plan) -> None:
        self.plan = plan
        self.recipe = tuple(Recipe(*plan.scale, plan.window_s, plan.window_n, plan.use, plan.stuck, plan.spike))
        self.stride = 8 * len(NO_READINGS[: width(plan.use)])
        self.ordered = "median" in plan.use or plan.spike > 0  # the window's readings are sent each time

    def _begin(self) -> None:
        """Starts with empty windows: at first, and when the board changes its unit, since °C and °F make no mean."""
        self.history_t, self.history_v = array("d"), array("d")
        self.head = 0  # index of the oldest reading that a window may still hold
        self.base = 0  # position of history_t[0]
        self.entered = 0
        self.border = 0  # position from which `front` counts; the suffixes end before it
        self.suffixes, self.suffix_from = b"", 0
        self.front, self.carried = array("d", NO_READINGS[: width(self.plan.use)]).tobytes(), NOTHING_CARRIED

    def add(self, value: float, unit: str, count: int | None, wall: float, t: float) -> bool:
        """Takes a reading in. False when it is dropped as out of range: its seq is used, and no window sees it."""
        self.seq += 1
        used, out = value, False
        if unit != self._bounded:
            self._bound(unit)
        low, high = self._bounds
        if not low <= value <= high:
            if self._beyond == "drop":
                return False
            out = True
            if self._beyond == "clamp":
                used = min(max(value, low), high)
        self.fresh.append(_new(Row, (self.seq, wall, t, value, used, out, unit, count)))
        return True

    def _bound(self, unit: str) -> None:
        """Notes what holds for readings in that unit."""
        plan = self._next or self.plan  # the new one now: where the old one drops all, there is no next batch
        self._bounds = plan.range or plan.own_range.get(unit) or ANY
        self._beyond, self._bounded = plan.out_of_range, unit

    def leave(self, most: int) -> list[Row]:
        """Takes the oldest waiting readings out: at most `most`, all of one unit, and comparable with each other."""
        rows = self.fresh[:most]
        if self.borders and rows:
            border = next((seq for seq in self.borders if seq > rows[0].seq), math.inf)
            rows = list(takewhile(lambda row: row.seq < border, rows))
        if len({row.unit for row in rows}) > 1:
            rows = list(takewhile(lambda row: row.unit == rows[0].unit, rows))
        self.fresh = self.fresh[len(rows) :]
        return rows

    def part(self, rows: list[Row]) -> Part:
        """What the batch needs of this sensor for `rows`, which enter its window now."""
        t = array("d", [row.t for row in rows])
        used = array("d", [row.used for row in rows])
        if self._next is not None:  # no batch of this sensor is under way now
            self._take_on(self._next)
            self._next = None
            self._begin()
        if self.latest is not None and self.latest.unit != rows[0].unit:
            self._begin()
        if self.borders and self.borders[0] <= rows[0].seq:
            self.borders = [border for border in self.borders if border > rows[0].seq]
            self._begin()
        if self.latest is not None:
            self.intervals.append((t[-1] - self.latest.t) / len(rows))
            del self.intervals[:-INTERVALS]
        self.latest = rows[-1]
        start = self._advance(t)
        entered, head, first = self.entered, self.head, self.base + self.head
        # without moments nothing is summed up: the border is wherever the new readings begin
        border = self.border if self.stride else entered
        values = suffixes = b""
        if whole := start > border:
            size = entered - first
        else:
            size = max(0, min(start + 1, border) - first)
            offset = (first - self.suffix_from) * self.stride
            suffixes = self.suffixes[offset : offset + size * self.stride]
        if whole or self.ordered:
            values = self.history_v[head:].tobytes()
        times = self.history_t[head : head + size].tobytes() if size else b""
        self.history_t += t
        self.history_v += used
        self.entered += len(rows)
        numbers = (len(rows), entered, first, size, start)
        out = bytes([row.out for row in rows])
        return Part(numbers, whole, t.tobytes(), used.tobytes(), out, times, values, suffixes)

    def _advance(self, t: array[float]) -> int:
        """Forgets what no window needs any more; gives where the window of the last new reading starts."""
        plan, history = self.plan, self.history_t
        start = max(0, self.entered + len(t) - plan.window_n)
        head = max(self.head, self.entered + 1 - plan.window_n - self.base)
        if plan.window_s is not None:
            head = bisect_right(history, t[0] - plan.window_s, head)
            oldest = bisect_right(history, t[-1] - plan.window_s, head) if len(t) > 1 else head
            if oldest == len(history):
                oldest += bisect_right(t, t[-1] - plan.window_s)
            start = max(start, self.base + oldest)
        if 4 * head > len(history) > 64:
            del self.history_t[:head], self.history_v[:head]
            self.base += head
            head = 0
        self.head = head
        return start

    def silent(self, now: float) -> bool:
        """Whether it has not been heard for too long. now: s, on the clock of Row.t."""
        latest = self.latest
        return latest is not None and now - latest.t > SILENT and now - latest.t > self.silent_after()

    def silent_after(self) -> float:
        """Seconds without a reading after which this sensor is silent: the larger of 30 s and 5 usual intervals."""
        usual = sorted(self.intervals)[len(self.intervals) // 2] if self.intervals else 0.0
        return max(SILENT, 5.0 * usual)

    def settle(self, part: Part, front: bytes, carried: bytes, suffixes: bytes | None) -> None:
        """Takes in the state that a worker gave back; suffixes: None when `part` was not whole."""
        self.front, self.carried = front, carried
        if suffixes is not None:
            self.border = part.numbers[1]
            self.suffixes, self.suffix_from = suffixes, self.border - len(suffixes) // self.stride

    def forget(self, rows: int) -> None:
        """The newest `rows` readings could not be computed: no window has seen them."""
        self.entered -= rows
        del self.history_t[len(self.history_t) - rows :], self.history_v[len(self.history_v) - rows :]

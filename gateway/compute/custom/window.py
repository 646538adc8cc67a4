"""What features of a user's own are computed from: one sensor's times and values, as far back as windows reach."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import NamedTuple

from ...model import Features, Plan


class Span(NamedTuple):
    """Readings of a window, by position: they are counted from 0."""

    start: int  # where the window of the first new reading begins
    new: int  # the first new reading
    end: int  # behind the last


class Window:
    """The readings of one sensor in one unit. Costs what it holds, and a copy of that for each time it is read."""

    __slots__ = ("_base", "_plan", "_t", "_v", "unit")

    def __init__(self, plan: Plan, unit: str) -> None:
        self.unit = unit
        self._plan = plan
        self._t, self._v = array("d"), array("d")
        self._base = 0  # position of the oldest held

    def add(self, features: Features) -> Span:
        """Takes new readings in, as values or, where those are clamped, as bounds; tells where their windows are."""
        plan, new = self._plan, self._base + len(self._t)
        start = max(self._base, new - plan.window_n + 1)
        if plan.window_s is not None:
            start = max(start, self._base + bisect_right(self._t, features.mono[0] - plan.window_s))
        self._t += features.mono
        self._v += _used(plan, features)
        return Span(start, new, new + len(features))

    def forget(self, before: int) -> None:
        """Nothing before this position is asked for any more."""
        gone = before - self._base
        if 4 * gone > len(self._t) > 64:
            del self._t[:gone], self._v[:gone]
            self._base = before

    def read(self, start: int, end: int) -> tuple[bytes, bytes]:
        """Times and values, float64."""
        of = slice(start - self._base, end - self._base)
        return self._t[of].tobytes(), self._v[of].tobytes()


def _used(plan: Plan, features: Features) -> array[float]:
    """What features are computed from."""
    bounds = plan.range or plan.own_range.get(features.unit)
    if bounds is None or plan.out_of_range != "clamp":
        return features.value
    low, high = bounds
    return array("d", [min(max(value, low), high) for value in features.value])

"""Whether the features of a sensor's readings are right, in another way than the gateway's: by whole numbers. Pure.

The boards of a measurement say times, in whole microseconds, which never decrease.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..compute.formula import feature, normalized
from ..model import Plan
from .heard import Heard

PLAN = Plan()  # the sample's
UNIT = 1_000_000  # in 1 of the value
NEAR = 1e-9  # of the larger of |result| and the window's largest |value|: what the features promise


class Course:
    """What a sensor has said so far, in order."""

    def __init__(self) -> None:
        self._seq = 0
        self._gap = False
        self._begin()

    def _begin(self) -> None:
        self._values: list[float] = []
        self._sums, self._squares = [0], [0]  # of the values before each one, and of them all

    def right(self, one: Heard) -> bool:
        """Whether all features of the next reading are right. Raises KeyError, TypeError where some are not there."""
        if one.seq != self._seq + 1:
            self._gap = True
            self._begin()
        self._seq = one.seq
        whole = round(one.value * UNIT)
        self._values.append(one.value)
        self._sums.append(self._sums[-1] + whole)
        self._squares.append(self._squares[-1] + whole * whole)
        if len(self._values) > 4 * PLAN.window_n:
            del self._values[: -PLAN.window_n], self._sums[: -PLAN.window_n - 1], self._squares[: -PLAN.window_n - 1]
        made = one.features
        founding = normalized(one.value, *PLAN.scale), feature(one.value, *PLAN.scale)
        return (made["normalized"], made["feature"]) == founding and self._window(made["n"], made)

    def _window(self, n: int, made: Mapping[str, Any]) -> bool:
        """Whether the features over the last n readings are right; where some of these are not known, they are."""
        if not 1 <= n <= len(self._values):
            return n > 0 and self._gap
        total, squares = (sums[-1] - sums[-1 - n] for sums in (self._sums, self._squares))
        near = NEAR * max(abs(self._values[-n]), abs(self._values[-1]))
        mean, std = total / (n * UNIT), math.sqrt(n * squares - total * total) / (n * UNIT)
        return (
            (made["min"], made["max"]) == (self._values[-n], self._values[-1])
            and abs(made["mean"] - mean) <= near
            and abs(made["std"] - std) <= near
        )

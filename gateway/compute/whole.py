"""Sensors with their windows as they are, on their way to a worker's arithmetic and back: nothing is summed up before.

A window that is not much longer than what is new costs little so, and what is kept of a sensor is plain numbers.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..model import Plan
from .sensors import NO_READINGS
from .tasks import CARRIED, Group, Recipe, width
from .windows import Column as Floats

UNBORN = (math.nan,) * CARRIED


@dataclass(slots=True)
class Run:
    """Readings that wait, of one unit and comparable with each other."""

    unit: str
    plan: Plan
    anew: bool  # nothing of before is comparable with them
    values: array[float] = field(default_factory=lambda: array("d"))
    at: array[float] = field(default_factory=lambda: array("d"))
    counts: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Window:
    """What is kept of a sensor: of its window what may still count, and what it carries (tasks.CARRIED)."""

    plan: Plan
    seq: int = 0
    unit: str = ""
    t: Floats = field(default_factory=lambda: np.empty(0))
    v: Floats = field(default_factory=lambda: np.empty(0))
    carried: Sequence[float] = UNBORN
    runs: list[Run] = field(default_factory=list)
    broken: bool = False  # what comes next is not comparable with what was

    def begin(self) -> None:
        """With an empty window."""
        self.t, self.v, self.carried = np.empty(0), np.empty(0), UNBORN


class Part(NamedTuple):
    """New readings of one sensor on their way through `by_columns`."""

    key: tuple[str, str]
    window: Window
    run: Run
    seq: NDArray[np.int64]
    kept: NDArray[np.bool_] | None  # which of the run's readings they are; None: all
    at: Floats
    t: Floats
    value: Floats
    used: Floats
    out: NDArray[np.bool_]


def recipe_of(plan: Plan) -> Recipe:
    """The part of a plan that a worker needs."""
    return Recipe(*plan.scale, plan.window_s, plan.window_n, plan.use, plan.stuck, plan.spike)


def advance(window: Window, t: float) -> None:
    """Forgets what the window of a reading at `t`, the next one, does not need."""
    plan = window.plan
    head = max(0, len(window.t) + 1 - plan.window_n)
    if plan.window_s is not None:
        head = max(head, int(np.searchsorted(window.t, t - plan.window_s, side="right")))
    if head:
        window.t, window.v = window.t[head:].copy(), window.v[head:].copy()


def grouped(recipe: Recipe, parts: list[Part], held: list[int]) -> Group:
    """The sensors of a recipe as a worker takes them: each with its window as it is."""
    counts = [len(part.seq) for part in parts]
    windows = [part.window for part in parts]
    moments = len(NO_READINGS[: width(recipe.use)])
    starts = [_start(recipe, part, size) for part, size in zip(parts, held, strict=True)]
    return Group(
        recipe,
        _whole_numbers(counts),
        _whole_numbers(held),  # positions count from the oldest that is held
        _whole_numbers([0] * len(parts)),
        _whole_numbers(held),
        _whole_numbers(starts),
        bytes([1] * len(parts)),
        np.concatenate([part.t for part in parts]).tobytes(),
        np.concatenate([part.used for part in parts]).tobytes(),
        np.concatenate([part.out for part in parts]).tobytes(),
        np.concatenate([window.t for window in windows]).tobytes(),
        np.concatenate([window.v for window in windows]).tobytes(),
        b"",
        array("d", NO_READINGS[:moments] * len(parts)).tobytes(),
        np.concatenate([np.array(window.carried) for window in windows]).tobytes(),
    )


def _whole_numbers(column: list[int]) -> bytes:
    return array("q", column).tobytes()


def _start(recipe: Recipe, part: Part, held: int) -> int:
    """Where the window of the last new reading begins."""
    start = max(0, held + len(part.seq) - recipe.window_n)
    if recipe.window_s is None:
        return start
    edge = part.t[-1] - recipe.window_s
    oldest = int(np.searchsorted(part.window.t, edge, side="right"))
    if oldest == held:
        oldest += int(np.searchsorted(part.t, edge, side="right"))
    return max(start, oldest)

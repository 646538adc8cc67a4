"""The features of readings that are all there already: what the stage and a worker do together, in one process.

Readings are taken in one by one, and computed many at once: a sensor's window goes along whole, which costs little
where it is not much longer than what is new. What is kept of a sensor in between is plain numbers, and can be written
down.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..model import Plan, Sample, Stretch
from .batch import by_columns
from .sensors import ANY
from .tasks import CARRIED, Recipe
from .whole import Part, Run, Window, advance, grouped, recipe_of
from .windows import Column as Floats

TOGETHER = 16_384  # readings that are computed at once: so much stays in a core's cache
MANY = 8  # samples that are worth a look whether they are lines of the same sensors


class Computed(NamedTuple):
    """Readings of one sensor and one unit with their features, in the order of seq; columns of equal length."""

    board: str
    sensor: str
    unit: str
    seq: NDArray[np.int64]
    at: Floats  # as they were taken in
    t: Floats  # s, of the clock on which windows are
    value: Floats
    counts: dict[int, int]  # by row: the board's own number, where it said one
    n: NDArray[np.int64]
    quality: NDArray[np.uint8]  # indexes into model.Quality
    columns: dict[str, Floats]  # by the feature's name; NaN = no value


Own = Callable[[Plan, Floats, Floats, int], dict[str, Floats]]
"""The user's own features: of (plan, times, values, new), window and new readings, oldest first."""


class Archive:
    """The windows of some boards' sensors. plan: of (board, sensor). own: see Own. dropped: (board, readings)."""

    def __init__(self, plan: Callable[[str, str], Plan], own: Own, dropped: Callable[[str, int], None]) -> None:
        self._plan, self._own, self._dropped = plan, own, dropped
        self._windows: dict[tuple[str, str], Window] = {}
        self.waiting = 0

    @property
    def held(self) -> int:
        """Readings in windows."""
        return sum(len(window.t) for window in self._windows.values())

    def take(self, board: str, samples: Sequence[Sample], at: float) -> None:
        """Takes in what came in one piece at `at`, s of whatever clock `compute` is told of."""
        self.waiting += len(samples)
        if len(samples) >= MANY:
            wide = next((k for k in range(1, len(samples)) if samples[k][0] == samples[0][0]), len(samples))
            lines, rest = divmod(len(samples), wide)
            if not rest and self._take_columns(board, samples, [at] * lines):
                return
        for name, value, unit, number in samples:
            run = self._run(board, name, unit)
            if number is not None:
                run.counts[len(run.values)] = number
            run.values.append(value)
            run.at.append(at)

    def take_rows(self, board: str, rows: Stretch, at: Sequence[float]) -> None:
        """Takes in what many lines held, which came at the times `at`."""
        self.waiting += rows.frames * len(rows.columns)
        groups = {tuple(rows.takes): range(rows.frames)} if not rows.named else _by_takes(rows.named)
        sensors = [sensor for takes in groups for sensor, _ in takes]
        if len(set(sensors)) < len(sensors):  # which comes first matters within a sensor
            for place, (name, value, unit, number) in enumerate(rows.samples):
                self._put(
                    board, name, unit, [value], [at[place // len(rows.columns)]], None if number is None else [number]
                )
            return
        for takes, places in groups.items():
            whole = len(places) == rows.frames
            times = at if whole else [at[k] for k in places]
            counts = rows.counts if whole or rows.counts is None else [rows.counts[k] for k in places]
            for (name, unit), column in zip(takes, rows.columns, strict=True):
                self._put(board, name, unit, column if whole else [column[k] for k in places], times, counts)

    def _put(
        self,
        board: str,
        name: str,
        unit: str,
        values: Sequence[float],
        at: Sequence[float],
        counts: Sequence[int] | None,
    ) -> None:
        run = self._run(board, name, unit)
        if counts is not None:
            run.counts.update(zip(count(len(run.values)), counts, strict=False))
        run.values.extend(values)
        run.at.extend(at)

    def _take_columns(self, board: str, samples: Sequence[Sample], at: Sequence[float]) -> bool:
        """The same of lines with the same sensors in the same order; False where they are not, and nothing is taken.

        Which reading comes first matters within a sensor only.
        """
        names, values, units, counts = zip(*samples, strict=True)
        lines = len(at)
        wide = len(names) // lines
        alike = names == names[:wide] * lines and units == units[:wide] * lines
        if not alike or len(set(names[:wide])) < wide:
            return False
        for k in range(wide):
            run = self._run(board, names[k], units[k])
            if counts[k] is not None or any(count is not None for count in counts[k::wide]):
                said = enumerate(counts[k::wide], len(run.values))
                run.counts |= {row: count for row, count in said if count is not None}
            run.values.extend(values[k::wide])
            run.at.extend(at)
        return True

    def _run(self, board: str, name: str, unit: str) -> Run:
        """Where a reading of a sensor goes."""
        window = self._windows.get((board, name))
        if window is None:
            window = self._windows[board, name] = Window(self._plan(board, name))
        runs = window.runs
        if not runs or window.broken or runs[-1].unit != unit:
            before = runs[-1] if runs else window
            plan = self._plan(board, name) if window.broken else before.plan
            runs.append(Run(unit, plan, window.broken or unit != before.unit))
            window.broken = False
        return runs[-1]

    def renew(self, board: str, sensor: str) -> None:
        """The next values of a sensor are not comparable with those before."""
        if (window := self._windows.get((board, sensor))) is not None:
            window.broken = True

    def compute(self, offset: float) -> list[Computed]:
        """The features of all that waits. offset: from the clock of `at` to that of windows, s."""
        made: list[Computed] = []
        while waiting := [(key, window) for key, window in self._windows.items() if window.runs]:
            groups: dict[Recipe, list[Part]] = {}
            for key, window in waiting:
                part = self._part(key, window, window.runs.pop(0), offset)
                if len(part.seq):
                    groups.setdefault(recipe_of(window.plan), []).append(part)
            for recipe, parts in groups.items():
                for some in _together(parts):
                    made += self._computed(recipe, some)
        self.waiting = 0
        return made

    def _part(self, key: tuple[str, str], window: Window, run: Run, offset: float) -> Part:
        if run.anew:
            window.plan = run.plan
            window.begin()
        window.unit = run.unit
        plan, value, at = window.plan, np.frombuffer(run.values), np.frombuffer(run.at)
        seq = window.seq + 1 + np.arange(len(value))
        window.seq += len(value)
        low, high = plan.range or plan.own_range.get(run.unit) or ANY
        out, kept, used = ~((low <= value) & (value <= high)), None, value
        if plan.out_of_range == "drop" and out.any():
            kept = ~out
            self._dropped(key[0], int(out.sum()))
            seq, value, at, out = seq[kept], value[kept], at[kept], out[kept]
            used = value
        elif plan.out_of_range == "clamp":
            used = np.clip(value, low, high)
        return Part(key, window, run, seq, kept, at, offset + at, value, used, out)

    def _computed(self, recipe: Recipe, parts: list[Part]) -> list[Computed]:
        for part in parts:
            advance(part.window, part.t[0])
        held = [len(part.window.t) for part in parts]
        with np.errstate(all="ignore"):
            result = by_columns(grouped(recipe, parts, held))
        numbers, n = np.frombuffer(result.columns), np.frombuffer(result.n, np.int64)
        quality, carried = np.frombuffer(result.quality, np.uint8), np.frombuffer(result.carried)
        keys, total = ("normalized", "feature", *recipe.use), len(quality)
        out, end = [], 0
        for k, part in enumerate(parts):
            first, end, window = end, end + len(part.seq), part.window
            columns = {key: numbers[j * total + first : j * total + end] for j, key in enumerate(keys)}
            window.t, window.v = np.concatenate([window.t, part.t]), np.concatenate([window.v, part.used])
            window.carried = carried[k * CARRIED : (k + 1) * CARRIED].tolist()
            if window.plan.custom:
                own = self._own(window.plan, window.t, window.v, end - first)
                columns |= {key: column for key, column in own.items() if key not in columns}
            counts = part.run.counts
            if counts and part.kept is not None:
                rows = np.flatnonzero(part.kept).tolist()
                counts = {row: counts[was] for row, was in enumerate(rows) if was in counts}
            advance(window, part.t[-1])
            out.append(Computed(
                *part.key, part.run.unit, part.seq, part.at, part.t, part.value, counts,
                n[first:end], quality[first:end], columns,
            ))  # fmt: skip
        return out

    def written(self) -> list[dict[str, Any]]:
        """What is kept of each sensor, as JSON can have it. Nothing may wait."""
        return [
            {
                "board": board, "sensor": sensor, "seq": window.seq, "unit": window.unit, "broken": window.broken,
                "t": window.t.tolist(), "v": window.v.tolist(),
                "carried": [None if math.isnan(number) else number for number in window.carried],
            }
            for (board, sensor), window in self._windows.items()
        ]  # fmt: skip

    def read(self, kept: list[dict[str, Any]]) -> None:
        """Goes on where `written` was called, whatever was taken in since."""
        self._windows.clear()
        self.waiting = 0
        for one in kept:
            key = one["board"], one["sensor"]
            self._windows[key] = Window(
                self._plan(*key), one["seq"], one["unit"], np.array(one["t"], float), np.array(one["v"], float),
                [math.nan if number is None else number for number in one["carried"]], broken=one["broken"],
            )  # fmt: skip


def _together(parts: list[Part]) -> Iterator[list[Part]]:
    """The parts, by so many readings with their windows, or one part."""
    some: list[Part] = []
    size = 0
    for part in parts:
        more = len(part.seq) + len(part.window.t)
        if some and size + more > TOGETHER:
            yield some
            some, size = [], 0
        some.append(part)
        size += more
    yield some


def _by_takes(named: Sequence[Sequence[tuple[str, str]]]) -> dict[tuple[tuple[str, str], ...], Sequence[int]]:
    """Which rows have which sensors."""
    groups: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for place, takes in enumerate(named):
        groups.setdefault(tuple(takes), []).append(place)
    return {**groups}

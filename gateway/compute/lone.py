"""A batch of few sensors with one new reading each: what batch.py computes, but number by number.

numpy takes some 300 µs for a batch, however few readings there are; on a calm day each batch is so, and this takes an
eighth. It does the same arithmetic in the same order, so the results are the same to the last bit.
"""

import math
from array import array
from collections.abc import Sequence

from .formula import feature, normalized
from .tasks import (
    BEFORE_T,
    BEFORE_V,
    CARRIED,
    CHANGE_T,
    FIRST_T,
    OK,
    ORIGIN,
    OUT_OF_RANGE,
    WARMING_UP,
    Group,
    Recipe,
    Result,
    width,
)  # fmt: skip

MOST = 16  # sensors; far more are faster by columns
USE = frozenset(("mean", "std", "min", "max", "range", "zscore", "rate"))
N, MEAN, M2, MIN, MAX = range(5)
MOMENTS = 5
Run = Sequence[float]
"""A run of readings, see aggregate.py: count, mean, sum of squared deviations, smallest, largest."""


def alone(group: Group) -> bool:
    """Whether `one_by_one` can compute this: one new reading a sensor, and no feature that looks at a whole window."""
    recipe = Recipe(*group.recipe)
    few = len(group.t) == len(group.counts) <= 8 * MOST and not any(group.whole)
    return few and USE.issuperset(recipe.use) and not recipe.stuck and not recipe.spike


def one_by_one(group: Group) -> Result:
    """The features of a group that is `alone`."""
    recipe = Recipe(*group.recipe)
    positions, heads, sizes, starts = (
        array("q", column) for column in (group.positions, group.heads, group.sizes, group.starts)
    )
    times, values, carried = array("d", group.t), array("d", group.v), array("d", group.carried)
    moments = bool(width(recipe.use))
    fronts, suffixes, base = array("d", group.fronts), array("d", group.suffixes), 0
    made: list[list[float]] = []
    counts, quality, next_fronts = array("q"), bytearray(), array("d")
    for j, (t, v) in enumerate(zip(times, values, strict=True)):
        own = j * CARRIED
        if math.isnan(carried[own + FIRST_T]):
            carried[own + FIRST_T] = carried[own + CHANGE_T] = carried[own + ORIGIN] = t
        dt, step, age = t - carried[own + BEFORE_T], v - carried[own + BEFORE_V], t - carried[own + FIRST_T]
        carried[own + BEFORE_T], carried[own + BEFORE_V] = t, v
        start = max(0, positions[j] - recipe.window_n + 1, starts[j] if recipe.window_s is not None else 0)
        n = positions[j] - start + 1
        row = {"rate": step / dt if dt > 0 else math.nan}
        if moments:
            run = merged(fronts[MOMENTS * j : MOMENTS * (j + 1)], (1.0, v, 0.0, v, v))
            next_fronts.extend(run)
            index = start - heads[j]
            if index < sizes[j]:
                at = MOMENTS * (base + index)
                run = merged(suffixes[at : at + MOMENTS], run)
            base += sizes[j]
            row |= _rolling(run, v)
        numbers = (
            normalized(v, recipe.lo, recipe.hi),
            feature(v, recipe.lo, recipe.hi),
            *[row[name] for name in recipe.use],
        )
        made.append([number if math.isfinite(number) else math.nan for number in numbers])
        warming = n < recipe.window_n and (recipe.window_s is None or age < recipe.window_s)
        quality.append(OUT_OF_RANGE if group.out[j] else WARMING_UP if warming else OK)
        counts.append(n)
    columns = array("d", [number for column in zip(*made, strict=True) for number in column])
    return Result(
        columns.tobytes(), counts.tobytes(), bytes(quality), next_fronts.tobytes(), carried.tobytes(), suffixes=[]
    )


def merged(a: Run, b: Run) -> Run:
    """`a` with `b`, which follows it: see aggregate.merge."""
    n = a[N] + b[N]
    share = b[N] / max(n, 1.0)
    d = b[MEAN] - a[MEAN]
    m2 = a[M2] + b[M2] + d * (d * (a[N] * share))
    return n, a[MEAN] + d * share, m2, min(a[MIN], b[MIN]), max(a[MAX], b[MAX])


def _rolling(run: Run, v: float) -> dict[str, float]:
    """The features that follow from a run's moments; v: its newest reading."""
    n, mean, m2, least, most = run
    std = math.sqrt(m2 / n)
    zscore = (v - mean) / std if std > 0 else math.nan
    return {"mean": mean, "std": std, "min": least, "max": most, "range": most - least, "zscore": zscore}

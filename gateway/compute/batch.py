"""What a worker computes: a batch in, its features and its sensors' next states out. Nothing is kept in between.

A batch is a list of groups; a group holds the sensors that share one plan, their columns laid end to end.
"""

import traceback
from pickle import dumps, loads

import numpy as np
from numpy.typing import NDArray

from .aggregate import M2, MAX, MEAN, MIN, TT, TV, N, Rows
from .bare import answer as bare
from .founding import founding
from .lone import alone, one_by_one
from .ordered import medians
from .running import ewma, shifted, since_change
from .tasks import (
    BEFORE_T,
    BEFORE_V,
    CARRIED,
    CHANGE_T,
    EWMA,
    FIRST_T,
    FOUNDING,
    HEAVY,
    OK,
    ORIGIN,
    OUT_OF_RANGE,
    SPIKE,
    STUCK,
    WARMING_UP,
    Group,
    Recipe,
    Result,
    width,
)  # fmt: skip
from .windows import Column, Layout, Moments, moments, starts


def answer(task: bytes) -> bytes:
    """A pickled [Group, …] in, and a pickled [Result, …] out; or both as a bare column. The traceback when it fails."""
    try:
        with np.errstate(all="ignore"):
            if task.startswith((FOUNDING, HEAVY)):
                return bare(task)
            return dumps([tuple(compute(Group(*group))) for group in loads(task)], 5)
    except Exception:  # a bug of ours: told to the gateway, which counts it; the worker stays
        return dumps(traceback.format_exc(), 5)


def floats(data: bytes) -> Column:
    """float64 from bytes."""
    return np.frombuffer(data)


def ints(data: bytes) -> NDArray[np.int64]:
    """int64 from bytes."""
    return np.frombuffer(data, np.int64)


def compute(group: Group) -> Result:
    """The features of a group's new readings. Infinite and undefined ones come out as NaN."""
    return one_by_one(group) if alone(group) else by_columns(group)


def by_columns(group: Group) -> Result:
    """The same, of any number of readings."""
    recipe = Recipe(*group.recipe)
    numbers = (ints(group.counts), ints(group.positions), ints(group.heads), ints(group.sizes), ints(group.starts))
    at = Layout.of(numbers, np.frombuffer(group.whole, np.bool_))
    t, v, history_t = floats(group.t), floats(group.v), floats(group.history_t)
    carried = floats(group.carried).reshape(-1, CARRIED).copy()
    born = np.flatnonzero(np.isnan(carried[:, FIRST_T]))
    carried[born, FIRST_T] = carried[born, CHANGE_T] = carried[born, ORIGIN] = t[at.firsts[born]]
    start = starts(at, t, history_t, recipe.window_s, recipe.window_n)
    n = at.position - start + 1

    columns = dict(zip(("normalized", "feature"), founding(v, recipe.lo, recipe.hi), strict=True))
    made = _moments(recipe, group, at, start, carried[:, ORIGIN])
    if made is not None:
        carried[:, ORIGIN] = made.origins
        _rolling(columns, recipe, made.run, v)
    before_t, before_v = (shifted(at, new, carried[:, k]) for new, k in ((t, BEFORE_T), (v, BEFORE_V)))
    dt = t - before_t
    if "rate" in recipe.use:
        columns["rate"] = np.where(dt > 0, (v - before_v) / dt, np.nan)
    if "ewma" in recipe.use:
        columns["ewma"] = ewma(at, v, dt, carried[:, EWMA], recipe.window_s, recipe.window_n)
        carried[:, EWMA] = columns["ewma"][at.ends - 1]

    quality = np.full(len(t), OK, np.uint8)
    quality[_warming(recipe, t, n, carried[at.owner, FIRST_T])] = WARMING_UP
    if _ordered(recipe):
        columns["median"], deviation = _medians(at, floats(group.history_v), v, start, recipe.spike > 0)
        if recipe.spike:
            quality[np.abs(v - columns["median"]) > recipe.spike * deviation] = SPIKE
    if recipe.stuck:
        changed = since_change(at, t, v != before_v, carried[:, CHANGE_T])
        carried[:, CHANGE_T] = changed[at.ends - 1]
        quality[t - changed >= recipe.stuck] = STUCK
    quality[np.frombuffer(group.out, np.bool_)] = OUT_OF_RANGE

    carried[:, BEFORE_T], carried[:, BEFORE_V] = t[at.ends - 1], v[at.ends - 1]
    table = np.stack([columns[name] for name in ("normalized", "feature", *recipe.use)])
    table[~np.isfinite(table)] = np.nan
    fronts, parts = (made.fronts.T.tobytes(), made.suffixes) if made is not None else (b"", [])
    return Result(table.tobytes(), n.tobytes(), quality.tobytes(), fronts, carried.tobytes(), parts)


def _ordered(recipe: Recipe) -> bool:
    """Whether something asks for the order of the window's readings, each time."""
    return "median" in recipe.use or recipe.spike > 0


def _moments(recipe: Recipe, group: Group, at: Layout, start: NDArray[np.int64], origins: Column) -> Moments | None:
    """The windows' moments, or None where no feature needs them."""
    rows = width(recipe.use)
    if not rows:
        return None
    old_t, old_v = floats(group.history_t)[np.repeat(at.whole, at.sizes)], floats(group.history_v)
    if _ordered(recipe):
        old_v = old_v[np.repeat(at.whole, at.positions - at.heads)]
    new = floats(group.t), floats(group.v)
    fronts, sent = floats(group.fronts).reshape(-1, rows).T, floats(group.suffixes).reshape(-1, rows).T
    return moments(at, start, new, (old_t, old_v), origins, fronts, sent)


def _rolling(columns: dict[str, Column], recipe: Recipe, run: Rows, v: Column) -> None:
    """Adds the features that follow from a run's moments."""
    columns["mean"], columns["min"], columns["max"] = run[MEAN], run[MIN], run[MAX]
    columns["range"] = run[MAX] - run[MIN]
    columns["std"] = std = np.sqrt(run[M2] / run[N])
    if "zscore" in recipe.use:
        columns["zscore"] = np.where(std > 0, (v - run[MEAN]) / std, np.nan)
    if "slope" in recipe.use:
        columns["slope"] = np.where(run[TT] > 0, run[TV] / run[TT], np.nan)


def _warming(recipe: Recipe, t: Column, n: NDArray[np.int64], first_t: Column) -> NDArray[np.bool_]:
    """Which windows are not full yet."""
    short = n < recipe.window_n
    return short if recipe.window_s is None else short & (t - first_t < recipe.window_s)


def _medians(at: Layout, history_v: Column, v: Column, start: NDArray[np.int64], spread: bool) -> tuple[Column, Column]:
    """Median and median absolute deviation of each new reading's window."""
    held = (at.positions - at.heads).tolist()
    index = start - at.heads[at.owner]
    out: list[tuple[float, float]] = []
    old, new = 0, 0
    for size, count in zip(held, at.counts.tolist(), strict=True):
        values = np.concatenate([history_v[old : old + size], v[new : new + count]])
        out += medians(values, index[new : new + count].tolist(), size, spread)
        old, new = old + size, new + count
    middle, deviation = np.array(out).T
    return middle, deviation

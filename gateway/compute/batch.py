"""What a worker computes: a batch in, its features and its sensors' next states out. Nothing is kept in between.

A batch is a list of groups; a group holds the sensors that share one plan, their columns laid end to end. Positions
count the readings that have entered a sensor's windows since the start, from 0. A sensor's window at position p is
start … p. It is put together from three parts that the gateway keeps:

    … | suffixes: the run from each position up to the border | front: the run from the border on | new readings

While start stands before the border, a window is one suffix merged with the front and the new readings, whatever its
length. When start has passed the border ("whole"), the gateway sends the readings of the window themselves, and gets
back new suffixes with the border behind the newest reading. That happens once a window, so a reading's share of it
does not grow with the window.
"""

import traceback
from pickle import dumps, loads
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .aggregate import M2, MAX, MEAN, MIN, TT, TV, Rows, empty, merge, runs, singles, width
from .founding import Column, founding
from .ordered import medians

OUT_OF_RANGE, STUCK, SPIKE, WARMING_UP, OK = range(5)
"""Codes of a reading's quality, in the order of model.Quality."""

EWMA, BEFORE_T, BEFORE_V, FIRST_T, CHANGE_T, ORIGIN = range(6)
CARRIED = 6
"""What a sensor carries from batch to batch besides its runs: float64 each, NaN before its first reading."""


class Recipe(NamedTuple):
    """The part of a plan that a worker needs."""

    lo: float
    hi: float
    window_s: float | None  # None: the window is a count
    window_n: int
    use: tuple[str, ...]
    stuck: float
    spike: float

    @property
    def moments(self) -> int:
        """Rows of a run's matrix."""
        return width("slope" in self.use)

    @property
    def whole(self) -> bool:
        """Whether a feature asks for the readings of the window themselves, each time."""
        return "median" in self.use or self.spike > 0


class Group(NamedTuple):
    """Sensors of one recipe. Columns as bytes: f = float64, i = int64, b = uint8; m sensors, N new readings in all."""

    recipe: tuple[Any, ...]
    counts: bytes  # i, m: new readings
    positions: bytes  # i, m: of the first new reading
    heads: bytes  # i, m: position of the first reading or suffix sent
    sizes: bytes  # i, m: how many of those
    starts: bytes  # i, m: of the window at the last new reading
    whole: bytes  # b, m
    t: bytes  # f, N: s, monotonic
    v: bytes  # f, N
    out: bytes  # b, N: 1 = out of range
    history_t: bytes  # f: times of what was sent
    history_v: bytes  # f: values, of the whole ones only
    suffixes: bytes  # f, moments each: of the others only
    fronts: bytes  # f, m x moments
    carried: bytes  # f, m x CARRIED


class Result(NamedTuple):
    """What came of a group."""

    columns: bytes  # f, (2 + features) x N: normalized, feature, then `use` in order; NaN = no value
    n: bytes  # i, N: readings in the window
    quality: bytes  # b, N
    fronts: bytes
    carried: bytes
    suffixes: list[bytes]  # of each whole sensor, in order; empty where the recipe always sends the window


def answer(task: bytes) -> bytes:
    """A pickled (number, [Group, …]) in; a pickled (number, [Result, …] or the traceback as text) out."""
    number, groups = loads(task)
    try:
        with np.errstate(all="ignore"):
            return dumps((number, [tuple(compute(Group(*group))) for group in groups]), 5)
    except Exception:  # a bug of ours: told to the gateway, which counts it; the worker stays
        return dumps((number, traceback.format_exc()), 5)


def floats(data: bytes) -> Column:
    """float64 from bytes."""
    return np.frombuffer(data)


def ints(data: bytes) -> NDArray[np.int64]:
    """int64 from bytes."""
    return np.frombuffer(data, np.int64)


def compute(group: Group) -> Result:
    """The features of a group's new readings. Infinite and undefined ones come out as NaN."""
    recipe = Recipe(*group.recipe)
    counts, positions, heads, sizes = (ints(x) for x in (group.counts, group.positions, group.heads, group.sizes))
    whole = np.frombuffer(group.whole, np.bool_)
    t, v = floats(group.t), floats(group.v)
    history_t, history_v = floats(group.history_t), floats(group.history_v)
    carried = floats(group.carried).reshape(-1, CARRIED).copy()
    ends = np.cumsum(counts)
    firsts = ends - counts
    sensor = np.repeat(np.arange(len(counts)), counts)
    local = np.arange(len(t)) - firsts[sensor]
    position = positions[sensor] + local

    born = np.flatnonzero(np.isnan(carried[:, FIRST_T]))
    carried[born, FIRST_T] = carried[born, CHANGE_T] = carried[born, ORIGIN] = t[firsts[born]]
    start = _starts(recipe, group, t, history_t, sensor, local, position)
    n = position - start + 1

    # one sequence of runs a sensor: the readings of its window, or its front, and then the new readings
    before = np.where(whole, sizes, 1)
    length = before + counts
    offset = np.cumsum(length) - length
    at = offset[sensor] + before[sensor] + local
    rows = empty(recipe.moments, int(length.sum()))
    origin = carried[:, ORIGIN]
    rows[:, at] = singles(t - origin[sensor], v, recipe.moments)
    fronts = floats(group.fronts).reshape(-1, recipe.moments).T
    rows[:, offset[~whole]] = fronts[:, ~whole]
    if whole.any():
        owner = np.repeat(np.arange(len(counts))[whole], sizes[whole])
        old = np.arange(len(owner)) - np.repeat(np.cumsum(sizes[whole]) - sizes[whole], sizes[whole])
        sent = history_t[_of(whole, sizes)]
        rows[:, offset[owner] + old] = singles(sent - origin[owner], history_v, recipe.moments)
    run = runs(rows, at, np.where(whole[sensor], n, local + 2))
    next_fronts = run[:, ends - 1].copy()
    run = _with_suffixes(run, recipe, group, start - heads[sensor], sizes, whole, sensor)

    columns = dict(zip(("normalized", "feature"), founding(v, recipe.lo, recipe.hi), strict=True))
    quality = np.full(len(t), OK, np.uint8)
    quality[_warming(recipe, t, n, carried[sensor, FIRST_T])] = WARMING_UP
    if recipe.whole:
        order = _ordered(history_v, v, sizes, counts, start - heads[sensor])
        columns["median"] = order[:, 0]
        if recipe.spike:
            quality[np.abs(v - order[:, 0]) > recipe.spike * order[:, 1]] = SPIKE
    _rolling(columns, recipe, run, v)
    before_t, before_v = _shifted(t, carried[:, BEFORE_T], firsts), _shifted(v, carried[:, BEFORE_V], firsts)
    dt = t - before_t
    columns["rate"] = np.where(dt > 0, (v - before_v) / dt, np.nan)
    columns["ewma"] = _ewma(recipe, v, dt, carried[:, EWMA], firsts, counts)
    changed = _since_change(t, v != before_v, carried[:, CHANGE_T], firsts, sensor)
    if recipe.stuck:
        quality[t - changed >= recipe.stuck] = STUCK
    quality[np.frombuffer(group.out, np.bool_)] = OUT_OF_RANGE

    last = ends - 1
    carried[:, EWMA], carried[:, CHANGE_T] = columns["ewma"][last], changed[last]
    carried[:, BEFORE_T], carried[:, BEFORE_V] = t[last], v[last]
    suffixes = [] if recipe.whole else _suffixes(rows, at[last], n[last], np.flatnonzero(whole))
    next_fronts[:, whole] = empty(recipe.moments, int(whole.sum()))
    table = np.stack([columns[name] for name in ("normalized", "feature", *recipe.use)])
    table[~np.isfinite(table)] = np.nan
    return Result(
        table.tobytes(), n.tobytes(), quality.tobytes(), next_fronts.T.tobytes(), carried.tobytes(), suffixes
    )


def _of(chosen: NDArray[np.bool_], sizes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which entries of columns laid end to end belong to the chosen sensors."""
    return np.repeat(chosen, sizes)


def _starts(
    recipe: Recipe,
    group: Group,
    t: Column,
    history_t: Column,
    sensor: NDArray[np.int64],
    local: NDArray[np.int64],
    position: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Where the window of each new reading starts: after t - window, and at most window_n readings back."""
    start = np.maximum(position - recipe.window_n + 1, 0)
    if recipe.window_s is None:
        return start
    counts, heads, sizes, starts = (ints(x) for x in (group.counts, group.heads, group.sizes, group.starts))
    oldest = np.empty(len(t), np.int64)
    ends = np.cumsum(counts)
    oldest[ends - 1] = starts  # the gateway knows the last one's: it had to decide what to send
    edges = np.cumsum(sizes)
    for j in np.flatnonzero(counts > 1).tolist():
        new = t[ends[j] - counts[j] : ends[j]]
        seen = np.concatenate([history_t[edges[j] - sizes[j] : edges[j]], new]) if group.whole[j] else None
        times = history_t[edges[j] - sizes[j] : edges[j]] if seen is None else seen
        found = heads[j] + np.searchsorted(times, new - recipe.window_s, side="right")
        oldest[ends[j] - counts[j] : ends[j]] = found
    return np.maximum(start, oldest)


def _with_suffixes(
    run: Rows,
    recipe: Recipe,
    group: Group,
    index: NDArray[np.int64],
    sizes: NDArray[np.int64],
    whole: NDArray[np.bool_],
    sensor: NDArray[np.int64],
) -> Rows:
    """Each run that begins at the border, with the suffix that comes before it; `index` counts from the first sent."""
    kept = np.where(whole, 0, sizes)
    chosen = np.flatnonzero(index < kept[sensor])
    if not chosen.size:
        return run
    suffixes = floats(group.suffixes).reshape(-1, recipe.moments).T
    base = np.cumsum(kept) - kept
    run[:, chosen] = merge(suffixes[:, base[sensor[chosen]] + index[chosen]], run[:, chosen])
    return run


def _rolling(columns: dict[str, Column], recipe: Recipe, run: Rows, v: Column) -> None:
    """Adds the features that follow from a run's moments."""
    columns["mean"], columns["min"], columns["max"] = run[MEAN], run[MIN], run[MAX]
    columns["range"] = run[MAX] - run[MIN]
    columns["std"] = std = np.sqrt(run[M2] / run[0])
    columns["zscore"] = np.where(std > 0, (v - run[MEAN]) / std, np.nan)
    if recipe.moments > TT:
        columns["slope"] = np.where(run[TT] > 0, run[TV] / run[TT], np.nan)


def _warming(recipe: Recipe, t: Column, n: NDArray[np.int64], first_t: Column) -> NDArray[np.bool_]:
    """Which windows are not full yet."""
    short = n < recipe.window_n
    return short if recipe.window_s is None else short & (t - first_t < recipe.window_s)


def _shifted(column: Column, before: Column, firsts: NDArray[np.int64]) -> Column:
    """The reading before each one: its neighbour, or what the sensor carried."""
    out = np.empty_like(column)
    out[1:] = column[:-1]
    out[firsts] = before
    return out


def _ewma(
    recipe: Recipe, v: Column, dt: Column, before: Column, firsts: NDArray[np.int64], counts: NDArray[np.int64]
) -> Column:
    """Exponentially weighted mean at uneven times: mean += (1 - exp(-dt / tau)) * (value - mean), as steps a * mean + b.

    Source: Eckner, Algorithms for Unevenly Spaced Time Series. Steps are composed in pairs, then fours, and so on.
    """
    if recipe.window_s is None:
        keep = np.full(len(v), 1.0 - 2.0 / (recipe.window_n + 1.0))
        b = (1.0 - keep) * v
    else:
        keep = np.exp(-dt / recipe.window_s)
        b = -np.expm1(-dt / recipe.window_s) * v
    fresh = np.isnan(before)
    b[firsts] = np.where(fresh, v[firsts], keep[firsts] * before + b[firsts])
    keep[firsts] = 0.0  # a sensor begins here: what stands to the left is another's
    step, longest = 1, int(counts.max())
    while step < longest:
        b[step:] = keep[step:] * b[:-step] + b[step:]
        keep[step:] = keep[step:] * keep[:-step]
        step *= 2
    return b


def _since_change(
    t: Column, changed: NDArray[np.bool_], before: Column, firsts: NDArray[np.int64], sensor: NDArray[np.int64]
) -> Column:
    """When the run of equal values that each reading belongs to began."""
    latest = np.maximum.accumulate(np.where(changed, np.arange(len(t)), -1))
    return np.where(latest >= firsts[sensor], t[latest], before[sensor])


def _ordered(
    history_v: Column, v: Column, sizes: NDArray[np.int64], counts: NDArray[np.int64], index: NDArray[np.int64]
) -> Column:
    """(median, median absolute deviation) of each new reading's window; N x 2."""
    out = []
    old, new = 0, 0
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        values = history_v[old : old + size].tolist() + v[new : new + count].tolist()
        out += medians(values, index[new : new + count].tolist(), size)
        old, new = old + size, new + count
    return np.array(out)


def _suffixes(
    rows: Rows, last: NDArray[np.int64], lengths: NDArray[np.int64], sensors: NDArray[np.int64]
) -> list[bytes]:
    """For each of `sensors`: the run from each reading of its last window up to the newest one, oldest first."""
    if not sensors.size:
        return []
    length = lengths[sensors]
    base = np.cumsum(length) - length
    count = np.arange(int(length.sum())) - np.repeat(base, length)
    backwards = rows[:, np.repeat(last[sensors], length) - count]
    run = runs(backwards, np.arange(len(count)), count + 1)
    return [run[:, b : b + size][:, ::-1].T.tobytes() for b, size in zip(base.tolist(), length.tolist(), strict=True)]

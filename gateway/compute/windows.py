"""The windows of a batch: where each starts, and the moments of its readings.

Positions count the readings that have entered a sensor's windows since the start, from 0; a sensor's window at position
p is start … p. Its moments are put together from three parts:

    … | suffixes: the run from each position up to the border | front: the run from the border on | new readings

While start has not passed the border, a window is one suffix merged with the front and new readings, whatever its
length. When it has ("whole"), the readings before the new ones are sent themselves: their suffixes are made anew, and
the border moves up behind them. That happens once a window, so a reading's share of it does not grow with the window.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .aggregate import Index, Rows, empty, merge, runs, singles, suffixes

Column = NDArray[np.float64]


class Layout(NamedTuple):
    """Which reading is whose: m sensors, N new readings laid end to end."""

    counts: Index  # m: new readings
    positions: Index  # m: of the first new reading
    heads: Index  # m: position of the first reading or suffix sent
    sizes: Index  # m: how many of those
    last_starts: Index  # m: start of the window of the last new reading
    whole: NDArray[np.bool_]  # m
    ends: Index  # m: index behind the last new reading
    firsts: Index  # m: index of the first new reading
    owner: Index  # N: its sensor
    local: Index  # N: from 0 in each sensor
    position: Index  # N

    @classmethod
    def of(cls, numbers: tuple[Index, Index, Index, Index, Index], whole: NDArray[np.bool_]) -> "Layout":
        """From what the gateway sends: counts, positions, heads, sizes, last_starts."""
        counts, positions = numbers[:2]
        ends = np.cumsum(counts)
        firsts = ends - counts
        owner = np.repeat(np.arange(len(counts)), counts)
        local = np.arange(len(owner)) - firsts[owner]
        return cls(*numbers, whole, ends, firsts, owner, local, positions[owner] + local)


class Moments(NamedTuple):
    """What `moments` gives."""

    run: Rows  # moments x N: of each window
    fronts: Rows  # moments x m: the next ones
    origins: Column  # m: s, what the times of fronts and suffixes count from
    suffixes: list[bytes]  # of each whole sensor, those that the next window may need


def starts(at: Layout, t: Column, history_t: Column, window_s: float | None, window_n: int) -> Index:
    """Where the window of each new reading starts: behind t - window_s, and at most window_n readings back. N."""
    start = np.maximum(at.position - window_n + 1, 0)
    if window_s is None:
        return start
    oldest = np.empty(len(t), np.int64)
    oldest[at.ends - 1] = at.last_starts  # the gateway knows the last one's: it had to decide what to send
    edges = np.cumsum(at.sizes)
    for j in np.flatnonzero(at.counts > 1).tolist():
        new = t[at.firsts[j] : at.ends[j]]
        times = history_t[edges[j] - at.sizes[j] : edges[j]]
        if at.whole[j]:
            times = np.concatenate([times, new])
        oldest[at.firsts[j] : at.ends[j]] = at.heads[j] + np.searchsorted(times, new - window_s, side="right")
    return np.maximum(start, oldest)


def moments(
    at: Layout,
    start: Index,
    new: tuple[Column, Column],
    old: tuple[Column, Column],
    origins: Column,
    fronts: Rows,
    sent_suffixes: Rows,
) -> Moments:
    """The moments of each window, and the parts that the next batch needs.

    new: t and v of the N readings. old: t and v before them, of the whole sensors. fronts: moments x m. sent_suffixes:
    moments x those of the sensors that are not whole.
    """
    width, whole = len(fronts), np.flatnonzero(at.whole)
    behind, fronts, origins = sent_suffixes, fronts.copy(), origins.copy()
    if whole.size:
        sizes = at.sizes[whole]
        first_sent = np.concatenate([old[0], [0.0]])[np.cumsum(sizes) - sizes]
        origins[whole] = np.where(sizes > 0, first_sent, new[0][at.firsts[whole]])
        fronts[:, whole] = empty(width, whole.size)
        made = suffixes(singles(old[0] - np.repeat(origins[whole], sizes), old[1], width), sizes)
        behind = made
        if whole.size < len(at.counts):
            of_whole = np.repeat(at.whole, at.sizes)
            behind = np.empty((width, len(of_whole)))
            behind[:, of_whole], behind[:, ~of_whole] = made, sent_suffixes

    # one sequence a sensor: its front, and then its new readings
    rows = empty(width, len(at.owner) + len(at.counts))
    place = np.arange(len(at.owner)) + at.owner + 1
    rows[:, place] = singles(new[0] - origins[at.owner], new[1], width)
    rows[:, at.firsts + np.arange(len(at.counts))] = fronts
    inside = start > at.positions[at.owner]  # windows that begin among the new readings
    run = runs(rows, place, np.where(inside, at.position - start + 1, at.local + 2))
    next_fronts = run[:, at.ends - 1].copy()

    base = np.cumsum(at.sizes) - at.sizes
    index = start - at.heads[at.owner]
    chosen = np.flatnonzero(index < at.sizes[at.owner])
    if chosen.size:
        run[:, chosen] = merge(behind[:, (base[at.owner] + index)[chosen]], run[:, chosen])
    kept = (base + start[at.ends - 1] - at.heads)[whole]
    beyond = (base + at.sizes)[whole]
    parts = [behind[:, a:b].T.tobytes() for a, b in zip(kept.tolist(), beyond.tolist(), strict=True)]
    return Moments(run, next_fronts, origins, parts)

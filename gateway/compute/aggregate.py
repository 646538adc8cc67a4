"""Moments of runs of readings, merged without ever subtracting a reading that has left.

A run is a column of its moments (rows of the matrix, below). Two neighbouring runs merge into one (Chan, Golub and
LeVeque 1979: "Updating formulae and a pairwise algorithm for computing sample variances"), so any run of `length`
neighbours is made of about log2(length) merges of runs that are powers of two long, for all runs of a batch at once.
Nothing is subtracted: a huge value leaves no trace once it is out of the window, and equal values have a deviation of
exactly 0.
"""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]
Index = NDArray[np.int64]

N, MEAN, M2, MIN, MAX = range(5)
TMEAN, TT, TV = range(5, 8)  # only where a slope is asked for

BLOCK = 16  # neighbours that `suffixes` merges one by one; the fastest of 4, 8, 16 from 1,000 readings on
TOGETHER = 8192  # runs that `runs` makes at once: their moments stay in a core's cache


def empty(moments: int, runs: int) -> Rows:
    """`runs` runs of no readings; merging with one changes nothing. Gives moments x runs."""
    rows = np.zeros((moments, runs))
    rows[MIN] = np.inf
    rows[MAX] = -np.inf
    return rows


def singles(t: Rows, v: Rows, moments: int) -> Rows:
    """Runs of one reading each. t: s, v: the sensor's unit, n; gives moments x n."""
    rows = np.zeros((moments, len(v)))
    rows[N] = 1.0
    rows[MEAN] = rows[MIN] = rows[MAX] = v
    if moments > TMEAN:
        rows[TMEAN] = t
    return rows


def merge(a: Rows, b: Rows) -> Rows:
    """Each run of `a` with the one of `b` that follows it. Both and the result: moments x n."""
    out = np.empty_like(a)
    out[N] = n = a[N] + b[N]
    share = b[N] / np.maximum(n, 1.0)
    weight = a[N] * share
    d = b[MEAN] - a[MEAN]
    out[MEAN] = a[MEAN] + d * share
    out[M2] = a[M2] + b[M2] + d * (d * weight)  # weight first: an empty side must give 0 and not inf * 0
    np.minimum(a[MIN], b[MIN], out=out[MIN])
    np.maximum(a[MAX], b[MAX], out=out[MAX])
    if len(a) > TMEAN:
        dt = b[TMEAN] - a[TMEAN]
        out[TMEAN] = a[TMEAN] + dt * share
        out[TT] = a[TT] + b[TT] + dt * (dt * weight)
        out[TV] = a[TV] + b[TV] + dt * (d * weight)
    return out


def runs(rows: Rows, at: Index, lengths: Index) -> Rows:
    """The merged run of `lengths[i]` neighbours that ends at `at[i]`. rows: moments x m; gives moments x len(at).

    Neighbours of different sensors may stand side by side, as long as no run asked for reaches across.
    """
    longest = int(lengths.max(initial=0))
    many = max(TOGETHER, longest)
    if len(at) > many:
        parts = [slice(first, first + many) for first in range(0, len(at), many)]
        reach = [slice(int((at[k] - lengths[k]).min()) + 1, int(at[k].max()) + 1) for k in parts]
        return np.concatenate(
            [runs(rows[:, of], at[k] - of.start, lengths[k]) for k, of in zip(parts, reach, strict=True)], axis=1
        )
    out = empty(len(rows), len(at))
    end = at.copy()
    step = 1
    while step <= longest:
        chosen = np.flatnonzero(lengths & step)
        if chosen.size == len(at):
            out = merge(rows[:, end], out)
            end -= step
        elif chosen.size:
            out[:, chosen] = merge(rows[:, end[chosen]], out[:, chosen])
            end[chosen] -= step
        if 2 * step <= longest:
            doubled = rows.copy()
            doubled[:, step:] = merge(rows[:, :-step], rows[:, step:])
            rows = doubled
        step *= 2
    return out


def suffixes(rows: Rows, lengths: Index) -> Rows:
    """The run from each reading to the last of its sensor. rows: moments x n; lengths: readings a sensor, n in all.

    Blocks of BLOCK readings are merged from their ends, all blocks at once, and then, by the same function, the blocks
    themselves: about two merges a reading, however many there are.
    """
    if not lengths.size or lengths.max() <= 1:
        return rows
    blocks = -(-lengths // BLOCK)
    last = np.cumsum(blocks) - 1
    total = int(blocks.sum())
    within = np.arange(rows.shape[1]) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    block = np.repeat(last - blocks + 1, lengths) + within // BLOCK
    place = within % BLOCK * total + block  # the first reading of every block, then the second of every block, …
    spread = empty(len(rows), BLOCK * total)
    spread[:, place] = rows
    table = spread.reshape(len(rows), BLOCK, total)
    for k in range(BLOCK - 2, -1, -1):
        table[:, k] = merge(table[:, k], table[:, k + 1])
    behind = np.roll(suffixes(table[:, 0], blocks), -1, axis=1)  # the blocks that follow each one
    behind[:, last] = empty(len(rows), len(last))
    return merge(spread[:, place], behind[:, block])

"""What a sensor carries from reading to reading besides its window. Columns: N readings, m sensors laid end to end."""

import numpy as np
from numpy.typing import NDArray

from .windows import Column, Layout


def shifted(at: Layout, column: Column, before: Column) -> Column:
    """The reading before each one: its neighbour, or what the sensor carried. before: m; gives N."""
    out = np.empty_like(column)
    out[1:] = column[:-1]
    out[at.firsts] = before
    return out


def ewma(at: Layout, v: Column, dt: Column, before: Column, window_s: float | None, window_n: int) -> Column:
    """Exponentially weighted mean at uneven times: mean += (1 - exp(-dt / tau)) * (value - mean).

    dt: s since the reading before; before: m, the mean so far, or not finite: begin anew. A count: alpha = 2/(n + 1).
    Source: Eckner, Algorithms for Unevenly Spaced Time Series. Each step is keep * mean + b; steps are composed in
    pairs, then fours, and so on.
    """
    if window_s is None:
        keep = np.full(len(v), 1.0 - 2.0 / (window_n + 1.0))
        b = (1.0 - keep) * v
    else:
        keep = np.exp(-dt / window_s)
        b = -np.expm1(-dt / window_s) * v
    first = at.firsts
    b[first] = np.where(np.isfinite(before), keep[first] * before + b[first], v[first])
    keep[first] = 0.0  # a sensor begins here: what stands to the left is another's
    step, longest = 1, int(at.counts.max())
    while step < longest:
        # where nothing is kept nothing is looked at: 0 * infinity would carry one sensor's overflow into the next
        b[step:] = np.where(keep[step:] == 0.0, b[step:], keep[step:] * b[:-step] + b[step:])
        keep[step:] = keep[step:] * keep[:-step]
        step *= 2
    return b


def since_change(at: Layout, t: Column, changed: NDArray[np.bool_], before: Column) -> Column:
    """When the row of equal values that each reading belongs to began, s. before: m, the same of the reading before."""
    latest = np.maximum.accumulate(np.where(changed, np.arange(len(t)), -1))
    return np.where(latest >= at.firsts[at.owner], t[latest], before[at.owner])

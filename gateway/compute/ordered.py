"""Features that need a window's order: the median, and how far a reading stands from it.

The window is kept as a sorted list: a reading comes in and leaves by bisection, and the median absolute deviation is
found between the two halves of the list by bisection too, since each half is already sorted by its distance.

To sort a long window takes far longer than to find its middle, so for a few new readings the middle of each is found.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SORTED = 1000
"""Readings of a window for each new one, from which on it is not sorted: 10,000 take 550 µs, their middle 20 µs."""


def medians(
    values: NDArray[np.float64], starts: Sequence[int], first: int, spread: bool = True
) -> list[tuple[float, float]]:
    """(median, median absolute deviation) over values[starts[i] : first + i + 1], for each i.

    values: window and new readings, oldest first; starts: ascending, one for each new reading; first: the first new
    one; spread: whether the deviation is asked for: it is 0 otherwise.
    """
    if not starts:
        return []
    if SORTED * len(starts) <= first - starts[0]:
        return [_found(values[start : first + i + 1], spread) for i, start in enumerate(starts)]
    ordered: list[float] = np.sort(values[starts[0] : first]).tolist()
    new, leaving = values[first:].tolist(), values[starts[0] : starts[-1]].tolist()
    out, gone = [], 0
    for value, start in zip(new, starts, strict=True):
        insort(ordered, value)
        for old in leaving[gone : start - starts[0]]:
            del ordered[bisect_left(ordered, old)]
        gone = start - starts[0]
        middle = median(ordered)
        out.append((middle, deviation(ordered, middle) if spread else 0.0))
    return out


def _found(window: NDArray[np.float64], spread: bool) -> tuple[float, float]:
    """Median and deviation of one window, in any order: the same as by `median` and `deviation`, to the last bit."""
    middle = _middle(window)
    return middle, _middle(np.abs(window - middle)) if spread else 0.0


def _middle(values: NDArray[np.float64]) -> float:
    half, odd = divmod(len(values), 2)
    parted = np.partition(values, half if odd else (half - 1, half))
    return float(parted[half]) if odd else float(parted[half - 1]) / 2 + float(parted[half]) / 2


def median(ordered: Sequence[float]) -> float:
    """The middle of a sorted list, or the mean of its two middles."""
    half, odd = divmod(len(ordered), 2)
    if odd:
        return ordered[half]
    return ordered[half - 1] / 2 + ordered[half] / 2  # halves first: the sum of two large ones overflows


def deviation(ordered: Sequence[float], middle: float) -> float:
    """The median of |x - middle| over a sorted list."""
    border = bisect_left(ordered, middle)
    half, odd = divmod(len(ordered), 2)
    upper = _nearest(ordered, border, middle, half)
    return upper if odd else _nearest(ordered, border, middle, half - 1) / 2 + upper / 2


def _nearest(ordered: Sequence[float], border: int, middle: float, k: int) -> float:
    """The k-th smallest distance from `middle` (k from 0); `border` parts the smaller ones from the others."""
    above = len(ordered) - border
    low, high = max(0, k + 1 - above), min(k + 1, border)  # how many of the k + 1 nearest stand below the border
    while low < high:
        below = (low + high) // 2
        if middle - ordered[border - 1 - below] < ordered[border + k - below] - middle:
            low = below + 1
        else:
            high = below
    left = middle - ordered[border - low] if low else -1.0
    right = ordered[border + k - low] - middle if k + 1 - low else -1.0
    return max(left, right)

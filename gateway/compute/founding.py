"""The founding formulas, to the last rounded digit of plain Python.

    normalized = round((value - lo) / (hi - lo), 4)
    feature    = round(sqrt(|normalized, unrounded|) * ln(|value| + 1), 4)

numpy computes them by the thousand, but its logarithm may differ from Python's in the last bit, and its rounding
at halves. So the few results that lie at the edge between two rounded values are computed again by Python itself.
"""

import numpy as np
from numpy.typing import NDArray

from .formula import DIGITS, feature, normalized

Column = NDArray[np.float64]

SLACK = 1e-12
EXACT = 2.0**40  # beyond this a product with a power of ten says nothing about the digit to round at


def founding(value: Column, lo: float, hi: float) -> tuple[Column, Column]:
    """`normalized` and `feature` of each value. value: finite, n; gives two columns of n, infinite on overflow."""
    span = hi - lo
    part = (value - lo) / span
    root = np.sqrt(np.abs(part)) * np.log(np.abs(value) + 1.0)
    rounded_part, edge = rounded(part, DIGITS, SLACK)
    for i in edge:
        rounded_part[i] = normalized(float(value[i]), lo, hi)
    rounded_feature, edge = rounded(root, DIGITS, SLACK)
    for i in edge:
        rounded_feature[i] = feature(float(value[i]), lo, hi)
    return rounded_part, rounded_feature


def rounded(x: Column, digits: int, slack: float) -> tuple[Column, list[int]]:
    """`x` rounded, and where the rounding is in doubt: near a half, or too large for this arithmetic.

    slack: by how much of the last rounded digit `x` may differ from what Python has.
    """
    tens = 10.0**digits
    scaled = x * tens
    size = np.abs(scaled)
    doubt = np.abs(size - np.floor(size) - 0.5) <= size * 1e-14 + slack
    doubt |= ~(size < EXACT)
    return np.rint(scaled) / tens, np.flatnonzero(doubt).tolist()

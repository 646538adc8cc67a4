"""The load of the founding benchmark, by the thousand, to the last rounded digit of plain Python: see formula.heavy.

A difference in the last bit grows while v wanders, and dies out at the fixed point at which nearly all values end; so
more results than those of founding.py count as doubtful.
"""

import numpy as np

from .formula import HEAVY_DIGITS
from .formula import heavy as one
from .founding import Column, rounded

SLACK = 1e-5  # of the last rounded digit


def heavy(value: Column, rounds: int) -> Column:
    """All rounds of each value, rounded. value: finite."""
    v, turned, other = value.copy(), np.empty_like(value), np.empty_like(value)
    for _ in range(rounds):
        np.sin(v, out=turned)
        turned *= np.cos(v, out=other)
        np.abs(v, out=v)
        v += 1.0
        np.log(v, out=v)
        v += turned
    out, doubtful = rounded(v, HEAVY_DIGITS, SLACK)
    for i in doubtful:
        out[i] = one(float(value[i]), rounds)
    return out

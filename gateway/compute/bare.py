"""What a worker computes of a bare column: values that belong to no sensor and have no window."""

from collections.abc import Callable

import numpy as np

from .founding import Column, founding
from .tasks import BARE, FOUNDING

BLOCK = 4096
"""Values at once: all steps' columns stay in a core's cache, and are too small to be given back to the system."""


def answer(task: bytes) -> bytes:
    """tasks.BARE and float64 in; the transform's columns, one behind the other, out."""
    kind, a, b = BARE.unpack_from(task)
    values = np.frombuffer(task, offset=BARE.size)
    if kind == FOUNDING:
        return _by_blocks(values, 2, lambda block: founding(block, a, b))
    from .heavy import heavy  # nobody but a benchmark asks for it

    return _by_blocks(values, 1, lambda block: (heavy(block, int(a)),))


def _by_blocks(values: Column, columns: int, made: Callable[[Column], tuple[Column, ...]]) -> bytes:
    out = np.empty((columns, len(values)))
    for at in range(0, len(values), BLOCK):
        out[:, at : at + BLOCK] = made(values[at : at + BLOCK])
    return out.tobytes()

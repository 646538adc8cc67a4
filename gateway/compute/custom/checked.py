"""A feature's result -> columns of float64, or a clause: what is wrong with it. Runs in the feature's process."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .answers import MOST_KEYS, key_problem


class Unfit(Exception):
    """A result that is none; its text is a clause: "answered …"."""


def columns(result: object, name: str, new: int) -> tuple[list[str], bytes]:
    """Keys and float64 columns, end to end, of a result for `new` readings; `name` is the key of a lone array.

    Infinite numbers become NaN, which is no value. Raises Unfit.
    """
    table = result if isinstance(result, Mapping) else {name: result}
    if not 0 < len(table) <= MOST_KEYS:
        raise Unfit(f"answered {len(table)} keys; from 1 to {MOST_KEYS} can be taken")
    out: list[bytes] = []
    for key, values in table.items():
        if problem := key_problem(key):
            raise Unfit(problem)
        of = f" for '{key}'" if isinstance(result, Mapping) else ""
        out.append(_column(values, new, of).tobytes())
    return [str(key) for key in table], b"".join(out)


def _column(values: Any, new: int, of: str) -> NDArray[np.float64]:
    """One column. `of` names it."""
    if not isinstance(values, np.ndarray | list | tuple):
        raise Unfit(f"answered {_kind(values)}{of}; an array with a number for each new reading was expected")
    shape = values.shape if isinstance(values, np.ndarray) else (len(values),)
    if shape != (new,):
        size = "x".join(map(str, shape)) + " numbers" if shape else "a lone number"
        raise Unfit(f"answered {size}{of} for {new} new readings; an array with one for each was expected")
    try:
        array = values if isinstance(values, np.ndarray) else np.asarray(values)
    except Exception as error:  # of two lengths, or with an item that will not be looked at
        raise Unfit(f"answered a {type(values).__name__}{of} that is no array: {type(error).__name__}") from None
    if array.shape != shape or array.dtype.kind not in "fiub":
        raise Unfit(f"answered an array of {array.dtype.name}{of}; one number for each new reading was expected")
    column = array.astype(np.float64)
    column = np.asarray(column.filled(np.nan)) if isinstance(column, np.ma.MaskedArray) else column
    return np.where(np.isfinite(column), column, np.nan)


def _kind(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"

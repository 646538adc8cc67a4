"""Many rows of one mould, read at once: one pattern finds all their texts, and each column becomes numbers together.

    21.50,19.88      one call finds (21.50, 19.88) and (21.44, 19.88); the columns are 21.50 21.44 and 19.88 19.88
    21.44,19.88
    21.50,err        no row of this mould: the stretch ends before it

A stretch holds what its rows give one by one, bit for bit; where that is not sure it ends.
"""

import re
from collections.abc import Callable, Sequence
from itertools import takewhile

from ...model import Stretch
from ..numbers import floats
from .mould import Mould, Take

LEAST = 4
"""Frames; fewer are no stretch."""

Find = Callable[[bytes], list[tuple[bytes, ...]] | list[bytes]]
"""The groups of each row in a text, or its only one; of what is no such row, all in one, empty groups."""


def finder(mould: Mould) -> Find:
    """What finds the rows of a mould."""
    return re.compile(mould.pattern + rb"\n|(?s:.)++").findall


def stretch(
    frames: Sequence[bytes],
    mould: Mould,
    find: Find,
    none: frozenset[str | float],
    sensors: Callable[[bytes], tuple[Take, ...]],
) -> Stretch | None:
    """The first rows of `frames`, as far as they fit; None where that is no stretch.

    find: of the mould. none: values that mean none. sensors: says what the values of a row with a name are, by that
    name; () where it is not known.
    """
    columns = _fitting(frames, find)
    if not columns or len(columns[0]) < LEAST:
        return None
    texts = [column for group, column in enumerate(columns) if group not in (mould.counted, mould.named)]
    values = [_numbers(column, mould.decimal) for column in texts]
    size = _unmarked(texts, values, none) if none else len(texts[0])
    named: list[tuple[Take, ...]] = []
    if mould.named is not None:
        named = list(takewhile(bool, map(sensors, columns[mould.named][:size])))
        size = len(named)
    if size < LEAST:
        return None
    counts = None if mould.counted is None else list(map(int, columns[mould.counted][:size]))
    return Stretch(size, [column[:size] for column in values], mould.takes, named, counts)


def _fitting(frames: Sequence[bytes], find: Find) -> Sequence[Sequence[bytes]]:
    """The groups of the first rows that fit, by columns."""
    text = b"\n".join(frames) + b"\n"
    if text.count(b"\n") != len(frames):  # a frame that holds a LF is no row
        return []
    rows = find(text)
    if not any(rows[-1]):  # one of the groups is a number
        del rows[-1]
    return [rows] if rows and isinstance(rows[0], bytes) else list(zip(*rows, strict=True))


def _numbers(texts: Sequence[bytes], decimal: str) -> list[float]:
    return floats(texts if decimal == "." else b" ".join(texts).replace(b",", b".").split(b" "))


def _unmarked(texts: Sequence[Sequence[bytes]], values: list[list[float]], none: frozenset[str | float]) -> int:
    """How many rows stand before the first in which a value means none."""
    size = len(values[0])
    for spelt, numbers in zip(texts, values, strict=True):
        if not (none.isdisjoint(numbers) and none.isdisjoint(map(bytes.decode, spelt))):
            marked = (at for at, number in enumerate(numbers) if number in none or spelt[at].decode() in none)
            size = min(size, next(marked))
    return size

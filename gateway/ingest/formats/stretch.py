"""Many rows of one mould, read at once: one pattern finds all their texts, and each column becomes numbers together.

    21.50,19.88      one call finds (21.50, 19.88) and (21.44, 19.88); the columns are 21.50 21.44 and 19.88 19.88
    21.44,19.88
    21.50,err        no row of this mould: the stretch ends before it

A stretch holds what its rows give one by one, bit for bit; where that is not sure it ends.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, repeat, takewhile
from operator import itemgetter

from ...model import Sample, Stretch
from ..numbers import floats
from .mould import Mould, Take

LEAST = 4
"""Frames; fewer are no stretch."""

Find = Callable[[bytes], list[tuple[bytes, ...]]]
"""The groups of each row in a text, and the LF behind it; of what is no such row, all in one, empty groups."""

_new = tuple.__new__  # of a NamedTuple, at half the price: this is done once a reading


def finder(mould: Mould) -> Find:
    """What finds the rows of a mould."""
    return re.compile(mould.pattern + rb"(\n)|(?s:.)++").findall


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
    rows = _fitting(frames, find)
    if len(rows) < LEAST:
        return None
    columns = list(zip(*rows, strict=True))
    texts = [column for group, column in enumerate(columns[:-1]) if group not in (mould.counted, mould.named)]
    values = [_numbers(column, mould.decimal) for column in texts]
    size = _unmarked(texts, values, none) if none else len(rows)
    called: list[tuple[Iterable[str], Iterable[str]]]
    if mould.named is None:
        called = [(repeat(sensor), repeat(unit)) for sensor, unit in mould.takes]
    else:
        known = list(takewhile(bool, map(sensors, columns[mould.named][:size])))
        size = len(known)
        called = [(map(itemgetter(0), takes), map(itemgetter(1), takes)) for takes in zip(*known, strict=True)]
    if size < LEAST:
        return None
    counts: list[int] | list[None] = [None] * size  # they say how many rows are taken
    if mould.counted is not None:
        counts = list(map(int, columns[mould.counted][:size]))
    samples = [
        map(_new, repeat(Sample), zip(names, column, units, counts, strict=False))
        for (names, units), column in zip(called, values, strict=True)
    ]
    return Stretch(size, list(chain.from_iterable(zip(*samples, strict=True))))


def _fitting(frames: Sequence[bytes], find: Find) -> list[tuple[bytes, ...]]:
    """The groups of the first rows that fit."""
    text = b"\n".join(frames) + b"\n"
    if text.count(b"\n") != len(frames):  # a frame that holds a LF is no row
        return []
    rows = find(text)
    if not rows[-1][-1]:
        del rows[-1]
    return rows


def _numbers(texts: Sequence[bytes], decimal: str) -> list[float]:
    return floats(texts if decimal == "." else b" ".join(texts).replace(b",", b".").split(b" "))


def _unmarked(texts: list[tuple[bytes, ...]], values: list[list[float]], none: frozenset[str | float]) -> int:
    """How many rows stand before the first in which a value means none."""
    size = len(values[0])
    for spelt, numbers in zip(texts, values, strict=True):
        if not (none.isdisjoint(numbers) and none.isdisjoint(map(bytes.decode, spelt))):
            marked = (at for at, number in enumerate(numbers) if number in none or spelt[at].decode() in none)
            size = min(size, next(marked))
    return size

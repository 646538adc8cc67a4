"""What travels between the gateway and a worker: tuples of bytes. Both sides read this file, so it needs no numpy.

Columns as bytes: f = float64, i = int64, b = uint8. A group has m sensors of one recipe and N new readings in all; what
positions, suffixes, fronts and whole are: windows.py.

Or a bare column of values that belong to no sensor: BARE, then f; the answer is the transform's columns, f.
"""

from collections.abc import Collection
from struct import Struct
from typing import Any, NamedTuple

CARRIED = 6
"""Numbers that a sensor carries from batch to batch besides its runs; NaN before its first reading."""

OUT_OF_RANGE, STUCK, SPIKE, WARMING_UP, OK = range(5)
"""Codes of a reading's quality, in the order of model.Quality."""

EWMA, BEFORE_T, BEFORE_V, FIRST_T, CHANGE_T, ORIGIN = range(6)
"""Which is which of them."""

BARE = Struct("=8sdd")  # the transform and its two numbers; no pickle begins so
FOUNDING = b"founding"  # lo, hi; gives normalized and feature
HEAVY = b"heavy   "  # rounds, 0; gives one column


class Recipe(NamedTuple):
    """The part of a plan that a worker needs."""

    lo: float
    hi: float
    window_s: float | None  # None: the window is a count
    window_n: int
    use: tuple[str, ...]
    stuck: float
    spike: float


class Group(NamedTuple):
    """Sensors of one recipe, with their new readings."""

    recipe: tuple[Any, ...]
    counts: bytes  # i, m: new readings
    positions: bytes  # i, m: of the first new reading
    heads: bytes  # i, m: position of the first reading or suffix sent
    sizes: bytes  # i, m: how many of those
    starts: bytes  # i, m: of the window at the last new reading
    whole: bytes  # b, m
    t: bytes  # f, N: s, monotonic
    v: bytes  # f, N
    out: bytes  # b, N: 1 = out of range
    history_t: bytes  # f: times of what was sent
    history_v: bytes  # f: values before the new ones: of the whole sensors; of all where features need their order
    suffixes: bytes  # f, moments each: of the sensors that are not whole
    fronts: bytes  # f, m x moments
    carried: bytes  # f, m x CARRIED


class Result(NamedTuple):
    """What came of a group."""

    columns: bytes  # f, (2 + features) x N: normalized, feature, then `use` in order; NaN = no value
    n: bytes  # i, N: readings in the window
    quality: bytes  # b, N: indexes into model.Quality
    fronts: bytes  # f, m x moments
    carried: bytes  # f, m x CARRIED
    suffixes: list[bytes]  # f, moments each: of each whole sensor, in order; none where no feature needs moments


def width(use: Collection[str]) -> int:
    """How many moments the features in `use` need of a run: see aggregate.py."""
    if "slope" in use:
        return 8
    return 0 if {"mean", "std", "min", "max", "range", "zscore"}.isdisjoint(use) else 5

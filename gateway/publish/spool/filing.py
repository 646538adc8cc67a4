"""Readings of the street as blocks, and back. On the disk time counts from the boot, in the street from its start."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, replace

from ...model import Features
from .blocks import read, written
from .nouns import Block, Damaged, New, Source

LONGEST_UP = 1e10  # s of a boot's clock


@dataclass(frozen=True, slots=True)
class Saved:
    """Readings to be stored as one block. condensed: by seq, the readings left out before it."""

    features: Features
    condensed: dict[int, int]
    run: str
    tags: dict[str, str]


def filed(saved: Saved, boot: str, start: float, *, copy: bool = False) -> New:
    """The block of `saved`. start: s of the boot's clock at which the street's begins."""
    f = saved.features
    source = Source(f.board, f.sensor, saved.run, f.unit, f.keys, tuple(saved.tags.items()), boot, f.unset)
    return _new(source, f, saved.condensed, start, copy=copy)


def refiled(block: Block, features: Features, condensed: dict[int, int], start: float) -> New:
    """What is left of a block that was being sent."""
    return _new(block.source, features, condensed, start)


def _new(source: Source, f: Features, condensed: dict[int, int], start: float, *, copy: bool = False) -> New:
    mono = array("d", [0.0 if math.isnan(t) else t + start for t in f.mono])
    return New(source, len(f), f.wall[-1], mono[-1], written(replace(f, mono=mono), condensed), copy)


def found_in(source: Source, rows: int, data: bytes, boot: str, start: float) -> tuple[Features, dict[int, int]]:
    """The readings in a block, and what was condensed before them. Raises Damaged.

    Those of another boot have no time on the street's clock: NaN.
    """
    features, condensed = read(source, data)
    if len(features) != rows:
        raise Damaged("a block of another length")
    if source.boot != boot:
        features.mono = array("d", [math.nan]) * rows
    elif all(-1.0 < t < LONGEST_UP for t in features.mono):
        features.mono = array("d", [t - start for t in features.mono])
    else:
        raise Damaged("a block of another time")
    return features, condensed

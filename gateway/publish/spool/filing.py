"""Readings of the street as blocks, and back. On the disk time counts from the boot, in the street from its start."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, replace

from ...model import Features
from .blocks import read, written
from .nouns import Damaged, New, Source


@dataclass(frozen=True, slots=True)
class Saved:
    """Readings to be stored as one block. condensed: by seq, the readings left out before it."""

    features: Features
    condensed: dict[int, int]
    run: str
    tags: dict[str, str]


def filed(saved: Saved, boot: str, start: float) -> New:
    """The block of `saved`. start: s of the boot's clock at which the street's begins."""
    f = saved.features
    mono = array("d", [t + start for t in f.mono])
    source = Source(f.board, f.sensor, saved.run, f.unit, f.keys, tuple(saved.tags.items()), boot, f.unset)
    return New(source, len(f), f.wall[-1], mono[-1], written(replace(f, mono=mono), saved.condensed))


def found_in(source: Source, rows: int, data: bytes, boot: str, start: float) -> tuple[Features, dict[int, int]]:
    """The readings in a block, and what was condensed before them. Raises Damaged.

    Those of another boot have no time on the street's clock: NaN.
    """
    features, condensed = read(source, data)
    if len(features) != rows:
        raise Damaged("a block of another length")
    features.mono = array("d", [t - start if source.boot == boot else math.nan for t in features.mono])
    return features, condensed

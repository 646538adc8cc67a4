"""The times of readings that came while the machine's clock had not been set. Pure.

Judged is the moment at which the bytes arrived, and not that at which a worker was done with them or a message left.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..model import Features


def marked(pieces: Iterable[Features], unset_until: float) -> Iterator[Features]:
    """The readings, those of before `unset_until` (s, on the clock of Features.mono) apart and marked `unset`."""
    for features in pieces:
        early = bisect_left(features.mono, unset_until)
        if early in (0, len(features)):
            features.unset = early > 0
            yield features
        else:
            first, rest = features.cut(0, early), features.cut(early, len(features))
            first.unset = True
            yield first
            yield rest


def dated(features: Features, clock: float | None) -> tuple[Features, str | None]:
    """The features with the times to be told, and what is to be said of them.

    clock: what Features.mono lacks to s since 1970; None while the machine's clock is not set.
    """
    if not features.unset:
        return features, None
    if clock is None or math.isnan(features.mono[0]):  # those of another boot cannot be put right
        return features, "unsynced"
    return replace(features, wall=type(features.wall)("d", [t + clock for t in features.mono])), "corrected"

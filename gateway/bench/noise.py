"""Whether the machine had other things to do while it was measured, and what that means for the figures."""

from __future__ import annotations

import os
from collections.abc import Sequence

BUSY = 0.3  # of the cores, by others, before anything of ours has begun
APART = 0.3  # of the median, between the fastest and the slowest round of a way


def load() -> float:
    """Processes that ran or wanted to, on average over the last minute."""
    return os.getloadavg()[0]


def hint(before: float, cores: int, spreads: Sequence[float]) -> str:
    """What to think of the figures; "" when there is nothing to say. before: the load; spreads: of the ways' rounds."""
    wide = sum(spread > APART for spread in spreads)
    signs = []
    if before > BUSY * cores:
        signs.append(f"a load of {before:.1f} on {cores} core{'s' * (cores != 1)} before the measurement")
    if wide > len(spreads) / 4:
        signs.append(f"rounds more than {APART:.0%} apart in {wide} of {len(spreads)} rows")
    if not signs:
        return ""
    return (
        f"the machine was noisy ({', '.join(signs)}): trust the ratios more than the rates, or measure again in peace"
    )

"""Paired rounds: each way once a round, so that whatever else the machine does falls on all of them alike. No I/O."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from statistics import median


def ratio(ours: Sequence[float | None], theirs: Sequence[float | None]) -> float | None:
    """Ours to theirs: the median of the ratios within the rounds; None where no round has both."""
    both = [one / other for one, other in zip(ours, theirs, strict=True) if one is not None and other]
    return median(both) if both else None


@dataclass(eq=False)
class Way:
    """One way to do the same work. run: does it once; gives the seconds that it took. amount: of work that is in it."""

    name: str
    amount: int
    run: Callable[[], Awaitable[float]]
    batch: int | None = None
    took: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Work a second: the median of the rounds."""
        return self.amount / median(self.took)

    @property
    def spread(self) -> float:
        """How far the rounds lie apart, as a share of their median."""
        return (max(self.took) - min(self.took)) / median(self.took)

    def ratio(self, to: Way) -> float:
        """Times as fast as `to`: the median of the ratios within the rounds."""
        return self.amount / to.amount * (ratio(to.took, self.took) or 0.0)


async def measure(
    ways: Sequence[Way],
    rounds: int,
    seconds: float,
    said: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """At most `rounds` rounds, none of which begins after `seconds`; gives how many. Every other goes backwards."""
    end = clock() + seconds
    for turn in range(rounds):
        if turn and clock() >= end:
            return turn
        for place, way in enumerate(ways if turn % 2 == 0 else ways[::-1]):
            said(f"round {turn + 1} of {rounds}, {place + 1} of {len(ways)}: {way.name}")
            await asyncio.sleep(0)  # a way may not wait for anything: now the loop hears of Ctrl-C
            way.took.append(await way.run())
    return rounds

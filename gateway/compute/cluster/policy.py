"""Where a batch goes: this machine or the cluster, by what either took of late. Numbers in, a verdict out; no clock.

What is compared is when a batch would be done. Here that is the wait for a worker and the computing; on the cluster the
whole way there and back. So what is cheap stays here however large it is, and what is heavy leaves once it would wait.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from statistics import median

LATEST = 15  # batches of a kind that count
FRESH = 20.0  # s after which a kind is measured anew
MOST_KINDS = 256  # the one that was not seen for longest is forgotten
MARGIN = 0.8  # the cluster has to be so much sooner: what comes to the same stays here


@dataclass(slots=True)
class Latest:
    """What the latest batches of a kind took, in s a reading, and when the newest was measured."""

    costs: deque[float] = field(default_factory=lambda: deque(maxlen=LATEST))
    at: float = 0.0


class Costs:
    """What batches took, in s a reading: the median of the latest of their kind, since one stall says nothing."""

    def __init__(self) -> None:
        self._kinds: OrderedDict[Hashable, Latest] = OrderedDict()

    def note(self, kind: Hashable, readings: int, seconds: float, now: float) -> None:
        """A batch of `readings` has taken so long."""
        latest = self._kinds.setdefault(kind, Latest())
        latest.costs.append(seconds / max(1, readings))
        latest.at = now
        self._kinds.move_to_end(kind)
        if len(self._kinds) > MOST_KINDS:
            self._kinds.popitem(last=False)

    def of(self, kind: Hashable) -> float | None:
        """S a reading; None where none was measured."""
        latest = self._kinds.get(kind)
        return None if latest is None else median(latest.costs)

    def fresh(self, kind: Hashable, now: float) -> bool:
        """Whether it was measured of late."""
        latest = self._kinds.get(kind)
        return latest is not None and now < latest.at + FRESH


def sized(readings: int) -> int:
    """Batches of about one size, to the power of two, are of one kind: the way costs the same for few and for many."""
    return readings.bit_length()


def sooner(here: float | None, there: float | None, readings: int, wait: float) -> bool:
    """Whether the cluster has a batch done sooner. here, there: s a reading; wait: s until a worker here is free.

    False where one of the two was never measured.
    """
    if here is None or there is None:
        return False
    return there * readings < MARGIN * (here * readings + wait)

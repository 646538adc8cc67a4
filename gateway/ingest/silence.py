"""What is done about a board that says nothing while its port is open, and how rarely. Pure: no port, no clock.

    silent -> reopen .. 30 s .. reopen .. 60 s .. reopen .. 2 min .. reopen .. 4 min .. .. 15 min .. 15 min ..

The first remedy comes at once. The pauses then grow, and they begin anew only when the board has spoken for longer than
the last one: one that hangs again after its first line is not opened without end. A DTR pulse starts most boards anew,
and one that speaks once an hour would never get there when it came every 15 minutes; so where pulses are asked for,
only the remedies 1, 3, 7, 15, … are pulses: the time between two of them doubles without an end.
"""

from collections.abc import Collection
from enum import StrEnum

LEAST = 10.0  # s between two remedies, however short a board's patience is
MOST = 900.0  # s; or the board's patience, where that is longer


class Remedy(StrEnum):
    """What may bring a board back."""

    REOPEN = "reopen"
    DTR = "dtr"


class Silence:
    """The remedies of one board. Times: s, monotonic.

    allowed: of `on_silence`. patience: s after which the board is silent.
    """

    def __init__(self, allowed: Collection[str]) -> None:
        self.allowed = set(allowed)
        self._tried = 0  # in a row
        self._last = 0.0  # when

    def begins(self, heard: float, patience: float) -> None:
        """The board is silent again; it was heard last at `heard`."""
        if self._tried and heard - self._last > pause(self._tried - 1, patience):
            self._tried = 0

    def due(self, patience: float) -> float:
        """When the next remedy is."""
        if not self.allowed:
            return float("inf")
        return self._last + pause(self._tried - 1, patience) if self._tried else 0.0

    def next(self, now: float) -> Remedy | None:
        """What to try now; None: nothing this time."""
        tried, self._tried, self._last = self._tried, self._tried + 1, now
        return remedy(self.allowed, tried)


def remedy(allowed: Collection[str], tried: int) -> Remedy | None:
    """What to try after `tried` remedies in a row; None: nothing now."""
    reopens = Remedy.REOPEN in allowed
    if Remedy.DTR in allowed and (tried or not reopens) and not tried & (tried + 1):
        return Remedy.DTR
    return Remedy.REOPEN if reopens else None


def pause(tried: int, patience: float) -> float:
    """Seconds from the remedy numbered `tried` (from 0) until the next."""
    return max(LEAST, min(patience * 2.0 ** min(tried, 30), max(MOST, patience)))


def silent_for(seconds: float) -> str:
    """What is said of it."""
    return f"nothing has come for {seconds:.0f} s: does the board run, and wait for no question?"

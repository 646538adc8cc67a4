"""Whether a cluster that is there is used: what came too late, and when, in; a verdict out. No clock.

Three batches too late within ten seconds, and nothing is given to it for a while. Then a copy of a batch that is
computed here as well shows whether it answers in time; when it does not, the next pause is twice as long.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

MOST = 3  # too late within
WITHIN = 10.0  # s
FIRST, LONGEST = 5.0, 60.0  # s of the pauses
BEHAVED = 60.0  # s after which an earlier pause counts no more


@dataclass(frozen=True, slots=True)
class Conduct:
    """All times are s of one clock."""

    late: tuple[float, ...] = ()
    until: float | None = None  # too slow: no copy is tried before then; None: it is used
    pause: float = FIRST  # of the next time
    freed: float = -math.inf  # when it was used again


def late(conduct: Conduct, now: float) -> Conduct:
    """After something that was not answered in time, or wrongly."""
    if conduct.until is not None:
        return _shut(conduct, now) if now >= conduct.until else conduct
    times = (*(at for at in conduct.late if now - at < WITHIN), now)
    if len(times) < MOST:
        return replace(conduct, late=times)
    return _shut(conduct if now - conduct.freed < BEHAVED else replace(conduct, pause=FIRST), now)


def in_time(conduct: Conduct, now: float) -> Conduct:
    """After an answer in time: it is used again, where it was tried."""
    if conduct.until is None or now < conduct.until:
        return conduct
    return Conduct(pause=conduct.pause, freed=now)


def back(conduct: Conduct, now: float) -> Conduct:
    """After the cluster was away and has come back: it is used again, and what was before counts for the next pause."""
    return conduct if conduct.until is None else Conduct(pause=conduct.pause, freed=now)


def used(conduct: Conduct) -> bool:
    """Whether batches are given to it."""
    return conduct.until is None


def tried(conduct: Conduct, now: float) -> bool:
    """Whether it may be given a copy of a batch that is computed here."""
    return conduct.until is None or now >= conduct.until


def _shut(conduct: Conduct, now: float) -> Conduct:
    return Conduct((), now + conduct.pause, min(2 * conduct.pause, LONGEST), conduct.freed)

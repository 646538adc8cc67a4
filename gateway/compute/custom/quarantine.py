"""Who is asked and who is not: misses and times in, a verdict out. No clock, no process.

Two misses within ten minutes quarantine a feature. It is tried again after ten minutes; when that goes wrong, or it
misses again soon, the next pause is twice as long, up to a day.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

MOST = 2  # misses that quarantine
WITHIN = 600.0  # s in which they count
FIRST, LONGEST = 600.0, 86_400.0  # s of the pauses


@dataclass(frozen=True, slots=True)
class Conduct:
    """How one feature has behaved. All times are s of one clock."""

    misses: tuple[float, ...] = ()  # those that still count
    since: float | None = None  # quarantined since then; None: it is not
    until: float = 0.0  # in quarantine: not asked before then
    pause: float = FIRST  # s; of the next quarantine
    freed: float = -math.inf  # when the latest quarantine ended


def asked(conduct: Conduct, now: float) -> bool:
    """Whether it is asked for its values: it is free, or may try again."""
    return conduct.since is None or now >= conduct.until


def missed(conduct: Conduct, now: float) -> Conduct:
    """After a miss at `now`. One that was only trying again goes back at once."""
    if conduct.since is not None:
        return conduct if now < conduct.until else _shut(conduct, conduct.since, now, conduct.pause)
    misses = (*(at for at in conduct.misses if now - at < WITHIN), now)
    if len(misses) < MOST:
        return replace(conduct, misses=misses)
    behaved = now - conduct.freed >= conduct.pause  # for as long as it would now be shut out
    return _shut(conduct, now, now, FIRST if behaved else conduct.pause)


def answered(conduct: Conduct, now: float) -> Conduct:
    """After a good answer at `now`: one that was trying again is free."""
    if conduct.since is None or now < conduct.until:
        return conduct
    return Conduct(pause=conduct.pause, freed=now)


def _shut(conduct: Conduct, since: float, now: float, pause: float) -> Conduct:
    return replace(conduct, misses=(), since=since, until=now + pause, pause=min(2 * pause, LONGEST))

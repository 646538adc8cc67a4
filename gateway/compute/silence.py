"""Whether a process that says nothing is to blame for it: it is looked at meanwhile. The rule knows no clock.

T     it was stopped: proven at the second look in a row, since whoever lets all of us go on may do so one by one
R     it computes, or waits for a core that others have: what counts is the time of a core that it got
else  it waits for something (S, D, t): that counts against it, less the time of a core that it got, and against no task
"""

import os
from pathlib import Path
from typing import NamedTuple

LOOK = 0.25  # s between two looks
STOPPED, RUNNING = "T", "R"
PROOF = 2  # looks in a row
ALMOST = 1e-9  # s; sums of floats are not exact
WAS_STOPPED, WAS_SILENT, WAS_BUSY = "was stopped", "was silent", "computed for too long"  # why it is of no more use
TICK = 1.0 / os.sysconf("SC_CLK_TCK")


class Glance(NamedTuple):
    """What a process does: its state as in proc(5), "" when that is not known, and the s of a core that it has used."""

    state: str
    used: float


UNSEEN = Glance("", 0.0)


def glance(pid: int) -> Glance:
    """A look at a process of ours. Waits for nothing: /proc/PID/stat takes no lock that the process may hold."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return Glance(fields[0], (int(fields[11]) + int(fields[12])) * TICK)
    except (OSError, IndexError, ValueError):  # it has gone, or this system has no such file
        return UNSEEN


class Silence:
    """One silence. waiting: s that it may wait; working: s of a core that it may use; step: s between looks."""

    def __init__(self, waiting: float, working: float, step: float = LOOK) -> None:
        self._waiting, self._working, self._step = waiting, working, step
        self._used: float | None = None
        self._stopped = 0

    @property
    def next(self) -> float:
        """s until the next look is due."""
        return max(TICK, min(self._step, self._waiting, self._working))

    def look(self, passed: float, seen: Glance) -> str | None:
        """Why it is of no more use, a clause; None while it may go on. passed: s that count since the look before."""
        used = 0.0 if self._used is None else min(passed, max(0.0, seen.used - self._used))
        self._used = seen.used
        self._stopped = self._stopped + 1 if seen.state == STOPPED else 0
        if self._stopped >= PROOF:
            return WAS_STOPPED
        self._working -= used
        if seen.state != RUNNING:
            self._waiting -= passed - used
        if self._working <= ALMOST:
            return WAS_BUSY
        return WAS_SILENT if self._waiting <= ALMOST else None

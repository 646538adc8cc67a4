"""When trouble with the disk is told, and when it is over: each once, however often it is tried meanwhile. Pure.

What works once is believed, unless the trouble comes back soon: then it has to work for a while, longer each time.
"""

from __future__ import annotations

import math

from .sql import Trouble

SOON = 60.0  # s after it was over in which trouble is the same again
AT_FIRST, AT_MOST = 5.0, 60.0  # s that it has to work then
SENTENCES = {
    "full": "the disk is full, so that readings wait in memory; make room on it",
    "read_only": "the disk cannot be written, so that readings wait in memory; see whether it is mounted read-only",
    "failed": "the disk fails, so that readings wait in memory; see what the system's log says of it",
    "corrupt": "the spool cannot be read, so that readings wait in memory",
    "taken": "another program uses the spool, so that readings wait in memory; end it, or name another state_dir",
    "stalled": "the disk has stalled, so that readings wait in memory; see what the system's log says of it",
}


class Health:
    """trouble: what is wrong now. Times in s, monotonic."""

    def __init__(self) -> None:
        self.trouble: Trouble | None = None
        self._since = 0.0
        self._over = -math.inf
        self._worked: float | None = None  # since when it has worked again
        self._proof = 0.0  # s that it has to work

    def failed(self, trouble: Trouble, now: float) -> bool:
        """It did not work. Gives whether that is news."""
        news = self.trouble is None
        if news:
            again = now - self._over < SOON
            self._proof = min(AT_MOST, max(AT_FIRST, 2 * self._proof)) if again else 0.0
            self._since = now
        self.trouble, self._worked = trouble, None
        return news

    def worked(self, now: float) -> float | None:
        """Something has come to the disk. Gives the seconds of trouble, when it is over with that."""
        if self.trouble is None:
            return None
        if self._worked is None:
            self._worked = now
        if now - self._worked < self._proof:
            return None
        self.trouble, self._over = None, now
        return now - self._since

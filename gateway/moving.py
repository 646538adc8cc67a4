"""Whether the street moves: the service manager's watchdog is fed only while it does."""

import math
import time
from collections.abc import Callable
from typing import Any

LOOK = 30.0  # s that one look counts for at most: what is more, this process has stood still itself, asleep or stopped
STANDS = 120.0  # s; a batch whose workers die or wait is given to others, with ever more patience, for about 60 s


class Moving:
    """Asked now and then, says whether what came in goes on.

    oldest: when the oldest reading came that is not computed, infinity when all are; on any clock, and the longest
    backlog moves it on. excused: whether it is known, and told, why nothing is computed. event: told once.
    """

    def __init__(self, oldest: Callable[[], float], excused: Callable[[], bool], event: Callable[..., Any]) -> None:
        self._oldest, self._excused, self._event = oldest, excused, event
        self._last, self._looked, self._stood = math.inf, time.monotonic(), 0.0
        self._told = False

    def __call__(self) -> bool:
        """False when the same reading has been the oldest for longer than STANDS."""
        now, oldest = time.monotonic(), self._oldest()
        self._stood += min(now - self._looked, LOOK)
        self._looked = now
        if oldest != self._last or oldest == math.inf or self._excused():
            self._last, self._stood, self._told = oldest, 0.0, False
        stands = self._stood > STANDS
        if stands and not self._told:
            self._event("service.failed", where="street", error=f"readings have not been computed for {STANDS:.0f} s")
            self._told = True
        return not stands

"""Whether the machine's clock has been set: a board without a battery starts in 1970, or at its last shutdown."""

import math
import time
from pathlib import Path

RELEASED = 1_790_000_000.0  # s since 1970; a clock before this version's making is wrong
TIMESYNC = Path("/run/systemd/timesync")  # is there where systemd sets the clock; `synchronized` once it has


def unset(now: float | None = None, timesync: Path = TIMESYNC) -> bool:
    """True while the clock cannot be believed. now: s since 1970, the present when None."""
    if (time.time() if now is None else now) < RELEASED:
        return True
    return timesync.is_dir() and not (timesync / "synchronized").exists()


class Clock:
    """The `clock` of messages. Looked at once a second at most, since each message asks."""

    def __init__(self) -> None:
        self._unset, self._due = False, 0.0
        self._set_at = -math.inf  # s, monotonic; infinity while it has not been set

    def ahead(self, start: float) -> float | None:
        """What times since `start` (s of the monotonic clock) lack to s since 1970; None while it has not been set."""
        return time.time() - time.monotonic() + start if self.word() is None else None

    def unset_until(self, start: float) -> float:
        """When it was found set, s since `start`: infinity while it is not, minus infinity when it always was."""
        self.word()
        return self._set_at - start

    def word(self) -> str | None:
        """What to say: "unsynced", or None when it has been set."""
        if (now := time.monotonic()) >= self._due:
            self._unset, self._due = unset(), now + 1.0
            if self._unset:
                self._set_at = math.inf
            elif self._set_at == math.inf:
                self._set_at = now
        return "unsynced" if self._unset else None

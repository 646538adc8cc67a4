"""Starts that end while the spool is opened: a file that ends them again and again is set aside unread.

Noted in a file of its own, as nothing of such a run is left to tell of it.
"""

import contextlib
import time
from pathlib import Path

from ..boot import boot_id
from .sql import private

NAME = "spool.opening"
MINUTE = 60.0  # s
OFTEN = 2  # starts that ended so; the next one does without what is in the file


class Attempts:
    """Those on the spool in `folder`. What the disk refuses to note is not noted."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def begins(self) -> bool:
        """One begins. Gives whether there were too many of late that did not come to their end."""
        boot, now, before = boot_id(), time.monotonic(), list[float]()
        with contextlib.suppress(OSError, ValueError):
            noted, *times = self._path.read_text()[:1000].split()
            if noted == boot:  # power that comes and goes is no fault of the file
                before = [float(text) for text in times]
        before = [at for at in before if 0 <= now - at < MINUTE]
        with contextlib.suppress(OSError):
            private(self._path)
            self._path.write_text("\n".join([boot, *map(repr, [*before, now])]))
        return len(before) >= OFTEN

    def over(self) -> None:
        """It has come to its end, whatever that is."""
        with contextlib.suppress(OSError):
            self._path.unlink()

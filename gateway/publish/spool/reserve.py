"""A file that only takes room, to be given up when the disk is full: SQLite needs some even to delete."""

import contextlib
import os
from pathlib import Path

from .sql import private


class Reserve:
    """size: bytes."""

    def __init__(self, folder: Path, size: int) -> None:
        self.path, self.size = folder / "spool.reserve", size

    def restore(self) -> None:
        """Sets it aside, where there is room for it."""
        with contextlib.suppress(OSError):  # no room: it is tried again later
            if self.path.exists() and self.path.stat().st_size == self.size:
                return
            private(self.path)
            with self.path.open("r+b") as file:
                file.write(os.urandom(self.size))  # some file systems keep no block for zeros
                file.flush()
                os.fsync(file.fileno())

    def give_up(self) -> bool:
        """Makes its room free; False when there is none left."""
        try:
            self.path.unlink()
        except OSError:
            return False
        return True

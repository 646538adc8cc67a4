"""A file that only takes room, to be given up when the disk is full: SQLite needs some even to delete."""

import contextlib
import os
from pathlib import Path

from .sql import private, room

NAME = "spool.reserve"


class Reserve:
    """size: bytes."""

    def __init__(self, folder: Path, size: int) -> None:
        self.path, self.size = folder / NAME, size

    @property
    def there(self) -> bool:
        """Whether it can be given up."""
        with contextlib.suppress(OSError):
            return self.path.stat().st_size == self.size
        return False

    def restore(self) -> None:
        """Sets it aside, where there is ample room for it."""
        if self.there:
            return
        try:
            if room(self.path.parent) < 4 * self.size:
                return
            private(self.path)
            with self.path.open("r+b") as file:
                file.write(os.urandom(self.size))  # some file systems keep no block for zeros
                file.truncate()
                file.flush()
                os.fsync(file.fileno())
        except OSError:  # what there is of it would only be in the way; it is tried again later
            self.give_up()

    def give_up(self) -> bool:
        """Makes its room free; False when there is none left."""
        try:
            self.path.unlink()
        except OSError:
            return False
        return True

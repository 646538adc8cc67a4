"""Damaged spools that were set aside for who wants to look at them, as long as the living one can spare the room."""

import contextlib
import os
import time
from pathlib import Path

from .reserve import NAME as RESERVE
from .sql import PAGE, private

KEPT = 2  # at most; older ones go
PARTS = ("-wal", "-shm", "")  # of a file of tables, its own last


class Leftovers:
    """Those in `folder`. size: bytes of them all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.size = sum(_size(path) for path in _files(self._folder))

    def drop_oldest(self) -> bool:
        """Makes the room of the oldest one free; False when there is none."""
        for path in _files(self._folder)[:1]:
            _drop(path)
            self.size = sum(_size(path) for path in _files(self._folder))
            return not path.exists()
        return False


def set_aside(file: Path) -> Path:
    """Renames a file of tables, or whatever lies there; gives its new name. Of those from before one stays.

    Raises OSError.

    Where there is but its log, or nothing in the file, an empty page is laid there: SQLite reads then what the log has.
    """
    folder, stamp = file.parent, time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    path = folder / f"spool.{stamp}.damaged.db"
    for at in range(1, 100):
        if not path.exists():
            break
        path = folder / f"spool.{stamp}-{at:02}.damaged.db"
    (folder / RESERVE).unlink(missing_ok=True)  # the next file is a new one
    for part in PARTS:
        with contextlib.suppress(FileNotFoundError):
            file.with_name(file.name + part).rename(f"{path}{part}")
    if not os.path.lexists(path) or (path.is_file() and not path.lstat().st_size):
        private(path)
        os.truncate(path, PAGE)
    others = [one for one in _files(folder) if one != path]
    for old in others[: len(others) + 1 - KEPT]:
        _drop(old)
    return path


def _files(folder: Path) -> list[Path]:
    """The oldest first. A directory that somebody had put in the spool's place is left to them."""
    found = [path for path in folder.glob("spool.*.damaged.db") if path.is_symlink() or not path.is_dir()]
    return sorted(found, key=_made)


def _made(path: Path) -> float:
    return path.lstat().st_ctime


def _size(path: Path) -> int:
    total = 0
    for part in PARTS:
        with contextlib.suppress(OSError):
            total += path.with_name(path.name + part).lstat().st_size
    return total


def _drop(path: Path) -> None:
    for part in PARTS:
        with contextlib.suppress(OSError):
            path.with_name(path.name + part).unlink()

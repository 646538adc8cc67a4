"""The only door to sqlite3: a file of tables, safe from a power cut once `transaction` has returned. Everything blocks.

WAL with synchronous=FULL: with NORMAL a power cut takes the last transactions along. Whatever goes wrong leaves this
file as Trouble, which says of what kind it is.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .nouns import Damaged

FULL, READ_ONLY, CORRUPT, FAILED, STALLED, TAKEN = "full", "read_only", "corrupt", "failed", "stalled", "taken"
KINDS = {
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: READ_ONLY,
    sqlite3.SQLITE_CORRUPT: CORRUPT,
    sqlite3.SQLITE_NOTADB: CORRUPT,
    sqlite3.SQLITE_BUSY: TAKEN,
}
ERRNOS = {
    errno.ENOSPC: FULL, errno.EDQUOT: FULL, errno.EROFS: READ_ONLY, errno.EACCES: READ_ONLY, errno.EPERM: READ_ONLY,
    errno.EAGAIN: TAKEN,  # the lock of state_dir
    errno.EISDIR: CORRUPT, errno.ELOOP: CORRUPT, errno.ENXIO: CORRUPT,  # a folder, a link, a socket in the file's place
}  # fmt: skip
PAGE = 1024  # bytes; small ones waste little on small blocks, and wear a card less
SETTINGS = (
    f"page_size={PAGE}", "locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=0",
    "temp_store=MEMORY", "secure_delete=OFF", "cache_size=-1024", "trusted_schema=OFF",
)  # fmt: skip

SHORT = sqlite3.SQLITE_IOERR_SHORT_READ  # the file ends where something has to be
LOG_BEGINS = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83", bytes(4))  # zeros: begun, and the power was cut


class Trouble(Exception):
    """The disk does not do what it shall. kind: full | read_only | corrupt | failed | stalled | taken.

    unread: it did not give what is on it.
    """

    def __init__(self, kind: str, text: str, *, unread: bool = False) -> None:
        super().__init__(text)
        self.kind, self.unread = kind, unread


class File:
    """An open file of tables. Raises Trouble, from each method."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log = path.with_name(path.name + "-wal")
        self._held_until, self._most = 0.0, 0
        with told(path):
            for suffix in ("-wal", "-shm", "-journal"):  # SQLite would follow a link that somebody has put there
                if (beside := path.with_name(path.name + suffix)).is_symlink():
                    beside.unlink()
            private(path)
            self._seen = {path: _look(path)}
            self._db = sqlite3.connect(path, isolation_level=None, timeout=0.0, check_same_thread=False)

    @property
    def gone(self) -> Path | None:
        """The file, or its log, that was deleted, cut short, or in the place of which another lies. What is open has
        all of it still, but for what was cut off and is not in SQLite's cache.
        """
        with told(self.path):
            return next((path for path, seen in self._seen.items() if _gone(_look(path), seen)), None)

    @property
    def cut(self) -> bool:
        """Whether one of them lies in its place still, cut short."""
        with told(self.path):
            return any(_gone(now := _look(path), seen) and _same(now, seen) for path, seen in self._seen.items())

    def settle(self) -> None:
        """Sets it up for writing, by this process alone."""
        for text in SETTINGS:
            self.rows(f"PRAGMA {text}")
        self.number("PRAGMA user_version")  # with the first look into it there is a log, which stays the same file
        with told(self.path):
            self._seen |= {path: _look(path) for path in (self.path, self._log)}

    def _grown(self, *, shrunk: bool = False) -> None:
        """We have written to them, so that they are longer now, or when `shrunk` perhaps shorter."""
        with contextlib.suppress(OSError):  # then the next look tells
            for path, seen in self._seen.items():
                if (now := _look(path)) and _same(now, seen) and (shrunk or not _gone(now, seen)):
                    self._seen[path] = now

    def hold(self, seconds: float, most: int) -> None:
        """The file itself stays as it is for so long, while its log has no more than `most` bytes: what lies there and
        in the log may be copied by another process. Not by this one: to close a second descriptor ends SQLite's locks.
        """
        self._held_until, self._most = time.monotonic() + seconds, most

    @property
    def held(self) -> bool:
        """Whether it has stayed so until now."""
        return time.monotonic() < self._held_until

    def empty_log(self, *, at_once: bool = False) -> None:
        """Brings what lies in the log into the file itself, unless that is held; at_once: then too."""
        if self.held and not at_once and (found := _look(self._log)) is not None and found[2] <= self._most:
            return
        self._held_until = 0.0
        try:
            self.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._grown(shrunk=True)

    def rows(self, text: str, *values: object) -> list[tuple[Any, ...]]:
        """What a statement gives."""
        with told(self.path):
            return self._db.execute(text, values).fetchall()

    def row(self, text: str, *values: object) -> tuple[Any, ...] | None:
        """The first of what a statement gives."""
        return next(iter(self.rows(text, *values)), None)

    def number(self, text: str, *values: object) -> int:
        """The number that a statement gives; 0 where that is NULL, or nothing."""
        return (self.row(text, *values) or (0,))[0] or 0

    def do(self, text: str, *values: object) -> int:
        """How many rows a statement has changed."""
        with told(self.path):
            return self._db.execute(text, values).rowcount

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is done within, or nothing of it; on the disk at its end."""
        self.rows("BEGIN IMMEDIATE")
        try:
            yield
            self.rows("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # the first error is the one to tell
                self._db.execute("ROLLBACK")
            raise
        self._grown()

    def bring_back(self) -> bool:
        """Writes all of it to a new file where it was: the whole of it or nothing, after a power cut too. Where its log
        alone has gone no file is new: all that lay in the log comes into the file that is there. Gives whether what is
        there now is sound: of a file that was cut short something may be missing.

        The log that it has left there SQLite deletes, as it does beside any empty file.
        """
        if self.gone != self.path:
            self.empty_log(at_once=True)
            return True
        with told(self.path):
            private(self.path)
            try:
                with contextlib.closing(sqlite3.connect(self.path, timeout=0.0)) as copy:
                    self._db.backup(copy)
                    return _sound(copy)
            except BaseException:
                self.path.unlink()
                raise

    def close(self) -> None:
        """Gives the file back, whatever state it is in."""
        with contextlib.suppress(sqlite3.Error):
            self._db.close()


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Turns the library's and the system's errors into Trouble."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None) or 0
        usual = FAILED if isinstance(error, sqlite3.OperationalError) and code != SHORT else CORRUPT
        unread = code == sqlite3.SQLITE_IOERR_READ
        raise Trouble(KINDS.get(code & 0xFF, usual), f"{path}: {error}", unread=unread) from error
    except (Damaged, KeyError, OverflowError) as error:
        raise Trouble(CORRUPT, f"{path}: {error}") from error
    except OSError as error:
        raise Trouble(ERRNOS.get(error.errno or 0, FAILED), f"{path}: {error.strerror or error}") from error


@contextlib.contextmanager
def unless_full() -> Iterator[None]:
    """For what can wait until the disk has room."""
    try:
        yield
    except Trouble as trouble:
        if trouble.kind != FULL:
            raise


def private(path: Path) -> None:
    """Makes the file where there is none, for this user alone; follows no link that somebody has put there, and takes
    nothing else for a file. Raises OSError.
    """
    place = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(place).st_mode):
            raise OSError(errno.EISDIR, "no file")
    finally:
        os.close(place)


def _look(path: Path) -> tuple[int, int, int] | None:
    """Device, inode and bytes of what lies at `path`; None when nothing does. Raises OSError."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino, found.st_size


def _same(now: tuple[int, ...] | None, seen: tuple[int, ...] | None) -> bool:
    """Whether it is the same file, whatever its size."""
    return now is not None and seen is not None and now[:2] == seen[:2]


def _gone(now: tuple[int, ...] | None, seen: tuple[int, ...] | None) -> bool:
    """Whether what lies there is not what was `seen`, or less of it."""
    if now is None or seen is None:
        return now is not seen
    return now[:2] != seen[:2] or now[2] < seen[2]


def _sound(copy: sqlite3.Connection) -> bool:
    try:
        return bool(copy.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False


def log_spoilt(path: Path) -> bool:
    """Whether the log beside the file at `path` has lost that, all that lay in it, or its own beginning: SQLite would
    pass it over in silence, or delete it.
    """
    beside = path.with_name(path.name + "-wal")
    with contextlib.suppress(OSError), beside.open("rb") as log:
        begins = log.read(4)
        alone = not path.exists() or bool(begins and not path.stat().st_size)
        return not beside.is_symlink() and (alone or (begins or bytes(4)) not in LOG_BEGINS)
    return False


def room(folder: Path) -> int:
    """Bytes that the disk of `folder` has left for us. Raises OSError."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize

"""Makes a backup: of a gateway that runs, with its help, or of one that does not."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from .. import __version__
from ..remembered import FILES
from ..state import LOCK, Lock
from .archive import BackupError, Contents, Writer
from .belonging import LARGEST, belonging

SPOOL = ("spool.db", "spool.db-wal")


@dataclass(frozen=True, slots=True)
class Source:
    """A gateway. config: its file, and `data` the tables in it; state: its directory.

    copied: is called when the spool is copied. Raises BackupError when that does not hold together.
    """

    config: Path
    data: Mapping[str, Any]
    state: Path
    copied: Callable[[], None] = lambda: None


def make(source: Source, to: Path, gateway: str, made: str, *, secrets: bool) -> Contents:
    """Writes the backup to the new file `to`, for this user alone. Raises BackupError, and leaves no file then."""
    try:
        place = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise BackupError(f"{to} is there already; give another name") from None
    except OSError as error:
        raise BackupError(f"{to} cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(place, "wb") as file:
            contents = _filled(Writer(file), source, gateway, made, secrets=secrets)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        to.unlink()
        raise BackupError(f"{error.filename or to} cannot be copied: {error.strerror or error}") from None
    except BaseException:
        to.unlink()
        raise
    return contents


def _filled(writer: Writer, source: Source, gateway: str, made: str, *, secrets: bool) -> Contents:
    for name in SPOOL:
        _put(writer, "spool", name, source.state / name, follow=False)
    source.copied()
    _put(writer, "configuration", source.config.name, source.config, needed=True, most=LARGEST)
    files, left_out = belonging(source.data, source.config.parent, secrets=secrets)
    for one in files:
        _put(writer, one.role, one.name, one.path, needed=bool(one.key), most=LARGEST)
    for name in FILES:
        _put(writer, "state", name, source.state / name, most=LARGEST, follow=False)
    contents = Contents(gateway, __version__, made, secrets, tuple(left_out), tuple(writer.files))
    writer.finish(contents)
    return contents


def _put(
    writer: Writer, role: str, name: str, path: Path, *,
    needed: bool = False, most: int | None = None, follow: bool = True,
) -> None:  # fmt: skip
    """One file, if it is there; needed: it has to be. most: bytes. follow: links as well, which no file of the state
    is: there the gateway's user could lead root to any file.
    """
    try:
        with _opened(path, 0 if follow else os.O_NOFOLLOW) as (file, size):
            if most is not None and size > most:
                raise BackupError(f"{path} has more than {most // 1000} kB: that is none of a gateway's files")
            writer.add(role, name, file, size)
    except FileNotFoundError:
        if needed:
            raise BackupError(f"there is no file {path}; see the configuration") from None
    except PermissionError:
        raise BackupError(f"{path} may not be read by this user; run `sudo gateway backup`") from None


@contextlib.contextmanager
def _opened(path: Path, flags: int) -> Iterator[tuple[BinaryIO, int]]:
    """A plain file and its bytes."""
    place = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    with os.fdopen(place, "rb") as file:
        found = os.fstat(place)
        if not stat.S_ISREG(found.st_mode):
            raise BackupError(f"{path} is no file")
        yield file, found.st_size


@contextlib.contextmanager
def unused(state: Path) -> Iterator[Callable[[], None]]:
    """No gateway starts with `state` meanwhile; where none has ever run, from when what this gives is called, with the
    directory there. Both raise BackupError where one runs, or that cannot be seen.
    """
    lock = Lock(state)

    def keep_out() -> None:
        with _refused(state):
            with contextlib.suppress(FileExistsError):
                _lay_lock(state)
            lock.again()

    try:
        with _refused(state), contextlib.suppress(FileNotFoundError):  # none has ever run with it
            lock.again()
        yield keep_out
    finally:
        lock.let_go()


@contextlib.contextmanager
def _refused(state: Path) -> Iterator[None]:
    try:
        yield
    except BlockingIOError as error:
        raise BackupError(f"{state} is {error.strerror}: stop that first (`sudo systemctl stop gateway`)") from None
    except PermissionError:
        raise BackupError(f"{state} may not be read by this user; run `sudo gateway …`") from None
    except OSError as error:
        raise BackupError(f"{state} cannot be used: {(error.strerror or str(error)).lower()}") from None


def _lay_lock(state: Path) -> None:
    """Makes the lock of a state, which is its owner's to take. Raises OSError."""
    place = os.open(state / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if os.geteuid() == 0:
            like = state.stat()
            os.fchown(place, like.st_uid, like.st_gid)
    finally:
        os.close(place)

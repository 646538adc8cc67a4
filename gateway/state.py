"""The directory that outlasts a run: whose it is, and that one gateway alone uses it."""

import contextlib
import fcntl
import os
import pwd
import shlex
from pathlib import Path

LOCK = "lock"


class NoState(Exception):
    """The directory cannot be used: one sentence that says why, and what to do."""


def default() -> Path:
    """Where the service manager wants it, else in the user's home."""
    given = os.environ.get("STATE_DIRECTORY")
    return Path(given.split(":")[0]) if given else Path("~/.local/state/gateway").expanduser()


def no_place(folder: Path) -> list[str]:
    """What is to be said where `folder` can be no directory, since something else lies there or above; a sentence, or
    none. A look alone.
    """
    lowest = next((place for place in (folder, *folder.parents) if os.path.lexists(place)), folder)
    return [] if os.path.isdir(lowest) else [_sentence(folder, NotADirectoryError())]


class Lock:
    """What keeps other gateways out of `folder`, until it is let go or the process ends.

    It is let go while the disk is in trouble, which cannot be unmounted for a repair as long as a file on it is open.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: int | None = None  # its descriptor
        self._deleted = False  # whether somebody had deleted it when it was let go

    def claim(self) -> None:
        """Makes the folder where it is missing, for this user alone, and takes the lock. Raises NoState."""
        folder = self._folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._take(os.O_CREAT)
        except BlockingIOError as error:
            raise NoState(
                f"state_dir: {folder} is {error.strerror}: stop it, or give this one a state_dir of its own"
            ) from error
        except OSError as error:
            raise NoState(_sentence(folder, error)) from error
        if folder.stat().st_mode & 0o077 and folder.stat().st_uid == os.geteuid():
            folder.chmod(0o700)

    def again(self) -> None:
        """Takes it again if it was let go; makes it anew where it was deleted, alone or with its folder, while it is
        held, which would keep nobody out. Raises OSError.

        Where it was let go and no longer lies there is another disk, or none while that is repaired: nothing shall be
        written there.
        """
        if (held := self._held) is not None:
            if not self._in_place(held):
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._take(os.O_CREAT)
                os.close(held)
            return
        try:
            self._take(os.O_CREAT if self._deleted else 0)
        except FileNotFoundError as error:
            why = "the disk that was there is not mounted; mount it, or restart the gateway to use another"
            raise FileNotFoundError(error.errno, why) from None

    def _in_place(self, lock: int) -> bool:
        try:
            return os.path.samestat(os.fstat(lock), (self._folder / LOCK).lstat())
        except FileNotFoundError:
            return False

    def _take(self, flags: int) -> None:
        lock = os.open(self._folder / LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | flags, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(lock, 20, 0).decode(errors="replace").strip()
            os.close(lock)
            raise BlockingIOError(error.errno, f"in use by another gateway (pid {holder or 'unknown'})") from None
        with contextlib.suppress(OSError):  # a full disk: it is locked all the same
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
        self._held = lock

    def let_go(self) -> None:
        """Others may have it."""
        if self._held is not None:
            self._deleted = not os.fstat(self._held).st_nlink
            os.close(self._held)
            self._held = None


def _sentence(folder: Path, error: OSError) -> str:
    user, place = _user(), shlex.quote(str(folder))
    if isinstance(error, PermissionError):
        return f"state_dir: {folder} is not {user}'s to write: run `sudo install -d -m 700 -o {user} {place}`"
    if isinstance(error, FileExistsError | NotADirectoryError):
        return f"state_dir: {folder} is no directory: name another with gateway.state_dir"
    why = (error.strerror or str(error)).lower()
    return f"state_dir: {folder} cannot be used ({why}): name another with gateway.state_dir"


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())

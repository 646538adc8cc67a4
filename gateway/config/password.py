"""The file that holds the broker's password: what it must be, and how it is read."""

import asyncio
import stat
from collections.abc import Collection
from functools import partial
from pathlib import Path

from ..threads import in_thread
from ..tls import handed
from .words import path_of

LONGEST = 65_535  # bytes; MQTT takes no longer password
PATIENCE = 5.0  # s for the file; on a file system that hangs it would be for ever
MOST = 4  # threads that may wait for it before another one is rare


def problems(path: Path, what: str = "password") -> list[str]:
    """Why the file will not do, a clause each; what is in it is never repeated."""
    name = path_of(path)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            return [f"{name} is not a file; put the {what} alone into a file"]
        if mode & stat.S_IWOTH:
            return [f"{name} can be written by everyone; `chmod 600` it, and change the {what}"]
        read(path)
    except FileNotFoundError:
        return [handed(path) or f"there is no file {name}; put the {what} alone into it, with mode 0600"]
    except PermissionError:
        return [f"{name} may not be read by this user; `chown` it to the user that runs the gateway"]
    except (OSError, ValueError) as error:
        return [f"{name} cannot be used: {error.strerror if isinstance(error, OSError) else error}; give another"]
    return []


def warnings(path: Path) -> list[str]:
    """What is unwise about a file that will do."""
    open_to_all = path.exists() and path.stat().st_mode & stat.S_IROTH
    return [f"{path_of(path)} can be read by everyone; `chmod 600` it"] if open_to_all else []


def read(path: Path) -> str:
    """The password: the file's text, without the line end behind it. Raises OSError, ValueError."""
    with open(path, "rb") as file:
        data = file.read(LONGEST + 3)
    try:
        text = data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    if not text or len(text.encode()) > LONGEST:
        raise ValueError("it is empty" if not text else "it is too long for a password")
    return text


class Password:
    """The password as it is when it is asked for, since it may have been changed. file: None where there is none."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self._readings: dict[asyncio.Future[str], float] = {}  # under way, and when they began; oldest first

    async def read(self) -> str | None:
        """What the file holds, read in a thread.

        Raises ValueError, with a sentence, when it is of no use or takes too long. A reading that hangs goes on, since
        what it waits for may come; the first that ends is believed, of several the last begun.
        """
        if self.file is None:
            return None
        now = asyncio.get_running_loop().time()
        if due(self._readings.values(), now):
            reading: asyncio.Future[str] = asyncio.ensure_future(in_thread(partial(read, self.file), "password"))
            self._readings[reading] = now
            reading.add_done_callback(self._over)
        name, readings = path_of(self.file), list(self._readings)
        await asyncio.wait(readings, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if not (over := [reading for reading in readings if reading.done()]):
            raise ValueError(f"{name} was not read within {PATIENCE:g} s; see what its file system waits for")
        try:
            return over[-1].result()
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise ValueError(f"{name} cannot be used: {why}") from None

    def _over(self, reading: asyncio.Future[str]) -> None:
        del self._readings[reading]
        if not reading.cancelled():
            reading.exception()  # whoever asked may have given up


def due(began: Collection[float], now: float) -> bool:
    """Whether the file is to be read once more, while readings that began then (s, in order) still hang.

    Another file may lie in its place, which only a new reading finds. Beyond MOST there is one whenever the oldest has
    hung twice as long as when the newest began: a dozen more in a day.
    """
    if len(began) < MOST:
        return True
    first, *_, last = began
    return now - first >= 2 * (last - first)

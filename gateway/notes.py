"""Small files that the next run reads: each is the old text or the new one, whenever the power goes.

One is written at a time, and of several texts for a file the last counts, whoever asked for it and has gone meanwhile.
What the disk does not take is kept and tried again.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from .threads import NONE_LEFT, tried

AGAIN = 5.0  # s after which what was not taken is tried again


class Notes:
    """folder: where they lie. tell: gets the sentence of what is wrong, None when nothing is. event: for the log."""

    def __init__(self, folder: Path, tell: Callable[[str | None], None], event: Callable[..., Any]) -> None:
        self.folder = folder
        self._tell, self._event = tell, event
        self._due: dict[str, str] = {}  # by file, what is to stand there and does not
        self._news = asyncio.Event()
        self._waiting: list[asyncio.Future[None]] = []
        self._lost: float | None = None  # since when something was not taken; s, monotonic

    async def write(self, name: str, text: str) -> None:
        """Has `text` stand in the file `name`; returns when that was tried."""
        self._due[name] = text
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        self._news.set()
        await done

    async def run(self) -> None:
        """Writes for ever."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AGAIN if self._due else None):
                    await self._news.wait()
            self._news.clear()
            waiting, self._waiting = self._waiting, []
            await self._write_all()
            for one in waiting:
                if not one.done():
                    one.set_result(None)

    async def _write_all(self) -> None:
        failed, why = "", ""
        for name, text in [*self._due.items()]:
            found = await tried(partial(_tried, self.folder / name, text), "notes", NONE_LEFT)
            if found:
                failed, why = name, found
            elif self._due[name] is text:
                del self._due[name]
        if failed:
            self._tell(f"what the next start has to know is not written to {self.folder / failed}: {why}")
        if failed and self._lost is None:
            self._lost = time.monotonic()
            self._event("notes.failed", file=failed, why=why)
        elif not failed and self._lost is not None:
            self._event("notes.recovered", after_s=round(time.monotonic() - self._lost, 1))
            self._lost = None
            self._tell(None)


def _tried(path: Path, text: str) -> str:
    """Why it cannot be written, "" where it is."""
    try:
        write(path, text)
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return ""


def write(path: Path, text: str) -> None:
    """Has `text` stand in a file, for this user alone. Blocks. Raises OSError: then the old text stands there."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)  # half of one that a power cut left, or somebody's link
    place = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(place, "w", encoding="utf-8", errors="surrogatepass") as file:  # as json reads it again
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)  # until then the new name may be gone with the power, and the old text with it
    finally:
        os.close(folder)

"""The rates that boards with `baud = "auto"` were found to have, kept for the next start, which tries them first."""

import asyncio
import contextlib
import json
import os
from collections.abc import Coroutine, Mapping
from pathlib import Path

from .threads import tried

FILE = "rates"  # in state_dir
LARGEST = 1_000_000  # bytes
LEAST, MOST = 50, 12_000_000  # baud


def rates(folder: Path) -> dict[str, int]:
    """Baud by the board's name; nothing where nothing is known, or the file is not as this module writes it."""
    try:
        with open(folder / FILE, "rb") as file:
            found = json.loads(file.read(LARGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: baud for name, baud in found.items() if type(baud) is int and LEAST <= baud <= MOST}


def kept(folder: Path, known: dict[str, int], changed: asyncio.Event) -> Coroutine[None, None, None]:
    """Puts what was kept into `known`; what it gives writes that, when `changed` is set, for ever."""
    known.update(rates(folder))
    return _keep(folder, known, changed)


async def _keep(folder: Path, known: Mapping[str, int], changed: asyncio.Event) -> None:
    while True:
        await changed.wait()
        changed.clear()
        text = json.dumps(dict(known))
        await tried(lambda text=text: _write(folder, text), "rates", None)  # type: ignore[misc]


def _write(folder: Path, text: str) -> None:
    """All or nothing; on a full disk nothing, and the next start looks for the rates again."""
    fresh = folder / f"{FILE}.new"
    with contextlib.suppress(OSError):
        place = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(place, "w") as file:
            file.write(text)
        fresh.replace(folder / FILE)

"""What one run leaves for the next in small files: the gateway's name, and the rates of boards with `baud = "auto"`."""

import asyncio
import contextlib
import json
import os
from collections.abc import Coroutine, Mapping
from pathlib import Path

from .shown import shown
from .threads import tried

NAME = "name"  # in state_dir: of the gateway that ran last, the first levels of its topics
RATES = "rates"  # in state_dir
LARGEST = 1_000_000  # bytes
FILES = (NAME, RATES)  # all of them
LEAST, MOST = 50, 12_000_000  # baud


def renamed(folder: Path, base: str) -> list[str]:
    """What is to be said when the gateway that ran last with `folder` had another name; a sentence, or none.

    base: the first levels of all topics now, "<prefix>/<id>".
    """
    before = _name(folder)
    if before in (None, base):
        return []
    return [
        f"gateway.id, mqtt.prefix: the last start was as {shown(before, 200)}; readings of before that still lie in "
        f"the spool go out as {base}, where subscribers know them by their `run`"
    ]


def rates(folder: Path) -> dict[str, int]:
    """Baud by the board's name; nothing where nothing is known, or the file is not as this module writes it."""
    try:
        with open(folder / RATES, "rb") as file:
            found = json.loads(file.read(LARGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: baud for name, baud in found.items() if type(baud) is int and LEAST <= baud <= MOST}


def kept(folder: Path, base: str, known: dict[str, int], changed: asyncio.Event) -> Coroutine[None, None, None]:
    """Puts the rates that were kept into `known`; what it gives writes the name, and those whenever `changed` is set.

    base: as `renamed` takes it.
    """
    known.update(rates(folder))
    return _keep(folder, base, known, changed)


async def _keep(folder: Path, base: str, known: Mapping[str, int], changed: asyncio.Event) -> None:
    await tried(lambda: remember(folder, base), "name", None)
    while True:
        await changed.wait()
        changed.clear()
        text = json.dumps(dict(known))
        await tried(lambda text=text: _write(folder / RATES, text), "rates", None)  # type: ignore[misc]


def remember(folder: Path, base: str) -> None:
    """Has the next start know by which name this one goes. Blocks."""
    if _name(folder) != base:
        _write(folder / NAME, base)


def _name(folder: Path) -> str | None:
    """What is noted; None where nothing is, or what stands there is no name: a power cut may leave anything."""
    try:
        with open(folder / NAME, "rb") as file:
            text = file.read(1000).decode()
    except (OSError, ValueError):
        return None
    return text if text.isprintable() and "/" in text else None


def _write(path: Path, text: str) -> None:
    """The old text or the new one, whenever the power goes; on a full disk the old one. Nothing is said of that: the
    next start does without.
    """
    fresh = path.with_name(f"{path.name}.new")
    with contextlib.suppress(OSError):
        place = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(place, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except OSError:
            fresh.unlink()
            raise
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)  # until then the new name may be gone with the power, and the old text with it
        finally:
            os.close(folder)

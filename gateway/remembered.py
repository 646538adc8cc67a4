"""What one run leaves for the next in small files: the gateway's name, the rates of boards with `baud = "auto"`, the
ports that are lent, what Home Assistant was told, and what is retained at the broker.
"""

import asyncio
import contextlib
import json
import os
from collections.abc import Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from .shown import shown
from .threads import tried

NAME = "name"  # in state_dir: of the gateway that ran last, the first levels of its topics
RATES = "rates"  # in state_dir
LENT = "lent"  # in state_dir
RETAINED = "retained"  # in state_dir
ANNOUNCED = "announced"  # in state_dir
FILES = (NAME, RATES, ANNOUNCED)  # those that go to another card
LARGEST = 1_000_000  # bytes
MOST_RETAINED = 8_000_000  # bytes: of 64 boards with 256 sensors each, whatever they are called
MOST_ANNOUNCED = 8_000_000  # bytes: of 2,000 sensors with 32 features each
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
    if not isinstance(found := _read(folder / RATES), dict):
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


class Loans(Protocol):
    """The ports that are lent."""

    changed: asyncio.Event

    def told(self) -> list[tuple[list[str], float]]:
        """The paths of each, and until when; s since 1970."""
        ...

    def remember(self, told: Iterable[tuple[list[str], float]]) -> None:
        """Those of the run before."""
        ...


def lent(folder: Path, loans: Loans) -> Coroutine[None, None, None]:
    """Puts the loans that were kept into `loans`; what it gives writes them whenever they change."""
    found = _read(folder / LENT)
    loans.remember(filter(_is_loan, found if isinstance(found, list) else ()))
    return _keep_lent(folder, loans)


def _is_loan(one: Any) -> bool:
    return (
        isinstance(one, list)
        and len(one) == 2
        and isinstance(one[0], list)
        and all(isinstance(path, str) and "\0" not in path and path.isprintable() for path in one[0])
        and type(one[1]) is float
    )


async def _keep_lent(folder: Path, loans: Loans) -> None:
    while True:
        await loans.changed.wait()
        loans.changed.clear()
        text = json.dumps(loans.told())
        await tried(lambda text=text: _write(folder / LENT, text), "loans", None)  # type: ignore[misc]


def announced(folder: Path) -> Any:
    """What `keep_announced` has kept, as JSON, whatever it is by now; None where there is none."""
    return _read(folder / ANNOUNCED, MOST_ANNOUNCED)


def keep_announced(folder: Path, text: str) -> None:
    """Has the next run know it. Blocks."""
    _write(folder / ANNOUNCED, text)


def retained(folder: Path) -> Any:
    """What the run before has noted of what is retained at the broker; None where nothing is."""
    return _read(folder / RETAINED, MOST_RETAINED)


def keep_retained(folder: Path, text: str) -> None:
    """Has the next start know it. Blocks."""
    _write(folder / RETAINED, text)


def _read(path: Path, most: int = LARGEST) -> Any:
    """The JSON in a file; None where there is none, or it is none."""
    try:
        with open(path, "rb") as file:
            return json.loads(file.read(most))
    except (OSError, ValueError, RecursionError):
        return None


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

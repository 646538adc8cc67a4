"""What one run leaves for the next in small files: the gateway's name, the rates of boards with `baud = "auto"`, the
ports that are lent, what Home Assistant was told, and what is retained at the broker.
"""

import asyncio
import json
from collections.abc import Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from .notes import Notes
from .shown import shown

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


def kept(notes: Notes, base: str, known: dict[str, int], changed: asyncio.Event) -> Coroutine[None, None, None]:
    """Puts the rates that were kept into `known`; what it gives writes the name, and those whenever `changed` is set.

    base: as `renamed` takes it.
    """
    known.update(rates(notes.folder))
    return _keep(notes, base, known, changed)


async def _keep(notes: Notes, base: str, known: Mapping[str, int], changed: asyncio.Event) -> None:
    if _name(notes.folder) != base:  # a start costs a card nothing
        await notes.write(NAME, base)
    while True:
        await changed.wait()
        changed.clear()
        await notes.write(RATES, json.dumps(dict(known)))


class Loans(Protocol):
    """The ports that are lent."""

    changed: asyncio.Event

    def told(self) -> list[tuple[list[str], float]]:
        """The paths of each, and until when; s since 1970."""
        ...

    def remember(self, told: Iterable[tuple[list[str], float]]) -> None:
        """Those of the run before."""
        ...


def lent(notes: Notes, loans: Loans) -> Coroutine[None, None, None]:
    """Puts the loans that were kept into `loans`; what it gives writes them whenever they change."""
    found = _read(notes.folder / LENT)
    loans.remember(filter(_is_loan, found if isinstance(found, list) else ()))
    return _keep_lent(notes, loans)


def _is_loan(one: Any) -> bool:
    return (
        isinstance(one, list)
        and len(one) == 2
        and isinstance(one[0], list)
        and all(isinstance(path, str) and "\0" not in path and path.isprintable() for path in one[0])
        and type(one[1]) is float
    )


async def _keep_lent(notes: Notes, loans: Loans) -> None:
    while True:
        await loans.changed.wait()
        loans.changed.clear()
        await notes.write(LENT, json.dumps(loans.told()))


def announced(folder: Path) -> Any:
    """What stands in ANNOUNCED, as JSON, whatever it is by now; None where there is none."""
    return _read(folder / ANNOUNCED, MOST_ANNOUNCED)


def retained(folder: Path) -> Any:
    """What the run before has noted of what is retained at the broker; None where nothing is."""
    return _read(folder / RETAINED, MOST_RETAINED)


def _read(path: Path, most: int = LARGEST) -> Any:
    """The JSON in a file; None where there is none, or it is none."""
    try:
        with open(path, "rb") as file:
            return json.loads(file.read(most))
    except (OSError, ValueError, RecursionError):
        return None


def _name(folder: Path) -> str | None:
    """What is noted; None where nothing is, or what stands there is no name: a power cut may leave anything."""
    try:
        with open(folder / NAME, "rb") as file:
            text = file.read(1000).decode()
    except (OSError, ValueError):
        return None
    return text if text.isprintable() and "/" in text else None

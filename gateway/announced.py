"""Which boards and sensors Home Assistant is told of: what of the configuration and of ingest the announcing asks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import __version__, remembered
from .config import Config
from .ingest.boards import Boards
from .ingest.quantities import quantity
from .notes import Notes
from .publish.home.announcing import Announcing, Broker, Street
from .publish.home.known import known
from .publish.publisher import Publisher


def announcing(
    config: Callable[[], Config],
    boards: Boards,
    publisher: Publisher,
    notes: Notes,
    event: Callable[..., Any],
    alarmed: Callable[[str, str], bool],
) -> Announcing:
    """What announces the boards. config: as it counts now; notes: where what was announced is remembered.

    alarmed: of (board, sensor), whether an alarm watches it.
    """

    def may_come(board: str) -> bool:
        tables = [table.name for table in config().boards if table.port.path == "auto"]
        return any(not name or board.startswith(f"{name}-") for name in tables)

    def kind(board: str) -> str:
        preset = config().presets.get(board)
        return preset.name if preset is not None else ""

    async def store(text: str) -> None:
        await notes.write(remembered.ANNOUNCED, text)

    made = Announcing(
        publisher.naming,
        __version__,
        Street(
            prefix=lambda: config().mqtt.discovery,
            boards=lambda: boards.readers,
            may_come=may_come,
            kind=kind,
            quantity=quantity,
            hardware=lambda board, sensor: boards.sensors(board).hardware(sensor),
            alarmed=alarmed,
        ),
        Broker(
            put=lambda topic, payload: publisher.document(topic, payload, behind=True),
            listen=publisher.listen,
            largest=publisher.largest,
        ),
        store=store,
        event=event,
    )
    publisher.watched(made.seen, made.taken)
    return made


def remember(made: Announcing, folder: Path) -> None:
    """Takes in what the run before has left in `folder`."""
    made.remember(known(remembered.announced(folder)))

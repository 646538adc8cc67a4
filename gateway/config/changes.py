"""What is different in a configuration that was read again: what can be taken over at once, and what waits. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Board
from .checked import Config

AT_ONCE = {"path", "boards", "tags", "features", "of_boards", "of_sensors", "max_window"}
"""Fields of a Config that a running gateway takes over; the others are read when it starts."""
KEYS = {
    "id": "gateway.id", "mqtt": "mqtt", "workers": "compute.workers", "linger": "compute.linger",
    "state_dir": "gateway.state_dir", "at_risk": "spool.at_risk", "spool_bytes": "spool.max_bytes",
    "spool_age": "spool.max_age",
}  # fmt: skip
"""How the file calls them."""


@dataclass(frozen=True, slots=True)
class Changes:
    """gone: boards that are not read any more; opened: those that are read from now on, or with other settings.

    later: keys that the file has changed and that count after a restart.
    """

    gone: tuple[str, ...]
    opened: tuple[Board, ...]
    later: tuple[str, ...]


def changes(before: Config, now: Config) -> Changes:
    """What `now` changes."""
    old = {board.name: board for board in before.boards if board.port.path != "auto"}
    new = {board.name: board for board in now.boards if board.port.path != "auto"}
    found = [{board for board in one.boards if board.port.path == "auto"} for one in (before, now)]
    fields = [name for name in KEYS if name not in AT_ONCE and getattr(before, name) != getattr(now, name)]
    later = [KEYS[name] for name in fields] + (['boards with port = "auto"'] if found[0] != found[1] else [])
    return Changes(
        tuple(name for name in old if new.get(name) != old[name]),
        tuple(board for name, board in new.items() if old.get(name) != board),
        tuple(later),
    )

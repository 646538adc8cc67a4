"""What is different in a configuration that was read again: what can be taken over at once, and what waits. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Board
from .checked import Config

KEYS = {
    "id": "gateway.id", "mqtt": "mqtt", "workers": "compute.workers", "linger": "compute.linger",
    "state_dir": "gateway.state_dir", "at_risk": "spool.at_risk", "spool_bytes": "spool.max_bytes",
    "spool_age": "spool.max_age", "custom": "features.custom", "deadline": "features.deadline",
    "memory": "compute.memory",
}  # fmt: skip
"""Fields of a Config that are read when the gateway starts, as the file calls them; the others can change at once."""


@dataclass(frozen=True, slots=True)
class Changes:
    """gone: boards that are closed; opened: those that are read from now on; one with other settings is in both.

    kept: fields of the Config that stay as they were; later: the keys of those which the file has changed, and which
    count after a restart.
    """

    gone: tuple[str, ...]
    opened: tuple[Board, ...]
    kept: tuple[str, ...]
    later: tuple[str, ...]


def changes(before: Config, now: Config) -> Changes:
    """What `now` changes."""
    old = {board.name: board for board in before.boards if board.port.path != "auto"}
    new = {board.name: board for board in now.boards if board.port.path != "auto"}
    found = [{board for board in one.boards if board.port.path == "auto"} for one in (before, now)]
    fields = [name for name in KEYS if getattr(before, name) != getattr(now, name)]
    later = [KEYS[name] for name in fields] + (['boards with port = "auto"'] if found[0] != found[1] else [])
    return Changes(
        gone=tuple(name for name in old if new.get(name) != old[name]),
        opened=tuple(board for name, board in new.items() if old.get(name) != board),
        kept=tuple(KEYS),
        later=tuple(later),
    )

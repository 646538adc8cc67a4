"""What is different in a configuration that was read again: what can be taken over at once, and what waits. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..model import Board
from .checked import Config, Mqtt

KEYS = {
    "id": "gateway.id", "workers": "compute.workers", "linger": "compute.linger",
    "state_dir": "gateway.state_dir", "at_risk": "spool.at_risk", "spool_bytes": "spool.max_bytes",
    "spool_age": "spool.max_age", "custom": "features.custom", "deadline": "features.deadline",
    "memory": "compute.memory", "cluster": "compute.cluster",
}  # fmt: skip
"""Fields of a Config that are read when the gateway starts, as the file calls them; the others can change at once."""


@dataclass(frozen=True, slots=True)
class Changes:
    """gone: boards that are closed; opened: those that are read from now on; changed: those with other settings.

    mqtt: as it counts from now on. kept: other fields of the Config that stay as they were; later: the keys of what
    the file has changed, and what counts after a restart.
    """

    gone: tuple[str, ...]
    opened: tuple[Board, ...]
    changed: tuple[Board, ...]
    mqtt: Mqtt
    kept: tuple[str, ...]
    later: tuple[str, ...]


def changes(before: Config, now: Config) -> Changes:
    """What `now` changes."""
    old = {board.name: board for board in before.boards if board.port.path != "auto"}
    new = {board.name: board for board in now.boards if board.port.path != "auto"}
    found = [{board for board in one.boards if board.port.path == "auto"} for one in (before, now)]
    mqtt, of_mqtt = _mqtt(before.mqtt, now.mqtt)
    fields = [name for name in KEYS if getattr(before, name) != getattr(now, name)]
    later = [KEYS[name] for name in fields] + of_mqtt
    later += ['boards with port = "auto"'] if found[0] != found[1] else []
    return Changes(
        gone=tuple(name for name in old if name not in new),
        opened=tuple(board for name, board in new.items() if name not in old),
        changed=tuple(board for name, board in new.items() if name in old and old[name] != board),
        mqtt=mqtt,
        kept=tuple(KEYS),
        later=tuple(later),
    )


def _mqtt(before: Mqtt, now: Mqtt) -> tuple[Mqtt, list[str]]:
    """What counts from now on, and the keys of the rest: the way to a broker that is not our own can change at once."""
    later = [f"mqtt.{name}" for name in ("prefix", "payload") if getattr(before, name) != getattr(now, name)]
    way = replace(now, prefix=before.prefix, payload=before.payload)
    if replace(way, discovery=before.discovery) == before or not (before.embedded or now.embedded):
        return way, later
    return before, ["mqtt", *later]

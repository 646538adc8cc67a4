"""From boards to features: ingest and compute, joined. What is behind it, service.py publishes, and a replay prints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .compute.cores import cores
from .compute.room import Custom, Remote, Room
from .config import Config, plan_for, sending_for, treatments_for
from .ingest.boards import Boards
from .model import Chunk, Drop, Features, Plan, Sample
from .sending import Sending


class Street:
    """The two rooms. emit: gets computed features. dropped: (board, reason, readings), for the ledger.

    took: is told (board, samples) of what has gone in. changed, event: see Boards.
    """

    def __init__(
        self,
        config: Config,
        emit: Callable[[list[Features]], None],
        dropped: Callable[[str, Drop, int], None],
        took: Callable[[str, list[Sample]], None],
        *,
        changed: Callable[[], None] = lambda: None,
        event: Callable[..., Any] = lambda name, **fields: None,
    ) -> None:
        self.config = config
        self.workers = config.workers or cores()
        self.boards = Boards(
            self._take,
            changed,
            event,
            lambda board: treatments_for(self.config, board),
            lambda board, sensor: self.stage.renew(board, sensor),
        )
        self.stage = Room(
            self.plan,
            emit,
            dropped,
            workers=self.workers,
            linger=config.linger,
            custom=Custom(config.custom, config.path.parent, config.deadline, config.memory),
            event=event,
            remote=_remote(config),
        )
        self._took = took

    def plan(self, board: str, sensor: str) -> Plan:
        """How a sensor's readings become features."""
        return plan_for(self.config, board, sensor, self.boards.sensors(board).hardware(sensor))

    def sending(self, board: str, sensor: str) -> Sending:
        """Which of a sensor's readings are sent, and its alarm."""
        return sending_for(self.config, board, sensor, self.boards.sensors(board).hardware(sensor))

    def reload(self, config: Config) -> None:
        """From now on `config` says what is done with values; `stage.reload` then takes up its plans."""
        self.config = config
        self.boards.treat()

    def _take(self, board: str, samples: list[Sample], chunk: Chunk) -> None:
        self.stage.take(board, samples, chunk)
        self._took(board, samples)


def _remote(config: Config) -> Remote | None:
    """The cluster that may compute as well."""
    if config.cluster is None:
        return None
    tls = config.cluster.tls
    return Remote(config.cluster.address, *((tls.ca, tls.cert, tls.key) if tls else ()))

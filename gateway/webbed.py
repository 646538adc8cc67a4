"""The web process and what it shows, joined to the service: where each number comes from, and what [web] asks for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from .config import Config, Web
from .feed.feeder import Documents, Feeder, Piece, Sources, Taped
from .feed.host import Host
from .feed.rings import Rings
from .ingest.boards import Boards
from .model import Features


class Webbed:
    """now: s, the clock of readings. documents: one look at everything. moves: whether the street does. tell: gets what
    is wrong, or None. alarms: those of a board.
    """

    def __init__(
        self,
        config: Config,
        boards: Boards,
        now: Callable[[], float],
        documents: Callable[[], Documents],
        moves: Callable[[], bool],
        tell: Callable[[str | None], None],
        event: Callable[..., Any],
        alarms: Callable[[str], Mapping[str, str]],
    ) -> None:
        self._path, self._boards, self._clock = config.path, boards, now
        self._rings = Rings(self._boards.has)
        sources = Sources(documents, self._refused, self._taped, self._now, moves, alarms)
        self._on, self._event = False, event
        self.host = Host(Feeder(sources, self._rings), self._settings(config.web), tell, event, self._turn)

    def feed(self, pieces: list[Features]) -> None:
        """Takes what was computed, where there is somebody to show it."""
        if not self._on:
            return
        try:
            self._rings.feed(pieces)
        except Exception as error:  # a mistake here costs the page's plots, and no reading
            self._turn(False)
            self._event("service.failed", where="the page's plots", error=repr(error))

    def gone(self, board: str) -> None:
        """The board is read no more."""
        self._rings.drop(board)

    def renew(self, web: Web) -> None:
        """The configuration was read again."""
        self.host.renew(self._settings(web))

    def _turn(self, on: bool) -> None:
        self._on = on
        self._boards.keep_tails(kept=on)
        if not on:
            self._rings.clear()

    def _settings(self, web: Web) -> Mapping[str, Any] | None:
        """What the web process is told; another file of a token makes them others."""
        if web.listen is None:
            return None
        return {
            "listen": list(web.listen),
            "token_file": None if web.token_file is None else str(web.token_file.absolute()),
            "token_is": web.token_is,
            "names": list(web.names),
            "path": str(self._path.absolute()),
        }

    def _now(self) -> tuple[float, float]:
        return time.time(), self._clock()

    def _refused(self) -> list[tuple[str, Any]]:
        return [(name, self._boards.accounts[name].lately) for name in self._boards.readers]

    def _taped(self, board: str) -> Taped | None:
        seen = self._boards.readers.get(board)
        if seen is None:
            return None
        pieces = [Piece(*piece) for piece in seen.tail.pieces]
        about = {
            "port": seen.port, "baud": seen.baud, "serial": seen.board.port.serial, "asked": seen.board.asked,
            "started": time.time() - (time.monotonic() - pieces[0].at if pieces else 0.0),
        }  # fmt: skip
        return Taped(about, pieces)

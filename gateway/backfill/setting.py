"""Which boards of a configuration captures are of: of many captures, and strictly by their names."""

from __future__ import annotations

import functools
from collections.abc import Callable

from ..commands.captured import setting
from ..config import Config
from ..ingest.capture.lines import Header
from ..model import Board

RUN = "backfill"  # the `run` of all rows, and what the gateway is called without a configuration
By = Callable[[Header], tuple[Config, list[Board]]]


def by(config: str | None, board: str | None) -> By:
    """What says for a capture which boards it is of. config, board: as the command gets them. Raises as `setting`."""

    @functools.lru_cache(1024)
    def found(name: str, asked: bool) -> tuple[Config, list[Board]]:
        return setting(Header(name, 0.0, asked=asked), config, board, run=RUN, only=False)

    return lambda header: found(header.board, header.asked)


def boards_of(settings: By) -> Callable[[Header], list[Board]]:
    """What says the boards alone."""
    return lambda header: settings(header)[1]

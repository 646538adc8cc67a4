"""Which boards of a configuration captures are of: of many captures, and strictly by their names."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence

from ..commands.captured import setting
from ..config import Config, Wrong
from ..config.words import Unfit
from ..ingest.capture.file import CaptureError
from ..ingest.capture.lines import Header
from ..ingest.shared_lines import asked_beside
from ..model import Board
from .mark import check

RUN = "backfill"  # the `run` of all rows, and what the gateway is called without a configuration
By = Callable[[Header], tuple[Config, list[Board]]]


def by(config: str | None, board: str | None) -> By:
    """What says for a capture which boards it is of. config, board: as the command gets them. Raises as `setting`."""

    @functools.lru_cache(1024)
    def found(name: str, asked: bool) -> tuple[Config, list[Board]]:
        return setting(Header(name, 0.0, asked=asked), config, board, run=RUN, only=False)

    return lambda header: found(header.board, header.asked)


def kept(config: str | None, board: str | None, gateway: str, mark: str) -> By:
    """The same, later and elsewhere. gateway: its id, which may be the name of the machine where the command is.

    mark: of the configuration as it has to be. Raises CaptureError where it is another one by now, or none.
    """

    @functools.lru_cache(1024)
    def found(name: str, asked: bool) -> tuple[Config, list[Board]]:
        try:
            made, boards = setting(Header(name, 0.0, asked=asked), config, board, run=RUN, only=False)
        except Wrong as error:
            more = f", and {len(error.problems) - 1} more" if len(error.problems) > 1 else ""
            raise CaptureError(error.problems[0] + more) from None
        except Unfit as error:
            raise CaptureError(str(error)) from None
        made = dataclasses.replace(made, id=gateway)
        check(made, of_port(made, boards), mark)
        return made, boards

    return lambda header: found(header.board, header.asked)


def of_port(config: Config, boards: Sequence[Board]) -> list[Board]:
    """All boards of the port that a capture of `boards` is of: they belong together, whichever of them it has."""
    return asked_beside(boards[0], config.boards)


def boards_of(settings: By) -> Callable[[Header], list[Board]]:
    """What says the boards alone."""
    return lambda header: settings(header)[1]

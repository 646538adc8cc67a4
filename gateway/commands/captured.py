"""Which board of a configuration a capture is of."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from ..config import Config
from ..config.load import made, place_of, tables
from ..config.words import Unfit, nearest, quoted
from ..ingest.capture.lines import Header
from ..ingest.shared_lines import asked_beside
from ..model import Board
from ..shown import shown

RUN = "replay"  # the `run` of a replay's messages: two replays give the same text


def setting(
    header: Header,
    file: str | None,
    board: str | None = None,
    format: str | None = None,
    *,
    run: str = RUN,
    only: bool = True,
) -> tuple[Config, list[Board]]:
    """The configuration and the board of it that was recorded; all of its port, where the capture has them asked.

    header: of the capture. file: the configuration; None: the defaults. board: its name, or its table's, where it is
    not the capture's. format: instead of the board's. run: what the gateway is called where there is no configuration.
    only: whether the boards of the only port are meant, whatever they are called. Raises Wrong, and Unfit for a board
    that is not there.
    """
    name = board or header.board or "board"
    path = Path(file or "gateway.toml")
    data: dict[str, Any] = {"gateway": {"id": run}, "boards": [{"name": name, "port": "/capture"}]}
    if file:
        data = tables(path)
    config = made(data, path)
    place = _board(config, data, name, only=only and board is None)
    if format is not None:
        data["boards"][config.tables[place]]["format"] = format
        config = made(data, path)
    found = config.boards[place]
    if header.asked and found.asked:
        return config, asked_beside(found, config.boards)
    if found.modbus is not None:
        raise Unfit(
            f"{quoted(found.name)} is asked by Modbus, whose answers say not which registers they hold, and what was "
            f"sent is not in the capture: take it with `gateway record {found.name} -c FILE`"
        )
    return config, [dataclasses.replace(found, name=name) if found.port.path == "auto" else found]


def _board(config: Config, data: dict[str, Any], name: str, *, only: bool) -> int:
    """The place of the board, of the first one of the table, or of the only port, where that may be meant."""
    names = [one.name for one in config.boards]
    if (named := place_of(name, config, data)) is not None:
        return named
    for place, one in enumerate(config.boards):
        if one.port.path == "auto" and name.startswith(one.name):  # it was found by this table
            return place
    if len({one.port.path for one in config.boards}) == 1 and only:
        return 0
    there = nearest(name, names) or "; there are " + ", ".join(map(quoted, names))
    raise Unfit(f"{shown(str(config.path), 500)} has no board {quoted(name)}{there}; --board names the one to take")

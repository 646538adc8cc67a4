"""What the keys of boards that are asked must be together, and how boards may share a port.

Works on the tables as TOML gave them; a value that is wrong by itself is told by its own key, and passed over here.
"""

import importlib.util
import os
from collections.abc import Iterator
from typing import Any

from .keys import port
from .words import Unfit, found, path_of

Tables = list[tuple[str, dict[str, Any]]]
"""[[boards]] tables, and where each is: boards[0]."""

INSTALL = 'pip install "serial-edge-gateway[modbus]"'
LINE = {"baud": 115_200, "serial": "8N1", "dtr": None, "rts": None, "settle": "0s", "on_silence": ["reopen"]}
"""Keys that say how a port is set, and what is theirs when they are not given: one port has them once."""


def conflicts(tables: Tables) -> Iterator[str]:
    """A sentence for each thing that does not go with another."""
    for place, board in tables:
        if board.get("format") == "modbus":
            yield from _modbus(place, board)
        if "ask" in board and board.get("format") == "modbus":
            yield f'{place}.ask: format = "modbus" makes its questions itself; take ask out'
        if _shares(board) and board.get("format") == "block" and "end" not in board:
            yield f"{place}.end: is missing; a block that answers a question needs to be known by its last line"
        if is_asked(board) and board.get("port") == "auto":
            yield f'{place}.port: something would be written to each port that "auto" finds; name the port'
    yield from _shared(tables)


def is_asked(board: dict[str, Any]) -> bool:
    """Whether something is written to the board's port."""
    return "ask" in board or board.get("format") == "modbus"


def _shares(board: dict[str, Any]) -> bool:
    """Whether its port may have other boards: not when it speaks by itself once it was started."""
    ask = board.get("ask")
    return is_asked(board) and not (isinstance(ask, dict) and "question" not in ask)


def names(tables: Tables) -> Tables:
    """The boards that the tables come to, each with its name: a table with units is one a unit."""
    out: Tables = []
    for place, board in tables:
        units = board.get("units")
        if board.get("format") == "modbus" and isinstance(units, list):
            head = board.get("name", "")
            for at, unit in enumerate(units):
                if isinstance(unit, dict) and isinstance(unit.get("name"), str) and isinstance(head, str):
                    out.append((f"{place}.units[{at}]", {**board, "name": unit_name(head, unit["name"])}))
        else:
            out.append((place, board))
    return out


def unit_name(table: str, unit: str) -> str:
    """A unit's board is called as the unit, behind the table's name where that has one."""
    return f"{table}-{unit}" if table else unit


def own_ports(tables: Tables) -> Tables:
    """The tables without those that share the port of one before, which `conflicts` sees to."""
    seen: set[str] = set()
    out: Tables = []
    for place, board in tables:
        real = _real(board)
        if not (_shares(board) and real in seen):
            out.append((place, board))
        if _shares(board) and real is not None:
            seen.add(real)
    return out


def _modbus(place: str, board: dict[str, Any]) -> Iterator[str]:
    if importlib.util.find_spec("pymodbus") is None:
        yield f'{place}.format: "modbus" needs the library pymodbus, which is not installed; {INSTALL}'
    units = board.get("units")
    if "unit_id" in board and "units" in board:
        yield f"{place}.units: unit_id is there as well; give one of the two"
    elif "unit_id" not in board and not units:
        yield f'{place}.unit_id: is missing; format = "modbus" needs the address of a unit, or units'
    each = units if isinstance(units, list) and units else [{}]
    if "registers" not in board and not all(isinstance(one, dict) and "registers" in one for one in each):
        yield f'{place}.registers: is missing; format = "modbus" needs the values of a unit, a table each'
    for key in ("columns", "fields"):
        if key in board:
            yield f'{place}.{key}: format = "modbus" takes names from registers; take {key} out'


def _shared(tables: Tables) -> Iterator[str]:
    """Boards that are asked may share a port, where all say the same of it."""
    first: dict[str, tuple[str, dict[str, Any]]] = {}
    ids: dict[tuple[str, int], str] = {}
    for place, board in tables:
        real = _real(board)
        if real is None or not _shares(board):
            continue
        for key, id in _ids(place, board):
            if (real, id) in ids:
                twin = ids[real, id]
                yield f"{key}: the unit {id} on {path_of(board['port'])} is {twin} already; a line has each once"
            ids.setdefault((real, id), key)
        other, before = first.setdefault(real, (place, board))
        for key, usual in LINE.items():
            here, there = board.get(key, usual), before.get(key, usual)
            if here != there:
                yield (
                    f"{place}.{key}: {_told(here)} here and {_told(there)} in {other}, and both are on the one port "
                    f"{path_of(board['port'])}; give both the same"
                )


def _ids(place: str, board: dict[str, Any]) -> Iterator[tuple[str, int]]:
    units = board.get("units")
    if board.get("format") != "modbus":
        return
    if isinstance(units, list):
        for at, unit in enumerate(units):
            if isinstance(unit, dict) and type(unit.get("id")) is int:
                yield f"{place}.units[{at}].id", unit["id"]
    elif type(board.get("unit_id")) is int:
        yield f"{place}.unit_id", board["unit_id"]


def _real(board: dict[str, Any]) -> str | None:
    """The device behind a board's port; None when it has none that can be told."""
    try:
        place = port(board.get("port"))
        return os.path.realpath(place) if place.startswith("/") else None if place == "auto" else place
    except (Unfit, OSError):
        return None


def _told(value: object) -> str:
    return "none" if value is None else found(value)

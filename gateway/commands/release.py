"""`gateway release`: has the running gateway lend a board's port, so that a person can write its firmware."""

import os
from pathlib import Path
from typing import Any

from ..config import Unfit, Wrong
from ..config.load import tables
from ..config.values import duration
from ..control.caller import Unheard, ask
from ..control.place import SYSTEM, runtime
from ..control.protocol import DAY
from ..shown import shown
from ..state import default
from .ends import DONE, FAILED, configuration, failed, print_json


def release(board: str, lasting: str, config: str | None, *, back: bool, as_json: bool) -> int:
    """Has the port of `board` lent for so long ("5m"; a number alone is seconds), or taken back. Gives the exit code:
    failed too when it is not closed, or not read again, yet.

    Raises Unfit for a duration that is none, Wrong for a file, where one is given, that cannot be read.
    """
    asked: dict[str, Any] = {"do": "take_back" if back else "release", "board": board}
    if not back:
        asked["seconds"] = _seconds(lasting)
    if config:
        asked["config"] = os.path.realpath(config)
    try:
        said = ask(places(config), asked)
    except Unheard as error:
        return failed(str(error))
    if as_json:
        print_json({key: said.get(key) for key in ("port", "boards", "until", "done", "holder")})
    else:
        print((_taken_back if back else _lent)(said, board))
    return DONE if said.get("done") else FAILED


def places(config: str | None) -> list[Path]:
    """Where the socket of the gateway with that file may be, or of the service; likelier ones first. Raises Wrong."""
    service = [folder for folder in (runtime(), SYSTEM) if folder is not None]
    try:
        table = tables(configuration(config)).get("gateway")
    except Wrong:
        if config:
            raise
        table = None
    given = table.get("state_dir") if isinstance(table, dict) else None
    state = configuration(config).parent / given if given and isinstance(given, str) else default()
    return [state, *service] if config else [*service, state]


def _seconds(text: str) -> float:
    try:
        return duration(1, DAY)(f"{text}s" if text.replace(".", "", 1).isdecimal() else text)
    except Unfit as error:
        raise Unfit(f"--for: {error}") from None


def _lent(said: dict[str, Any], board: str) -> str:
    port, names = shown(str(said.get("port")), 200), [shown(str(name)) for name in said.get("boards", ())]
    shared = f", and so are {', '.join(names)}, which are on that line too," if (names := _others(names, board)) else ""
    back = f"it is taken back by itself, or by `gateway release {shown(board)} --back`"
    if not said.get("done"):
        return (
            f"{port} is lent until {said.get('until')}, and not closed yet: wait, or look with `gateway ports`; {back}"
        )
    return f"{port} is closed, and {shown(board)} is lent{shared} until {said.get('until')}; {back}"


def _others(names: list[str], board: str) -> list[str]:
    return [name for name in names if name != shown(board)]


def _taken_back(said: dict[str, Any], board: str) -> str:
    port = shown(str(said.get("port")), 200)
    if said.get("done"):
        return f"{port} is the gateway's again, and {shown(board)} is read"
    holder = shown(str(said.get("holder") or "somebody"))
    return f"{holder} has {port} open: it is taken back when that is closed"

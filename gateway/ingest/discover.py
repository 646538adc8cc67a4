"""`port = "auto"`: a board for each USB serial port that no table names and nobody holds, plugged in now or later."""

import asyncio
import os
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path

from ..model import Board
from ..threads import tried
from .identity import SerialPort, board_name, serial_ports

PERIOD = 2.0  # s between looks at the folders of links; the ports themselves are listed only when there is news
HELD_PERIOD = 10.0  # s between looks at ports that another program holds

Mark = tuple[object, ...]


def newcomers(ports: Iterable[SerialPort], taken: Collection[str]) -> list[SerialPort]:
    """Those of `ports` that become boards: on USB, held by nobody, not named by a path in `taken`, of whatever kind."""
    return [port for port in _unnamed(ports, taken) if port.holder is None]


def _unnamed(ports: Iterable[SerialPort], taken: Collection[str]) -> list[SerialPort]:
    devices = {os.path.realpath(path) for path in taken}
    return [port for port in ports if port.usb and port.path not in taken and port.device not in devices]


def discovered(pattern: Board, port: SerialPort) -> Board:
    """The board at `port`: as `pattern`, its name put before the port's own. A port always gives the same name."""
    name = board_name(port.path)
    return replace(
        pattern, name=f"{pattern.name}-{name}" if pattern.name else name, port=replace(pattern.port, path=port.path)
    )


async def discover(
    pattern: Board,
    taken: Collection[str],
    found: Callable[[Board], None],
    *,
    look: Callable[[], list[SerialPort]] = serial_ports,
    folders: tuple[str, ...] = ("/dev/serial/by-id", "/dev/serial/by-path", "/dev"),
    period: float = PERIOD,
    not_now: Callable[[], bool] = lambda: False,
) -> None:
    """Calls `found` once for each new board, until cancelled. taken: the paths that the other tables name, as of now.

    A port is taken when two looks in a row have seen it: udev makes its links one after the other, and the one by which
    another table names it may come last. A board that has gone stays its reader's business, which takes it up again.
    not_now: whether what is plugged in now is to be looked at later.
    """
    mine: set[str] = set()
    seen: set[str] = set()
    mark: Mark | None = None
    due = 0.0
    loop = asyncio.get_running_loop()
    while True:
        fresh = (*_mark(folders), *sorted(taken))
        if (fresh != mark or loop.time() >= due) and not not_now():
            ports = await tried(look, "ports", None)
            mark = None if ports is None else fresh  # to be asked again
            ports = ports or []
            new = newcomers(ports, {*taken, *mine})
            for port in new:
                if port.path in seen:
                    mine.add(port.path)
                    found(discovered(pattern, port))
            seen = {port.path for port in new}
            waiting = seen - mine
            held = any(port.holder for port in _unnamed(ports, {*taken, *mine}))
            due = loop.time() + (0.0 if waiting else HELD_PERIOD if held else float("inf"))
        await asyncio.sleep(period)


def _mark(folders: tuple[str, ...]) -> tuple[int, ...]:
    """Changes when something is plugged in or out: when the folders were last changed; 0 for one that is not there."""
    return tuple(_changed(folder) for folder in folders)


def _changed(folder: str) -> int:
    try:
        return Path(folder).stat().st_mtime_ns
    except OSError:
        return 0

"""Each board's port: whether it is there, whether the gateway may open it, and who else has it. None is opened, since
that restarts many boards."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..config import Config
from ..ingest.dial import SCHEME
from ..ingest.identity import Holder, device, lockers, program, serial_ports
from ..ingest.sharing import sharers
from .finding import FINE, UNKNOWN, WRONG, Finding
from .user import User, group_of, listed, may

ENDED = {
    "ModemManager": "sudo systemctl disable --now ModemManager",
    "brltty": "sudo systemctl mask --now brltty brltty-udev",
    "gpsd": "sudo systemctl disable --now gpsd gpsd.socket",
}
"""Programs that take ports by themselves, and how each is kept from that."""


@dataclass(frozen=True, slots=True)
class PortFacts:
    """What is known of a port. group: whose members may open it; held: another program than the gateway has it open."""

    board: str
    path: str
    there: bool = True
    serial: bool = True  # a character device
    allowed: bool | None = True  # None: an access list decides
    group: str | None = None
    held: Holder | None = None
    ours: bool = False  # the running gateway has it


def port_facts(config: Config, who: User, gateway: int | None) -> list[PortFacts]:
    """The ports of the configuration, and those that `auto` would take. gateway: the pid of the one that runs."""
    named = [(board.name, board.port.path) for board in config.boards]
    out = [PortFacts(name, path) for name, path in named if path.startswith(SCHEME)]
    paths = [(name, path) for name, path in named if path.startswith("/")]
    if any(path == "auto" for _, path in named):
        taken = {os.path.realpath(path) for _, path in paths}
        found = [port.path for port in serial_ports() if port.usb and port.device not in taken]
        paths += [("auto", path) for path in found]
        out += [] if found else [PortFacts("auto", "auto", there=False)]
    return out + [_look(name, path, who, gateway) for name, path in paths]


def _look(board: str, path: str, who: User, gateway: int | None) -> PortFacts:
    try:
        found = Path(path).stat()
    except OSError:
        return PortFacts(board, path, there=False)
    if not stat.S_ISCHR(found.st_mode):
        return PortFacts(board, path, serial=False)
    which, lock = device(found), lockers(os.path.realpath(path))
    besides = [] if gateway is None else [gateway]
    held = sharers([which], besides=besides).get(which)
    held = held or next((Holder(pid, program(pid)) for pid in lock if pid != gateway), None)
    ours = gateway is not None and (gateway in lock or which in sharers([which]))
    return PortFacts(board, path, True, True, _allowed(path, found, who), group_of(found), held, ours)


def _allowed(path: str, found: os.stat_result, who: User) -> bool | None:
    if who.me:
        return os.access(path, os.R_OK | os.W_OK)
    return may(who, found.st_mode, found.st_uid, found.st_gid, 6) or (None if listed(path) else False)


def ports(facts: Iterable[PortFacts], who: User, lent: Collection[str] = ()) -> Iterator[Finding]:
    """What is to be said of them. lent: boards whose ports are lent now, so that somebody may have them open."""
    for port in facts:
        where = f"{port.board} ({port.path})" if port.board != port.path else port.board
        if port.held is not None and port.board in lent:
            yield Finding("port", where, FINE, f"it is lent, and {port.held.program} (pid {port.held.pid}) has it open")
        else:
            yield Finding("port", where, *_judged(port, who))


def _judged(port: PortFacts, who: User) -> tuple[str, str, str]:
    if port.path.startswith(SCHEME):
        address = port.path.removeprefix(SCHEME).rpartition(":")
        look = f"nc -vz {address[0].strip('[]')} {address[2]}"
        return (
            UNKNOWN,
            "a serial server is not tried, since many take one client alone: while the gateway is stopped",
            look,
        )
    if port.path == "auto":
        return UNKNOWN, "no board is plugged in by USB that no other table names", "gateway ports"
    if not port.there:
        return WRONG, "is not there: is the board plugged in, and does its cable carry data?", "gateway ports"
    if not port.serial:
        return WRONG, "is no serial port; give the board another in its table", "gateway ports"
    if port.held is not None:
        name, pid = port.held.program, port.held.pid
        return (
            WRONG,
            f"{name} (pid {pid}) has it open, and takes part of the bytes",
            ENDED.get(name, f"sudo kill {pid}"),
        )
    if port.allowed is None and not port.ours:
        return UNKNOWN, f"its access list decides whether {who.name} may open it", f"getfacl {port.path}"
    if port.allowed is False:
        again = " && sudo systemctl restart gateway" if who.service else ""
        if port.group is None:
            return (
                WRONG,
                f"its mode lets no group open it, so {who.name} may not",
                f"sudo chgrp dialout {port.path} && sudo chmod 660 {port.path}",
            )
        return (
            WRONG,
            f"{who.name} may not open it: its group {port.group} may" + ("" if who.service else ", after a new login"),
            f"sudo usermod -aG {port.group} {who.name}{again}",
        )
    return FINE, "the running gateway has it" if port.ours else f"{who.name} may open it, and nobody has it", ""

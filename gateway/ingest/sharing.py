"""Other programs that have our ports open: each then gets part of the bytes. One look through /proc for all boards.

A lock keeps out the programs that ask for it, such as another gateway; `cat` does not ask. What another user runs is
seen by root alone. A program that has the other end of a pseudo-terminal is the board itself and no other reader: many
simulators keep both ends open, so that there is a line while nobody listens.
"""

import asyncio
import os
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Protocol

from ..threads import tried
from .identity import PROC, Device, Holder, device, program

PERIOD = 5.0  # s between looks
SHARE = 20  # times as long as a look took is waited too, so that a machine with many files spends 5 % of a core on it


class Open(Protocol):
    """Who has a port open: the reader of a board."""

    @property
    def device(self) -> Device | None:
        """What is open."""
        ...

    def share(self, sharer: str | None) -> None:
        """Is told of another program that has it too, or that none has."""
        ...


async def watch(readers: Mapping[str, Open], *, period: float = PERIOD) -> None:
    """Tells each reader who shares its device, until cancelled. readers: those of the moment, by board."""
    while True:
        mine = {reader.device for reader in readers.values() if reader.device is not None}
        began = time.monotonic()
        found: dict[Device, Holder] | None = {}
        if mine:
            found = await tried(lambda: sharers(mine), "sharers", None)  # noqa: B023  # it is awaited here
        took = time.monotonic() - began
        for reader in list(readers.values()):
            if found is not None and reader.device in mine:
                holder = found.get(reader.device)
                reader.share(holder and f"{holder.program} (pid {holder.pid})")
        await asyncio.sleep(max(period, SHARE * took))


def sharers(devices: Collection[Device], proc: Path = PROC, besides: Collection[int] = ()) -> dict[Device, Holder]:
    """The first other process found for each of `devices` that has it open, as far as this user may see.

    besides: processes that do not count either.
    """
    found: dict[Device, Holder] = {}
    ours = {str(pid) for pid in (os.getpid(), *besides)}
    for pid in _names(str(proc)):
        if pid.isdecimal() and pid not in ours:
            for one in _read_by(f"{proc}/{pid}") & set(devices):
                found.setdefault(one, Holder(int(pid), program(int(pid), proc)))
    return found


def _read_by(process: str) -> set[Device]:
    """The devices that a process has open, without the pseudo-terminals whose other end it has too; plain text paths,
    as this is done for each file of the machine."""
    out, ends = set(), set()
    for fd in _names(f"{process}/fd"):
        try:
            name = os.readlink(f"{process}/fd/{fd}")
            if name.startswith("/dev/"):
                out.add(device(os.stat(f"{process}/fd/{fd}")))
            if name.endswith("/ptmx"):
                ends.add(_index(Path(f"{process}/fdinfo/{fd}").read_text()))
        except OSError:
            continue  # closed meanwhile
    return {one for one in out if not (one.is_pty and os.minor(one.rdev) in ends)}


def _index(info: str) -> int | None:
    """Of which pseudo-terminal a descriptor is the other end, as the kernel tells it since Linux 4.14."""
    return next((int(line.split()[1]) for line in info.splitlines() if line.startswith("tty-index:")), None)


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # it has ended, or is another user's
        return []

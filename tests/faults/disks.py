"""Disks of our own for the gateway's state, an outage that fills them, and what is on them."""

import contextlib
import os
import sqlite3
import subprocess
from pathlib import Path

from tests.faults import tree

OUTAGE = ("broker.lost", "broker.recovered")
DISK = ("spool.failed", "spool.recovered")
FILE = "spool.db"


class Mount:
    """A file system of our own at `place`, for as long as the scene lasts."""

    def __init__(self, scene_made, place: Path, *command: str) -> None:
        place.mkdir(exist_ok=True)
        subprocess.run(["mount", *command, str(place)], check=True, capture_output=True)
        self.place = place
        scene_made.callback(lambda: subprocess.run(["umount", "-l", str(place)], check=True))

    def fill(self) -> Path:
        """Takes all room that is left; gives the file that does."""
        filler = self.place / "filler"
        with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        return filler

    @property
    def free(self) -> int:
        """Bytes."""
        found = os.statvfs(self.place)
        return found.f_bavail * found.f_frsize


def ext4(stack, tmp_path: Path, megabytes: int = 24) -> tuple[Mount, Path]:
    """An ext4 on a loop file, mounted where the state goes; and the file."""
    image = tmp_path / "disk.img"
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    return Mount(stack, tmp_path / "state", "-o", "loop,errors=remount-ro", str(image)), image


def files(folder: Path) -> int:
    """Bytes of all files of the gateway in `folder`."""
    total = 0
    for one in folder.glob("*"):
        with contextlib.suppress(FileNotFoundError):
            total += one.stat().st_size if one.name not in ("filler", "lost+found") else 0
    return total


def outage(s, seconds: float) -> None:
    """The broker is away for so long, while boards go on."""
    s.broker.stop()
    s.prove(lambda: tree.sockets_to(s.pid, s.broker.port) == 0, "the broker is away")
    s.hold(seconds, ci=min(seconds, 6), fast=3)


def spooled(folder: Path) -> int:
    """Readings in a spool that nobody has open."""
    with contextlib.closing(sqlite3.connect(f"file:{folder / FILE}?mode=ro", uri=True)) as db:
        return db.execute("SELECT coalesce(sum(rows), 0) FROM blocks").fetchone()[0]

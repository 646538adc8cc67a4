"""The directory that outlasts a run: whose it is, whether it can be written, and whether the spool has room."""

from __future__ import annotations

import errno
import os
import shlex
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..config.words import amount
from .finding import FINE, UNKNOWN, WRONG, Finding, itself
from .user import User, may

PROBE = 4096  # bytes of the write test


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """What is known of it. owned: the gateway may write there, by owner and mode; free, used: bytes, where known.

    error: of the write test; None: it was well; tested: it took place.
    """

    folder: Path
    there: bool = True
    visible: bool = True
    owned: bool = True
    tested: bool = False
    error: int | None = None
    read_only: bool = False
    free: int | None = None
    used: int = 0  # by the spool


def disk_facts(folder: Path, who: User) -> DiskFacts:
    """Looks at `folder`, and writes a file there and deletes it where this user may."""
    lowest = next(place for place in (folder, *folder.parents) if place.exists() or place == place.parent)
    there, read_only, free = lowest == folder, False, None
    try:
        system = os.statvfs(lowest)
        read_only, free = bool(system.f_flag & os.ST_RDONLY), system.f_bavail * system.f_frsize
        found = lowest.stat()
    except OSError:
        return DiskFacts(folder, visible=False)
    owned = may(who, found.st_mode, found.st_uid, found.st_gid, 7)
    if not there:
        return DiskFacts(folder, there=False, owned=owned, read_only=read_only, free=free)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK) and not read_only:
        return DiskFacts(folder, visible=who.me, owned=owned, read_only=read_only, free=free)
    used = sum(file.stat().st_size for file in folder.glob("spool*") if file.is_file())
    return DiskFacts(folder, True, True, owned, True, _written(folder), read_only, free, used)


def _written(folder: Path) -> int | None:
    """What a file that is written, brought to the disk and deleted ends with: an errno, or None."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix="doctor-") as file:
            file.write(bytes(PROBE))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno
    return None


def disk(facts: DiskFacts, who: User, most: int) -> Iterator[Finding]:
    """What is to be said of it. most: bytes that the spool may take."""
    place, where = shlex.quote(str(facts.folder)), str(facts.folder)
    if facts.read_only:
        yield Finding(
            "state_dir",
            where,
            WRONG,
            "its file system is mounted read-only: is the card worn out? `dmesg` tells",
            f"sudo mount -o remount,rw $(findmnt -no TARGET -T {place})",
        )
    elif not facts.visible:
        yield Finding("state_dir", where, UNKNOWN, "this user may not look into it", itself("doctor"))
    elif not facts.there and not facts.owned and not who.service:
        yield Finding(
            "state_dir",
            where,
            WRONG,
            f"is not there, and {who.name} may not make it",
            f"sudo install -d -m 700 -o {who.name} {place}",
        )
    elif not facts.there:
        yield Finding("state_dir", where, FINE, "is not there yet; the gateway makes it")
    elif not facts.owned:
        yield Finding(
            "state_dir",
            where,
            WRONG,
            f"is not {who.name}'s to write",
            f"sudo chown -R {who.name} {place} && sudo chmod 700 {place}",
        )
    elif facts.error in (errno.ENOSPC, errno.EDQUOT):
        yield Finding(
            "state_dir",
            where,
            WRONG,
            "the disk is full: nothing can be written",
            "sudo journalctl --vacuum-size=50M && sudo apt-get clean",
        )
    elif facts.error is not None:
        yield Finding(
            "state_dir",
            where,
            WRONG,
            f"a file cannot be written there ({os.strerror(facts.error).lower()})",
            "sudo dmesg --level=err,warn",
        )
    elif facts.tested:
        yield Finding("state_dir", where, FINE, "a file was written there, brought to the disk and deleted")
    if facts.free is not None:
        yield _room(facts, most)


def _room(facts: DiskFacts, most: int) -> Finding:
    free, more = facts.free or 0, max(0, most - facts.used)
    told = f"{amount(free)} are free, and the spool may take {amount(more)} more (spool.max_bytes = {amount(most)})"
    if free < more:
        return Finding(
            "disk",
            str(facts.folder),
            WRONG,
            f"{told}: free some, or set spool.max_bytes lower",
            "sudo journalctl --vacuum-size=50M && sudo apt-get clean",
        )
    return Finding("disk", str(facts.folder), FINE, told)

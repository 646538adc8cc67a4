"""Puts a backup in place: where each file may go, whether something is there already, and nothing half done.

Nothing in a backup decides where it goes but within its folder: the configuration is written to the file that the user
names, presets to presets.d beside it, what the gateway remembers, by names that are known here, to its directory.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..remembered import FILES
from .archive import PIECE, BackupError, Contents, Kept, Reader
from .belonging import LARGEST, PRESETS, hidden, is_named
from .making import SPOOL

DEEP = 8  # folders in each other
SPARE = 10_000_000  # bytes that the disk is to have beyond what is restored


@dataclass(frozen=True, slots=True)
class Move:
    """One file on its way. replaces: something else is there."""

    kept: Kept
    to: Path
    replaces: bool


def moves(contents: Contents, config: Path, state: Path) -> list[Move]:
    """Where each file goes. config: the file; state: the directory. Raises BackupError for what has no place there."""
    found = [(one, _place(one, config, state)) for one in contents.files]
    roles = [one.role for one in contents.files]
    if roles.count("configuration") != 1 or len({to for _, to in found}) != len(found):
        raise BackupError("its list is not as this program writes it")
    if any(one.bytes > LARGEST for one in contents.files if one.role != "spool"):
        raise BackupError("a file in it is larger than any of a gateway's")
    names = [one.name for one in contents.files if one.role == "spool"]
    if SPOOL[1] in names and SPOOL[0] not in names:
        raise BackupError("it has the log of a spool without the spool")
    return [Move(one, to, _differs(one, to)) for one, to in found if not _same(one, to)]


def unnamed(contents: Contents, data: Mapping[str, Any]) -> list[str]:
    """The certificates and secrets in a backup that its configuration, with these tables, does not name."""
    return [one.name for one in contents.files if one.role in ("tls", "secret") and not is_named(one.name, data)]


def _place(one: Kept, config: Path, state: Path) -> Path:
    folder, parts = config.parent, one.name.split("/")
    if (
        not all(_plain(part) for part in parts)
        or len(parts) > DEEP
        or (one.role != "configuration" and hidden(one.name))
    ):
        raise BackupError(f"it has a file that would go to {one.name!a}; it is no backup of a gateway")
    match one.role:
        case "configuration":
            return config
        case "spool" if one.name in SPOOL:
            return state / one.name
        case "state" if one.name in FILES:
            return state / one.name
        case "preset" if parts[0] == PRESETS and len(parts) == 2 and one.name.endswith(".toml"):
            return folder / one.name
        case "feature" if one.name.endswith(".py"):
            return folder / one.name
        case "tls" | "secret" if parts[0] != PRESETS and not one.name.endswith((".py", ".toml")):
            return folder / one.name
    raise BackupError(f"it has a file that would go to {one.name!a} as {one.role}; it is no backup of a gateway")


def _plain(part: str) -> bool:
    """Whether it is the name of a file in a folder, and no way out of it."""
    return part not in ("", ".", "..") and "/" not in part and len(part) <= 200 and part.isprintable()


def _same(one: Kept, to: Path) -> bool:
    """Whether that is there already. A spool is always put in place anew: its log belongs to it."""
    if one.role == "spool" or to.is_symlink() or not to.is_file() or to.stat().st_size != one.bytes:
        return False
    return hashlib.sha256(to.read_bytes()).hexdigest() == one.sha256


def _differs(one: Kept, to: Path) -> bool:
    return os.path.lexists(to) and not (one.role == "spool" and to.is_file() and not to.stat().st_size)


def put(reader: Reader, found: Sequence[Move], config: Path, state: Path) -> list[Path]:
    """Puts the files in place: all are written beside their places and on the disk before the first is moved there.
    What they replace is set aside; gives where that lies. Raises BackupError, and OSError.

    The folders are there by then. New files belong to the owner of the state, or to the group that may read the
    configuration.
    """
    _room(found, config.parent, state)
    fresh: list[tuple[Path, Move]] = []
    try:
        for number, move in enumerate(found):
            _folders(config.parent if move.to.is_relative_to(config.parent) else state, move.to.parent)
            beside = move.to.with_name(f".restored-{number}")
            fresh.append((beside, move))
            _written(reader, move, beside, state)
        aside = _set_aside(found, state)
        for beside, move in sorted(fresh, key=lambda one: one[1].kept.role == "configuration"):  # that one last
            beside.rename(move.to)
        for folder in {move.to.parent for move in found}:
            _kept(folder)
    finally:
        for beside, _ in fresh:
            with contextlib.suppress(FileNotFoundError):
                beside.unlink()
    return aside


def _room(found: Sequence[Move], *folders: Path) -> None:
    needed = sum(move.kept.bytes for move in found) + SPARE
    for folder in folders:
        left = os.statvfs(folder)
        if left.f_bavail * left.f_frsize < needed:
            raise BackupError(f"{folder} has not the {needed // 1_000_000} MB left that it takes; make room there")


def _folders(top: Path, folder: Path) -> None:
    """Makes what is missing below `top`; what is there as a link leads elsewhere, and is refused."""
    for part in [*reversed(folder.relative_to(top).parents), folder.relative_to(top)]:
        place = top / part
        if place == top:
            continue
        if place.is_symlink():
            raise BackupError(f"{place} is a link; put a folder in its place first")
        if not place.exists():
            like = top.stat()
            place.mkdir()
            made = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if os.geteuid() == 0:
                    os.fchown(made, like.st_uid, like.st_gid)
                os.fchmod(made, stat.S_IMODE(like.st_mode))
            finally:
                os.close(made)


def _written(reader: Reader, move: Move, beside: Path, state: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        beside.unlink()
    place = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(place, "wb", buffering=PIECE) as file:
        if reader.copy(move.kept, file) != move.kept.sha256:
            raise BackupError("it has changed while it was read")
        file.flush()
        _given(place, move, state)
        os.fsync(place)


def _given(place: int, move: Move, state: Path) -> None:
    """What the gateway alone may see has the owner of `state`, where root does this; the rest whoever may read the
    configuration's folder: its group, or all where that is root's own. By the descriptor: in the gateway's own folder
    another file may lie at that path by now.
    """
    own = move.kept.role in ("spool", "state", "secret")
    like = (state if own else move.to.parent).stat()
    root = os.geteuid() == 0
    if root:
        os.fchown(place, like.st_uid if own else 0, like.st_gid)
    os.fchmod(place, 0o600 if own else 0o644 if root and not like.st_gid else 0o640)


def _set_aside(found: Sequence[Move], state: Path) -> list[Path]:
    """Renames what is replaced, and the log of a spool that is."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    replaced = [move.to for move in found if move.replaces]
    log = state / SPOOL[1]
    if any(move.to == state / SPOOL[0] for move in found) and os.path.lexists(log) and log not in replaced:
        replaced.append(log)
    aside = []
    for path in replaced:
        stem, end = (SPOOL[0], path.name.removeprefix(SPOOL[0])) if path.name in SPOOL else (path.name, "")
        path.rename(other := path.with_name(f"{stem}.before-{stamp}{end}"))  # a log goes on beside its file
        aside.append(other)
    return aside


def _kept(folder: Path) -> None:
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(place)
    finally:
        os.close(place)

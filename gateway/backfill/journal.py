"""What of a chain is done, in one file that is replaced at once: nothing is done twice, and nothing is left half.

A part's files are written beside the data first. Then the journal says that they belong to it, and that is the moment
at which the part is done; then they are put in place. Whatever is killed before that moment leaves files that nobody
names, and they go; whatever is killed behind it leaves files that are named and not in place yet, and they are put
there.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = "_backfill"  # which readers of Parquet leave out, as all that begins so
VERSION = 1
PATIENCE = 10.0  # s in which a process that was cut off has to be gone from a chain


class JournalError(Exception):
    """A journal that cannot be used: one sentence."""


@dataclass(slots=True)
class Journal:
    """Of one chain. done: each capture's key -> what came of it; moving: of the newest part, file -> its place."""

    file: Path
    mark: str  # of the configuration
    parts: int = 0
    done: dict[str, dict[str, Any]] = field(default_factory=dict)
    moving: dict[str, str] = field(default_factory=dict)
    state: dict[str, Any] | None = None  # what goes on behind what is done

    @classmethod
    def open(cls, root: Path, name: str, mark: str) -> Journal:
        """The chain's journal in the folder `root`, with nothing left half. Raises JournalError, OSError."""
        folder = root / FOLDER
        made = cls(folder / f"{name}.json", mark)
        try:
            found = json.loads(made.file.read_text())
            if found["version"] != VERSION or not isinstance(found["parts"], int):
                raise ValueError
            made.parts, made.done, made.moving, made.state = (
                found[key] for key in ("parts", "done", "moving", "state")
            )
        except FileNotFoundError:
            return made
        except (ValueError, KeyError, TypeError):
            raise JournalError(
                f"{made.file} is no journal that this version can go on with; give another folder"
            ) from None
        if found["mark"] != mark:
            raise JournalError(
                f"{root} was begun with another configuration of these boards, and rows of both would be mixed; give "
                "another folder, or the configuration of before"
            )
        made.put()
        return made

    def temporary(self, place: str) -> Path:
        """Where the file that is to lie at `place` is written."""
        return self._folder / place.replace("/", "+")

    def sweep(self) -> None:
        """Takes away what was written for a part that never came to be."""
        folder = self._folder
        folder.mkdir(parents=True, exist_ok=True)
        for file in folder.iterdir():
            file.unlink()

    def commit(self, done: dict[str, dict[str, Any]], places: list[str], state: dict[str, Any]) -> None:
        """A part is done. places: of its files, which are on the disk as `temporary` says."""
        self.parts += 1
        self.done |= done
        self.moving = {str(self.temporary(place).relative_to(self._root)): place for place in places}
        self.state = state
        text = {key: getattr(self, key) for key in ("mark", "parts", "done", "moving", "state")}
        new = self.file.with_suffix(".new")
        with new.open("w") as file:
            json.dump({"version": VERSION, **text}, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.file)
        _sync(self.file.parent)
        self.put()

    def put(self) -> None:
        """Puts the newest part's files in place, those that are not there yet."""
        for file, place in self.moving.items():
            target = self._root / place
            if (source := self._root / file).exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                source.replace(target)
                for folder in (target.parent, target.parent.parent, self._root):
                    _sync(folder)

    @property
    def _folder(self) -> Path:
        """Of what is being written; no other chain's file is called so, since no topic level has a "+"."""
        return self.file.with_name(f"{self.file.stem}+parts")

    @property
    def _root(self) -> Path:
        return self.file.parent.parent


@contextmanager
def held(root: Path, name: str) -> Iterator[None]:
    """The chain is ours alone, whichever machine others are on. Raises JournalError, OSError."""
    lock = os.open(root / FOLDER / f"{name}+lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    busy = JournalError(
        f"another process is still at the captures of {name} in {root}; wait until it has ended, and "
        "give the same command again"
    )
    with locked(lock, PATIENCE, busy):
        yield


@contextmanager
def locked(file: int, patience: float, busy: Exception) -> Iterator[None]:
    """An open file is locked, and closed at the end. Raises `busy` where another process keeps it for `patience` s."""
    try:
        end = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise busy from None
                time.sleep(0.05)
        yield
    finally:
        os.close(file)


def _sync(folder: Path) -> None:
    """What was named in it survives the power."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)

"""What of a chain is done, in one file that is replaced at once: nothing is done twice, and nothing is left half.

A part's files are written beside the data first. Then the journal says that they belong to it, and that is the moment
at which the part is done; then they are put in place, which the journal says too. Whatever is killed before that moment
leaves files that nobody names, and they go; whatever is killed behind it leaves files that are named and not in place
yet, and they are put there. Files that are in place are whoever's that reads them: to take them away is no damage.
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

from ..shown import shown

FOLDER = "_backfill"  # which readers of Parquet leave out, as all that begins so
VERSION = 1
PATIENCE = 10.0  # s in which a process that was cut off has to be gone from a chain


class JournalError(Exception):
    """A journal that cannot be used: one sentence."""


class Mixed(JournalError):
    """A journal of another configuration."""


@dataclass(slots=True)
class Journal:
    """Of one chain. done: each capture's key -> what came of it; moving: file -> its place, until it is there."""

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
            begun, made.parts, made.done, made.moving, made.state = (
                found[key] for key in ("mark", "parts", "done", "moving", "state")
            )
        except FileNotFoundError:
            return made
        except (ValueError, KeyError, TypeError):
            raise JournalError(
                f"{_place(made.file)} is no journal that this version can go on with; give another folder"
            ) from None
        if begun != mark:
            raise Mixed(
                f"{_place(root)} was begun with another configuration of {shown(name, 200)}, or other Python files "
                "beside it, and rows of both would be mixed; give another folder, or what there was before"
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
        """A part is done. places: of its files, which are on the disk as `temporary` says. Raises as `put`."""
        self.parts += 1
        self.done |= done
        self.moving = {str(self.temporary(place).relative_to(self._root)): place for place in places}
        self.state = state
        for folder in (self._folder, self.file.parent):
            _sync(folder)
        self._write()
        self.put()

    def put(self) -> None:
        """Puts the newest part's files in place, those that are not there yet. Raises JournalError, OSError."""
        if not self.moving:
            return
        for file, place in self.moving.items():
            target = self._root / place
            if (source := self._root / file).exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                source.replace(target)
            elif not target.exists():
                raise JournalError(
                    f"{_place(target)} is written down as done and is neither there nor in {_place(self._folder)}; "
                    "put it back, or begin anew in another folder"
                )
        for folder in dict.fromkeys(
            folder for place in self.moving.values() for folder in (self._root / place).parents[:2]
        ):
            _sync(folder)
        _sync(self._root)
        self.moving = {}
        self._write()

    def _write(self) -> None:
        text = {key: getattr(self, key) for key in ("mark", "parts", "done", "moving", "state")}
        new = self.file.with_suffix(".new")
        with new.open("w") as file:
            json.dump({"version": VERSION, **text}, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.file)
        _sync(self.file.parent)

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
        f"another process is still at the captures of {name} in {_place(root)}; wait until it has ended, and "
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


def _place(path: Path) -> str:
    return shown(str(path), 500)


def _sync(folder: Path) -> None:
    """What was named in it survives the power."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)

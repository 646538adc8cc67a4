"""What captures there are: in files and folders, each once, by the boards that spoke, in the order of their times."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..config import Config
from ..config.words import Unfit
from ..ingest.capture.file import Capture, CaptureError
from ..ingest.capture.lines import Header, headline
from ..model import Board
from ..names import level
from ..shown import shown

SUFFIX = ".jsonl"  # of captures in folders; a file that is named itself may be called as it likes


class Found(NamedTuple):
    """A capture. key: by what it is known, wherever it lies: what its first line says."""

    path: Path
    header: Header
    key: str
    size: int  # bytes


class Chain(NamedTuple):
    """The captures of one port's boards, the oldest first. name: of its journal."""

    name: str
    boards: tuple[Board, ...]
    captures: list[Found]

    @property
    def size(self) -> int:
        """Bytes of all."""
        return sum(one.size for one in self.captures)


def files(given: Iterable[str]) -> Iterator[Path]:
    """The files that are meant, each once: of a folder, and of those in it, what is called as captures are.

    Raises CaptureError for a folder that cannot be read.
    """
    seen = set()
    for path in _meant(given):
        if (real := os.path.realpath(path)) not in seen:
            seen.add(real)
            yield path


def _meant(given: Iterable[str]) -> Iterator[Path]:
    for one in map(Path, given):
        if not os.path.isdir(one):  # what cannot be looked at is told by whoever opens it
            yield one
            continue
        for folder, folders, names in os.walk(one, onerror=_unreadable):
            folders.sort()
            yield from (Path(folder, name) for name in sorted(names) if name.endswith(SUFFIX))


def _unreadable(error: OSError) -> None:
    where = shown(str(error.filename), 500)
    raise CaptureError(f"the folder {where} cannot be read: {(error.strerror or str(error)).lower()}")


def found(path: Path) -> Found:
    """The capture in a file. Raises CaptureError."""
    with Capture(path) as capture:
        header = capture.header
        key = hashlib.sha256(headline(header).encode()).hexdigest()[:16]
        return Found(path, header, key, path.stat().st_size)


def each_once(captures: Iterable[Found]) -> tuple[list[Found], list[Found]]:
    """Those that are to be read, and copies of them; of several copies the longest is read, the first of equal ones."""
    longest: dict[str, Found] = {}
    copies = []
    for one in captures:
        other = longest.setdefault(one.key, one)
        if other is one:
            continue
        if one.size > other.size:
            longest[one.key] = one
        copies.append(other if one.size > other.size else one)
    return list(longest.values()), copies


def chains(
    captures: Iterable[Found], setting: Callable[[Header], tuple[Config, list[Board]]]
) -> tuple[list[Chain], list[tuple[Found, str]]]:
    """The captures by the boards that they are of, and those that are of none, with a sentence.

    setting: the boards of a port that a capture may be of, the same ones for all that are. Raises Wrong.
    """
    out: dict[str, Chain] = {}
    of_none = []
    for one in captures:
        try:
            _, boards = setting(one.header)
        except Unfit as error:
            of_none.append((one, f"{shown(str(one.path), 500)}: {error}"))
            continue
        chain = out.setdefault(boards[0].name, Chain(level(boards[0].name), tuple(boards), []))
        chain.captures.append(one)
    for chain in out.values():
        chain.captures.sort(key=lambda found: (found.header.started, found.key))
    return list(out.values()), of_none


def described(captures: Iterable[Found]) -> list[dict[str, Any]]:
    """As a process is told of them."""
    return [{"path": str(one.path), "key": one.key, "size": one.size} for one in captures]

"""The nouns of the lane: a sensor that is covered, computed readings of it that wait, and what a feature is asked."""

from __future__ import annotations

import json
from array import array
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ...model import Features, Plan
from .window import Span, Window


class Custom(NamedTuple):
    """The features of a user's own that a configuration asks for."""

    names: tuple[str, ...] = ()  # "module:function"
    folder: Path = Path()  # where the modules are
    deadline: float = 0.5  # s that readings wait for them
    memory: int = 256_000_000  # bytes for each process
    pace: float = 1.0  # of looks for what they leave running: see left.py


def ordered(name: str, custom: Custom) -> bytes:
    """What the process of a feature is told first: see work.py."""
    module, _, function = name.partition(":")
    text = {"module": module, "function": function, "folder": str(custom.folder.resolve())}
    return json.dumps(text | {"memory": custom.memory, "pace": custom.pace}).encode()


Columns = dict[str, "array[float]"]
"""Key -> a number for each reading; NaN = no value."""


@dataclass(slots=True, eq=False)
class Covered:
    """A sensor with features of a user's own."""

    plan: Plan
    window: Window
    waiting: deque[Piece] = field(default_factory=deque)
    borders: list[int] = field(default_factory=list)  # seqs from which on values are not comparable with those before


@dataclass(slots=True, eq=False)
class Piece:
    """Computed readings of one sensor that wait."""

    features: Features
    sensor: Covered
    window: Window
    span: Span
    due: float  # s, of the loop's clock: it leaves then
    missing: set[str]  # names of features that have not answered
    columns: dict[str, Columns] = field(default_factory=dict)  # what came, by the feature's name
    left: bool = False


class Call(NamedTuple):
    """Pieces of one window, one after the other, that are asked for together."""

    pieces: list[Piece]

    @property
    def new(self) -> int:
        """Readings."""
        return self.pieces[-1].span.end - self.pieces[0].span.new

    @property
    def weight(self) -> int:
        """Readings of its windows."""
        return self.pieces[-1].span.end - self.pieces[0].span.start

    def written(self) -> tuple[int, bytes, bytes]:
        """As work.py takes it: new readings, times and values."""
        return self.new, *self.pieces[0].window.read(self.pieces[0].span.start, self.pieces[-1].span.end)

"""Live views: lines of styled text, measured in a terminal's cells, and the terminal. The only door to rich.

rich need not be there: all but Screen works without it.
"""

from __future__ import annotations

import importlib.util
import os
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from rich.console import Group

BARS = "▁▂▃▄▅▆▇█"
GAP = 2  # cells between columns

Line = list[tuple[str, str]]
"""Pieces of one line: (text, style as rich has it)."""

Picture = Callable[[int, int], Sequence[Line]]
"""(width, height) -> lines that fit."""


def spark(values: Sequence[float], width: int) -> str:
    """The newest `width` values as bars between their least and their greatest; in the middle when they are equal."""
    values = values[-width:]
    if not values:
        return ""
    least, span = min(values), max(values) - min(values)
    if span == 0:
        return BARS[3] * len(values)
    return "".join(BARS[min(7, int((value - least) / span * 8))] for value in values)


def cells(text: str) -> int:
    """How wide a terminal shows `text`: East Asian wide characters take two cells, combining ones none."""
    return len(text) if text.isascii() else sum(map(_width, text))


def cropped(line: Line, width: int) -> Line:
    """The line, cut to `width` cells, with … where something is missing."""
    if sum(cells(text) for text, _ in line) <= width:
        return line
    out: Line = []
    left = width - 1
    for text, style in line:
        fits = _cut(text, left)
        out.append((fits, style))
        left -= cells(fits)
        if fits != text:
            break
    return [*out, ("…", "")] if width > 0 else []


def apart(left: Line, right: Line, width: int) -> Line:
    """`left` and `right` at the two ends of a line; `right` is kept when there is no room for both."""
    free = width - sum(cells(text) for text, _ in left + right)
    if free < 1:
        return [*cropped(left, max(0, width - sum(cells(text) for text, _ in right) - 1)), (" ", ""), *right]
    return [*left, (" " * free, ""), *right]


def cell(text: str, width: int, right: bool = False) -> str:
    """`text` in exactly `width` cells, at the left or at the right."""
    if cells(text) > width:
        text = _cut(text, width - 1) + "…"
    pad = " " * (width - cells(text))
    return pad + text if right else text + pad


def _cut(text: str, width: int) -> str:
    """As much of `text` as `width` cells hold."""
    used = 0
    for place, char in enumerate(text):
        used += _width(char)
        if used > width:
            return text[:place]
    return text


@lru_cache(4096)
def _width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def joined(pieces: Line) -> Line:
    """The pieces with a gap between them."""
    out: Line = []
    for piece in pieces:
        out += [piece, (" " * GAP, "")]
    return out[:-1]


def possible(stream: TextIO) -> bool:
    """Whether `stream` is a terminal that can show the view, and rich is there."""
    utf8 = (stream.encoding or "").lower().replace("-", "") == "utf8"
    able = os.environ.get("TERM", "dumb") not in ("dumb", "unknown")
    return stream.isatty() and able and utf8 and importlib.util.find_spec("rich") is not None


class Screen:
    """Pictures on a terminal's second screen; when it is left, the first is as it was."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(file=stream, highlight=False)
        self._live = Live(
            console=self._console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def draw(self, picture: Picture) -> None:
        """Shows a picture; waits while the terminal takes nothing."""
        self._live.update(self._group(picture, self._console.height), refresh=True)

    def keep(self, picture: Picture, below: int) -> None:
        """Prints a picture where it stays, with `below` lines left for what follows. For after the end."""
        self._console.print(self._group(picture, max(8, self._console.height - below)))

    def _group(self, picture: Picture, height: int) -> Group:
        from rich.console import Group
        from rich.text import Text

        lines = picture(self._console.width, height)
        return Group(*(Text.assemble(*line, no_wrap=True, overflow="crop") for line in lines))

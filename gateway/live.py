"""Live views: lines of styled text, measured in a terminal's cells, and the terminal that they are drawn on.

Of a picture only those lines are sent that have changed, since it may go over a slow line to whoever looks. What is
sent is ECMA-48 (cursor, erasing, colours) and xterm's second screen, as all terminals of today have it.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from math import inf
from typing import Self, TextIO

BARS = "▁▂▃▄▅▆▇█"
GAP = 2  # cells between columns

ENTER, LEAVE = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J", "\x1b[0m\x1b[?25h\x1b[?1049l"  # the second screen, without a cursor
LOOKS = {"bold": "1", "dim": "2", "italic": "3", "underline": "4", "reverse": "7"}
COLOURS = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "cyan": "36"}

Line = list[tuple[str, str]]
"""Pieces of one line: (text, style: words of LOOKS and COLOURS)."""


def spark(values: Sequence[float], width: int) -> str:
    """The newest `width` values as bars between their least and their greatest; in the middle when they are equal."""
    values = values[-width:]
    if not values:
        return ""
    least, span = min(values), max(values) - min(values)
    if span == 0:
        return BARS[3] * len(values)
    if span == inf:  # it is more than a float holds, and its half is not
        return spark([value / 2 for value in values], width)
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
    """Whether `stream` is a terminal that can show the view."""
    utf8 = (stream.encoding or "").lower().replace("-", "") == "utf8"
    able = os.environ.get("TERM", "dumb") not in ("dumb", "unknown")
    return stream.isatty() and able and utf8


def coloured(line: Line) -> str:
    """The line as a terminal takes it; NO_COLOR in the environment leaves the colours out."""
    known = LOOKS if os.environ.get("NO_COLOR") else LOOKS | COLOURS
    out = []
    for text, style in line:
        codes = [known[word] for word in style.split() if word in known]
        out.append(f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if codes and text else text)
    return "".join(out)


class Screen:
    """Pictures on a terminal's second screen; when it is left, the first is as it was."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._drawn: list[str] = []  # as it is on the screen
        self._size = (0, 0)

    def __enter__(self) -> Self:
        self.forget()
        self._write(ENTER)
        return self

    def __exit__(self, *error: object) -> None:
        self._write(LEAVE)

    def size(self) -> tuple[int, int]:
        """(width, height) in cells, as of now."""
        try:
            found = os.get_terminal_size(self._stream.fileno())
        except OSError:  # it has gone
            found = os.terminal_size((0, 0))
        width, height = (
            int(text) if (text := os.environ.get(name, "")).isdigit() else 0 for name in ("COLUMNS", "LINES")
        )
        return found.columns or width or 80, found.lines or height or 24

    def forget(self) -> None:
        """What is on the screen is not what was drawn: the next picture is drawn whole."""
        self._size = (0, 0)

    def draw(self, picture: Sequence[Line]) -> None:
        """Shows lines that fit; waits while the terminal takes nothing."""
        size = self.size()
        lines = [self._whole(line, size[0]) for line in picture][: size[1]]
        out = []
        if size != self._size:
            self._size, self._drawn = size, []
            out.append("\x1b[0m\x1b[2J")
        before = [*self._drawn, *[""] * (len(lines) - len(self._drawn))]
        for row, line in enumerate(lines):
            if line != before[row]:
                out.append(f"\x1b[{row + 1};1H{line}")
        if len(before) > len(lines):
            out.append(f"\x1b[{len(lines) + 1};1H\x1b[J")
        self._drawn = lines
        if out:
            self._write("".join(out))

    @staticmethod
    def _whole(line: Line, width: int) -> str:
        """The line with what erases the rest of an older one: behind it, so that a slow terminal does not flicker."""
        return coloured(line) + ("\x1b[K" if sum(cells(text) for text, _ in line) < width else "")

    def keep(self, picture: Sequence[Line]) -> None:
        """Prints lines where they stay. For after the end."""
        self._write("".join(f"{coloured(line)}\n" for line in picture))

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

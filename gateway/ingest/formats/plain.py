"""plain: numbers with blanks between them, and at most a label before and a unit behind each.

    21.5
    temperatures: 21.5 22.0625
    25.1 °C  24.9 °C
    (24.3125 75.7625)

The label has to speak of temperatures.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from ...model import Decoded, FormatOptions, Frame, Noise, Refusal, Stretch, Why
from ..asked_for import Asked
from ..quantities import TEMPERATURE_UNITS, measure, unit, unit_in_name
from .pairs import decimal_comma
from .quick import Quick
from .rows import BRACKETS, Row, Rows
from .text import is_numberish, is_time, noise, readable, refused, signed

LABEL = 48
"""Characters; what is longer before the first number is prose."""
_NOT_DATA = "*?>#"  # answers of a device to its settings, prompts, comments
_BYTES = re.compile(r"\s*+[\dA-Fa-f]{2}(?: [\dA-Fa-f]{2}){2,}+\s*+", re.ASCII)
"""Bytes in hexadecimal: "41 05 7B"; when some have letters, rows of digits alone are bytes too."""
_DIGITS = re.compile(r"[\d\s]*+")
_VALUE = re.compile(r"[:=] *+[+-]?\d")
"""A pair in what should be a label: "weather temperature=82 1465839830"."""
_NO_LABEL = frozenset('{}"')
"""What stands in torn objects."""
_COMMA = re.compile(r"\d,\d")


class Plain:
    """Decodes lines of numbers. A line without a number is noise; so is one whose label speaks of no temperature."""

    name = "plain"

    def __init__(self, options: FormatOptions, *, guess: bool = False) -> None:
        self._rows = Rows(options, guess=guess)
        self._guess = guess
        self._hex = False  # rows of bytes have come
        self._labels = Asked(FormatOptions())  # what `also` asks for has a name of its own: that is a pair
        self._given = options.decimal
        self._quick = Quick(frozenset(options.none), options.max_sensors)

    @property
    def unsaid(self) -> bool:
        """As Rows has it."""
        return self._rows.unsaid

    @property
    def guessed(self) -> tuple[str, ...]:
        """As Rows has it."""
        return self._rows.guessed

    def decode(self, frame: Frame) -> Decoded | Refusal | Noise:
        """What a line holds."""
        return self._quick.read(frame) or self.careful(frame)

    def stretch(self, frames: Sequence[bytes]) -> Stretch | None:
        """What the first lines hold, if they are rows without a fault; the same as one by one."""
        return self._quick.stretch(frames)

    def careful(self, frame: Frame) -> Decoded | Refusal | Noise:
        """The same without the quick way."""
        text = readable(frame)
        if isinstance(text, Refusal):
            return text
        text = signed(text)
        words = text.split()
        if not words or words[0][0] in _NOT_DATA:
            return noise(frame)
        if self._guess and _BYTES.fullmatch(text):
            self._hex = self._hex or _DIGITS.fullmatch(text) is None
            if self._hex:
                self._quick.forget()
                return noise(frame)
        first = next((place for place, word in enumerate(words) if _is_value(word)), len(words))
        label = " ".join(words[:first])
        if first == len(words) or not self._is_label(label):
            return noise(frame)
        words = words[first:]
        if (closing := BRACKETS.get(words[0][0])) is not None:
            if words[-1][-1] != closing:
                return refused(Why.BAD_FRAME, frame)
            words[0], words[-1] = words[0][1:], words[-1][:-1] if len(words) > 1 else words[0][1:-1]
        decimal = self._given
        if decimal == "auto":
            decimal = "."
            if _COMMA.search(text):
                decimal = decimal_comma(text) if label else ""
                if decimal != ",":
                    return refused(Why.NOT_A_NUMBER, frame)
        cells: list[str] = []
        for word in words:
            if cells and not _is_value(word):
                cells[-1] += " " + word
            elif word:
                cells.append(word)
        cells = [cell.rstrip(",") if len(cell) > 1 else cell for cell in cells]
        if not cells or (is_time(cells[0]) and " " in cells[0]) or not _is_data(cells, decimal):
            return noise(frame)
        if any(word[-1:] in (":", "=") and _is_value(after) for word, after in pairwise(words)):
            return noise(frame)  # labels among the numbers: pairs
        if len(cells) != self._rows.width and any(a in ("-", "+") and b[:1].isdigit() for a, b in pairwise(cells)):
            return refused(Why.NOT_A_NUMBER, frame)  # "- 5.6": its sign, or no value and another
        if any(" " in cell and measure(cell, decimal)[1] == "" for cell in cells):
            return refused(Why.BAD_FRAME, frame)  # words behind a number: something else broke in
        said = unit_in_name(label)
        row = Row(cells, unit=said, decimal=decimal, certain=bool(label))
        if not self._rows.fits(row):
            self._quick.forget()
            return refused(Why.WRONG_COLUMNS, frame)
        result = self._rows.read(row, frame)
        self._quick.forget()
        if isinstance(result, Decoded) and not result.bad:
            start = b"".join(re.escape(word.encode()) + b" ++" for word in label.split())
            self._quick.learn(self._rows.mould(b" *+" + start, b" ++", b" *+", b"", row), result)
        return result

    def _is_label(self, label: str) -> bool:
        if not label:
            return True
        if label[-1] in "+-" or len(label) > LABEL or _VALUE.search(label) or not _NO_LABEL.isdisjoint(label):
            return False
        name = label.rstrip(":= ")
        return self._labels.plainly(name) or unit(name) in TEMPERATURE_UNITS


def _is_data(cells: list[str], decimal: str) -> bool:
    """Whether there is a number, or nothing but values that say that there is none."""
    if any(char.isdigit() for cell in cells for char in cell):
        return True
    return all(is_numberish(measure(cell, decimal)[0]) for cell in cells)


def _is_value(word: str) -> bool:
    """Whether a cell starts here: a number, a time of day, or what spells that there is no value."""
    word = word.lstrip("([")
    return is_numberish(word.rstrip(",)]")) or is_time(word)

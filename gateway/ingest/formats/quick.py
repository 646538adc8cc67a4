"""The quick way to read a row: one pattern over its bytes, learnt from the rows before, for rows without a fault.

What the pattern does not match is read with care by the format, so the two must agree: a pattern may miss good rows,
and must never take one that the careful way would read otherwise.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from ...model import Decoded, Sample
from ..numbers import SHORT

WIDEST = 64
"""Cells; a wider row is always read with care, so that no pattern grows with what a board sends."""
COMPILED = 64
"""Patterns that one board may cost; after that only the last one is kept."""
LONGEST = 64
"""Characters of a name that is remembered."""
SENSORS = 1024
"""Sensors named by a column that are remembered; when there are more, all are forgotten and learnt anew."""

_NUMBER = {mark: SHORT.replace(r"\.", re.escape(mark)).encode() for mark in ".,"}
_WORD = rb"(?![nNiIoO])[A-Za-z][A-Za-z_]*+|"  # no nan, none, null, n/a, inf or ovf
_TIME = rb"\d{1,4}-\d{1,2}-\d{1,4}(?!\d)[\d:.]*+|\d{1,4}/\d{1,2}/\d{1,4}(?!\d)[\d:.]*+|\d{1,2}:\d{2}(?!\d)[\d:.]*+"
_ANY = rb"[ !#-\x27*+\--:<-Z\^-z}~]*+"  # all that shows, but brackets, quotes, backslashes and common separators
_OTHER = rb"[\d.+\-:/]*+"
_DIGITS = rb"[+-]?\d[\d.:/\-]*+"

_new = tuple.__new__  # of a NamedTuple, at half the price: this is done once a reading


class Cell(NamedTuple):
    """One column: "value", "count", "sensor", "any" (skipped by name), "other" (not asked for), "text" (no number)."""

    kind: str
    sensor: str = ""
    unit: str = ""
    behind: str = ""  # what stands behind the number: its unit, as the board spells it


class Mould(NamedTuple):
    """A pattern, and what its groups are."""

    pattern: bytes
    takes: tuple[tuple[str, str], ...]  # sensor and unit of each value, in order; "" where a column names the sensor
    counted: int | None  # which group is the board's own number of the reading
    named: int | None  # which group is the sensor's name
    decimal: str
    name: str  # the sensor that the row had; no part of what moulds have in common


def mould(
    start: bytes, between: bytes, end: bytes, pad: bytes, cells: list[Cell], decimal: str, name: str
) -> Mould | None:
    """The mould of rows of `cells`; start, between, end, pad: patterns around a row, between and around its cells.

    Without a pad no cell is a word. name: the sensor that the row itself names, or "".
    """
    if not 0 < len(cells) <= WIDEST:
        return None
    number = _NUMBER[decimal]
    parts = []
    groups: list[str] = []
    takes: list[tuple[str, str]] = []
    for cell in cells:
        behind = re.escape(cell.behind.encode())
        match cell.kind:
            case "value":
                part = b"(" + number + b")" + behind
                takes.append(("", "") if name else (cell.sensor, cell.unit))
            case "count":
                part = rb"(\d{1,18})"
            case "sensor":
                part = rb"([A-Za-z0-9_][\w.\-]*+)"
            case "any":
                part = _ANY if pad else _DIGITS
            case "text":
                part = b"(?:" + (_WORD if pad else b"") + _TIME + b")"
            case _:
                part = number + behind if behind else _OTHER if pad else _DIGITS
        if cell.kind in ("value", "count", "sensor"):
            groups.append(cell.kind)
        parts.append(pad + part + pad)
    if not takes:
        return None
    counted = groups.index("count") if "count" in groups else None
    named = groups.index("sensor") if "sensor" in groups else None
    return Mould(start + between.join(parts) + end, tuple(takes), counted, named, decimal, name)


class Quick:
    """Reads rows by the last mould that two rows in turn agreed on."""

    def __init__(self, none: frozenset[str | float]) -> None:
        self._none = none
        self._mould: Mould | None = None  # the one in use, or to be used again
        self._last: Mould | None = None
        self._compiled = 0
        self._compile: Callable[[bytes], re.Match[bytes] | None] | None = None
        self._match: Callable[[bytes], re.Match[bytes] | None] | None = None
        self._simple = False  # nothing but values with a decimal point
        self._sensors: dict[bytes, tuple[tuple[str, str], ...]] = {}  # what the values are, by the name in the row

    def learn(self, seen: Mould | None, result: Decoded) -> None:
        """Takes note of the mould of a row that was read with care, and of what it came to."""
        if seen is not None and seen.name:
            if len(self._sensors) >= SENSORS:
                self._sensors.clear()
            if len(result.samples) == len(seen.takes) and len(seen.name) <= LONGEST:
                self._sensors[seen.name.encode()] = tuple((sample.sensor, sample.unit) for sample in result.samples)
            seen = seen._replace(name="")
        if seen is not None and seen == self._mould:
            self._match = self._compile
        elif seen is not None and seen == self._last and self._compiled < COMPILED:
            self._mould, self._compiled = seen, self._compiled + 1
            self._match = self._compile = re.compile(seen.pattern).fullmatch
            self._simple = (seen.counted, seen.named, seen.decimal, self._none) == (None, None, ".", frozenset())
        self._last = seen

    def forget(self) -> None:
        """Until the next `learn`, every row is read with care."""
        self._match = None

    def read(self, frame: bytes) -> Decoded | None:
        """The values of a row that fits the mould; None for any other."""
        mould = self._mould
        if self._match is None or mould is None or (found := self._match(frame)) is None:
            return None
        samples: list[Sample] = []
        if self._simple:
            for (sensor, unit), text in zip(mould.takes, found.groups(), strict=True):
                samples.append(_new(Sample, (sensor, float(text), unit, None)))
            return _new(Decoded, (samples, []))
        texts = found.groups()
        takes = mould.takes if mould.named is None else self._sensors.get(texts[mould.named])
        if takes is None:
            return None
        count = None if mould.counted is None else int(texts[mould.counted])
        values = [text for group, text in enumerate(texts) if group not in (mould.counted, mould.named)]
        for (sensor, unit), text in zip(takes, values, strict=True):
            number = float(text if mould.decimal == "." else text.replace(b",", b"."))
            if self._none and (number in self._none or text.decode() in self._none):
                return None
            samples.append(_new(Sample, (sensor, number, unit, count)))
        return _new(Decoded, (samples, []))

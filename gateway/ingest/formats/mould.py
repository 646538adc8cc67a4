"""A mould: one pattern over the bytes of a row, and what its groups are, made of what the cells of a row were.

What the pattern does not match is read with care by the format, so the two must agree: a pattern may miss good rows,
and must never take one that the careful way would read otherwise.
"""

import re
from typing import NamedTuple

from ..numbers import SHORT

COMPILED = 64
"""Patterns that one board may cost each of its formats; after that only the last one is kept."""
WIDEST = 64
"""Cells; a wider row is always read with care, so that no pattern grows with what a board sends."""

Take = tuple[str, str]
"""What a value is: its sensor and its unit."""

_NUMBER = {mark: SHORT.replace(r"\.", re.escape(mark)).encode() for mark in ".,"}
_SMALL = r"(?:\+?\d{1,3}|-(?:\d{1,2}|1\d\d|2[0-6]\d))"
_WHOLE = rb"\+?(?:0|[1-9]\d{0,2})|-(?:0|[1-9]\d?|1\d\d|2[0-6]\d)"
_PLAIN = {mark: (_SMALL + re.escape(mark) + r"\d{0,20}+|").encode() + _WHOLE for mark in ".,"}
"""Numbers that can be temperatures without a word, as doubt.py has it; not all of them."""
_WORD = rb"(?![nNiIoO])[A-Za-z][A-Za-z_]*+|"  # no nan, none, null, n/a, inf or ovf
_TIME = rb"\d{1,4}-\d{1,2}-\d{1,4}(?!\d)[\d:.]*+|\d{1,4}/\d{1,2}/\d{1,4}(?!\d)[\d:.]*+|\d{1,2}:\d{2}(?!\d)[\d:.]*+"
_ANY = rb"[ !#-\x27*+\--:<-Z\^-z}~]*+"  # all that shows, but brackets, quotes, backslashes and common separators
_OTHER = rb"[\d.+\-:/]*+"
_DIGITS = rb"[+-]?\d[\d.:/\-]*+"


class Cell(NamedTuple):
    """One column: "value", "count", "sensor", "any" (skipped by name), "other" (not asked for), "text" (no number).

    Of values that say nothing of what they are: "plain" has shown decimals, "whole" none, "left" is whole and left out.
    """

    kind: str
    sensor: str = ""
    unit: str = ""
    behind: str = ""  # what stands behind the number: its unit, as the board spells it


class Mould(NamedTuple):
    """A pattern, and what its groups are."""

    pattern: bytes
    takes: tuple[Take, ...]  # each value, in order; "" where a column names the sensor
    counted: int | None  # which group is the board's own number of the reading
    named: int | None  # which group is the sensor's name
    decimal: str
    name: str  # the sensor that the row had; no part of what moulds have in common
    beside: str = ""  # of an object that names its sensor: the key of the unit that tells what its value is


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
    takes: list[Take] = []
    for cell in cells:
        behind = re.escape(cell.behind.encode())
        match cell.kind:
            case "value":
                part = b"(" + number + b")" + behind
                takes.append((cell.sensor, "" if name else cell.unit))
            case "plain" | "whole":
                part = b"(" + (_PLAIN[decimal] if cell.kind == "plain" else _WHOLE) + b")" + behind
                takes.append((cell.sensor, "" if name else cell.unit))
            case "left":
                part = b"(?:" + _WHOLE + b")" + behind
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
        if cell.kind in ("value", "plain", "whole", "count", "sensor"):
            groups.append(cell.kind)
        parts.append(pad + part + pad)
    if not takes:
        return None
    counted = groups.index("count") if "count" in groups else None
    named = groups.index("sensor") if "sensor" in groups else None
    return Mould(start + between.join(parts) + end, tuple(takes), counted, named, decimal, name)

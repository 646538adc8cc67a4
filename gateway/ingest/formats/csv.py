"""csv: cells with a separator between them, a header or none, and often a separator behind the last cell too.

    rtcDate,rtcTime,imu_degC,humidity_%,degC,degC,        the header names the columns: imu_degC, …, degC, degC_2
    10/12/2019,09:14:37.41,27.23,41.02,22.4100,22.5391,
    23,50;24,00                                           with a decimal comma the separator is another
    (24.3125, 75.7625)                                    brackets around a row, as Python prints them

Separator, header and decimal mark are found by looking; `separator`, `header` and `decimal` set them.
"""

import re
from collections.abc import Sequence

from ...model import Decoded, FormatOptions, Frame, Noise, Refusal, Stretch, Why
from . import header
from .commas import Lone, has_unit, is_behind_text, may_be_several
from .otherwise import Otherwise
from .quick import Quick
from .rows import BRACKETS, Row, Rows, Shape
from .senders import Senders, is_device
from .text import is_numberish, is_time, joined, noise, readable, refused, signed

SEPARATORS = "\t;|,"
"""Those that are looked for, the surest first."""
PAIR = 64
"""Characters; a longer cell is no pair of a name and a number."""
POINTED = 2
"""Rows with points between commas, after which no comma is a decimal mark; one may be a torn row."""
PROSE = 6
"""Words in a cell; with as many of them it is a greeting, and no row."""
_NOT_DATA = "*?>"  # answers of a device to its settings, prompts
_COMMA = re.compile(r"[+-]?\d*,\d+(?![\d.,:/-])", re.ASCII)
_PAIR = re.compile(r"(?=[^\W\d]).*?(?:[^\W\d][\w.\])]*+\s?[:=]\s*|[:=]\s+)[+-]?\.?\d")
_NUMBER = re.compile(r"[+-]?\d*[.,]?\d+", re.ASCII)
_ENDS = re.compile(r"\w\s?[:=]\s?[+-]?\Z")
"""How a cell ends that is a name whose number is in the next one."""
_NUMERIC = "0123456789+-.:/"
"""How the cells of a row of numbers and times begin."""
_POINT = re.compile(r"[+-]?\d*\.\d+(?![\d.,:/-])", re.ASCII)


class Csv:
    """Decodes rows. A line in which nothing looks like a value is noise, if it is no header."""

    name = "csv"

    def __init__(self, options: FormatOptions, *, guess: bool = False) -> None:
        self._options = options
        self._guess = guess
        self._rows = Rows(options, guess=guess)
        self._separator: str | None = None if options.separator == "auto" else options.separator
        self._decimal = ""  # as seen in the rows; "": in none yet
        self._otherwise = Otherwise()  # rows with the other one
        self._headed = False  # no row has come since the header
        self._pointed = 0  # rows in which a number with a point stood between commas, up to POINTED
        self._header: tuple[tuple[str, ...], Shape] | None = None  # names that the next row has to prove
        self._quick = Quick(frozenset(options.none), options.max_sensors)
        self._senders = Senders() if guess and not options.columns else None
        looks = guess and not options.columns and (options.separator, options.decimal) == ("auto", "auto")
        self._lone = Lone() if looks else None

    @property
    def unsaid(self) -> bool:
        """As Rows has it."""
        return self._rows.unsaid

    @property
    def guessed(self) -> tuple[str, ...]:
        """As Rows has it."""
        return self._rows.guessed

    @property
    def decimal(self) -> str:
        """What `decimal` of the options is, or would be where rows of one number have a decimal comma."""
        return "," if self._lone is not None and self._lone.decimal else self._options.decimal

    def decode(self, frame: Frame) -> Decoded | Refusal | Noise:
        """What a line holds."""
        found = self._quick.read(frame)
        if found is None:
            return self.careful(frame)
        self._otherwise.times = 0
        return found

    def stretch(self, frames: Sequence[bytes]) -> Stretch | None:
        """What the first lines hold, if they are rows without a fault; the same as one by one."""
        found = self._quick.stretch(frames)
        if found is not None:
            self._otherwise.times = 0
        return found

    def careful(self, frame: Frame) -> Decoded | Refusal | Noise:
        """The same without the quick way."""
        text = readable(frame)
        if isinstance(text, Refusal):
            return text
        text = signed(text)
        text = text.strip(" ")
        if not text.strip() or text[0] in _NOT_DATA:
            return noise(frame)
        if self._lone is not None and not self._rows.names:
            unsure = self._pointed < POINTED and self._lone.unsure(text)
            if not self._pointed and (unsure or may_be_several(text)):
                return refused(Why.NOT_A_NUMBER, frame)
            if self._lone.decimal and self._separator == ",":
                self._separator, self._pointed = None, 0  # by a torn line
                self._rows.call(())
        if self._options.separator == "auto" and self._likely(text) == "," and self._cuts_a_number(text):
            return refused(Why.NOT_A_NUMBER, frame)
        comment = text[0] == "#"
        text, bracket, torn = _unwrapped(text.lstrip("# ") if comment else text)
        row = self._cut(text, bracket)
        values = sum(is_numberish(cell) for cell in row.cells)
        if self._guess and any(len(cell.split()) >= PROSE for cell in row.cells):
            return noise(frame)
        if text.count('"') == 2 * len(row.cells) and 2 * values < len(row.cells):
            comment = True  # a heading, as some of its texts are numbers: "TOA5","CR1000","4711"
        if comment or not any(cell and is_numberish(cell) for cell in row.cells):
            self._note_header(row)
            return noise(frame)
        if torn or (self._guess and self._has_pair(row.cells)):
            return refused(Why.BAD_FRAME, frame)
        return self._read(row, bracket, frame)

    def _cut(self, text: str, bracket: str) -> Row:
        """The cells of a line: by the separator of the lines before where that fits, else by the likeliest."""
        known = self._separator if self._separator is not None else self._likely(text)
        row = self._cut_at(known, text, bracket)
        if self._options.separator != "auto" or (likely := self._likely(text)) == known:
            return row
        other = self._cut_at(likely, text, bracket)  # that of the lines before may be of a torn one
        better = _numbers(other.cells) > _numbers(row.cells)
        return other if better or not self._rows.expects(len(row.cells), row.shape) else row

    def _likely(self, text: str) -> str:
        marks = SEPARATORS.replace(",", "") if self.decimal == "," else SEPARATORS
        return next((mark for mark in marks if mark in text), "")

    def _cut_at(self, separator: str, text: str, bracket: str) -> Row:
        cells = [cell.strip().strip('"') for cell in (text.split(separator) if separator else (text,))]
        trailing = len(cells) > 1 and cells[-1] == ""
        if trailing and not bracket and self._rows.width and self._rows.expects(len(cells), (separator, False)):
            trailing = False  # the last value is missing, and that is all
        if trailing:
            cells.pop()
        return Row(cells, (separator, trailing and not bracket))

    def _cuts_a_number(self, text: str) -> bool:
        """Whether a comma of a line is a decimal mark, as far as can be seen, so that no row is between commas."""
        if has_unit(text):
            return not self._parts_as_known(text)
        return not (self._pointed or self._rows.names) and is_behind_text(text)

    def _parts_as_known(self, text: str) -> bool:
        """Whether commas cut a line into the columns that have names, or into as many numbers as had points before."""
        cells = self._cut_at(",", *_unwrapped(text)[:2]).cells
        if len(cells) != self._rows.width:
            return False
        if self._rows.names:
            return not self._has_pair(cells)
        words = any(cell[:1] not in _NUMERIC and not is_numberish(cell) for cell in cells)
        return self._pointed > 0 and not words and not is_behind_text(text)

    def _has_pair(self, cells: list[str]) -> bool:
        """Whether a cell is a pair, other than in a column that the configuration skips."""
        names = self._rows.names if len(self._rows.names) == len(cells) else ("?",) * len(cells)
        return any(name and (_is_pair(cell) or _ENDS.search(cell)) for name, cell in zip(names, cells, strict=True))

    def _whose(self, row: Row) -> str | None:
        """Whose a row is, as Senders has it, of columns that name devices."""
        return self._senders.whose(dict(zip(self._rows.names, row.cells, strict=True))) if self._senders else ""

    def _note_header(self, row: Row) -> None:
        names = tuple(cell or f"S{place}" for place, cell in enumerate(row.cells, 1))
        if self._options.columns or self._options.header is False or not header.is_names(tuple(row.cells)):
            return
        if len(names) == 1 and self._options.header is not True:
            return
        if self._headed and len(names) == len(self._rows.names):
            return  # the first of several headings in turn names the columns: units and the like follow
        if self._rows.width == 0 and header.is_sure(names):
            self._rows.call(names, row.shape)
            self._headed = True
        elif names != self._rows.names and (self._rows.width == 0 or header.is_new(names)):
            self._header = (names, row.shape)
            self._quick.forget()

    def _read(self, row: Row, bracket: str, frame: Frame) -> Decoded | Refusal | Noise:
        """A row with a value in it."""
        self._headed = False
        if self._header is not None:
            names, shape = self._header
            if (len(names), shape) == (len(row.cells), row.shape):
                self._rows.call(names, shape)
                self._header = None
            elif self._rows.width and self._rows.expects(len(row.cells), row.shape):
                self._header = None  # the rows go on as before: those were no names
        if (self._options.header is True and not self._rows.names) or not self._rows.fits(row):
            self._quick.forget()
            return refused(Why.WRONG_COLUMNS, frame)
        separator = row.shape[0]
        if self._options.separator == "auto" and separator != self._separator:
            self._separator, self._decimal = separator, ""
        decimal = "." if separator == "," else self.decimal
        if decimal == "auto" and not separator:
            decimal = "."
        if decimal == "auto":
            decimal = self._mark_of(row.cells)
            if decimal == "both":
                return refused(Why.NOT_A_NUMBER, frame)
            self._decimal = decimal
        if separator == "," and not self._rows.names and any(map(_POINT.match, row.cells)):
            self._pointed = min(POINTED, self._pointed + 1)
        row = row._replace(decimal=decimal or ".")
        of_devices = self._senders is not None and any(map(is_device, self._rows.names))
        whose = self._whose(row) if of_devices else ""
        result = self._rows.read(row, frame)
        self._quick.forget()
        if of_devices:  # whose a row is takes care
            if isinstance(result, Decoded) and whose != "":
                return refused(Why.BAD_FRAME, frame) if whose is None else _named(result, whose)
            return result
        sure = self._rows.names or separator != "," or self._pointed >= POINTED
        if isinstance(result, Decoded) and not result.bad and decimal and sure:  # "1,-5 C", but "1,5 C" is refused
            between = re.escape(separator.encode())
            start = b" *+" + re.escape(bracket.encode()) + rb" *+(?![*?>#])"
            end = b"(?:" + between + b")?" if bracket and separator else between if row.shape[1] else b""
            end += b" *+" + re.escape(BRACKETS.get(bracket, "").encode()) + b" *+"
            self._quick.learn(self._rows.mould(start, between, end, b" *+", row), result)
        return result

    def _mark_of(self, cells: list[str]) -> str:
        """The decimal mark of the rows so far; that of these cells in the first row, and in the fifth that has another.

        "" while all were whole, "both" where a first row has both.
        """
        mark = _mark(cells)
        if not self._decimal or mark == "both":
            return self._decimal or mark
        if mark in ("", self._decimal):
            self._otherwise.times = 0
            return self._decimal
        return mark if self._otherwise.again(mark) else self._decimal


def _numbers(cells: list[str]) -> tuple[bool, int]:
    """Whether all cells are numbers and nothing else, and how many are."""
    numbers = sum(_NUMBER.fullmatch(cell) is not None for cell in cells)
    return numbers == len(cells), numbers


def _named(result: Decoded, whose: str) -> Decoded:
    """A device's values, called by its name."""
    samples = [sample._replace(sensor=joined(whose, sample.sensor)) for sample in result.samples]
    return Decoded(samples, [bad._replace(sensor=joined(whose, bad.sensor)) for bad in result.bad])


def _is_pair(cell: str) -> bool:
    """Whether a cell holds a name and its number: pairs that could not be cut, and no row."""
    if len(cell) > PAIR:
        return False
    return cell.count(":") + cell.count("=") == 1 and not is_time(cell) and _PAIR.match(cell) is not None


def _mark(cells: list[str]) -> str:
    """The decimal mark that these numbers have: "." or ","; "" for whole numbers only, "both" for a mixture."""
    comma, point = (any(mark.match(cell) for cell in cells) for mark in (_COMMA, _POINT))
    return "both" if comma and point else "," if comma else "." if point else ""


def _unwrapped(text: str) -> tuple[str, str, bool]:
    """A row without the brackets around it, the opening one ("" = none), and whether one of the pair was lost."""
    opening, closing = text[:1], BRACKETS.get(text[:1], "")
    if closing:
        whole = text.endswith(closing)
        return (text[1:-1] if whole else text[1:]).strip(), opening, not whole
    lost = any(text.endswith(last) and first not in text for first, last in BRACKETS.items())
    return text, "", lost

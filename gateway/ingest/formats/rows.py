"""Rows of cells: how many columns there are, what each is called, and which of them are asked for.

For plain and csv, for lists and places in json, and for what the groups of a pattern hold.

A row of text has no checksum, so its number of cells is held on to: it is configured, or said by a header, or learnt
from the first row, and a row of another number is refused, since its values might belong to other sensors. Where the
board has really changed, the same new number comes again and again; the fifth such row in turn is believed. Where a row
without names begins with the number that is burnt into a probe, that is its sensor.
"""

from typing import NamedTuple

from ...model import BadValue, Decoded, FormatOptions, Noise, Refusal, Sample, Why
from ..asked_for import Asked
from ..numbers import value, whole
from ..quantities import TEMPERATURE_UNITS, is_other, measure, measured_in, unit
from .beside import is_of_other, label_before, unit_behind, unit_of
from .counters import Counters
from .doubt import Doubt, Doubtful
from .mould import Cell, Mould, mould
from .otherwise import Otherwise
from .text import NAMES, ROLES, is_numberish, is_rom, joined, numbered, outcome, refused

BRACKETS = {"(": ")", "[": "]"}
"""What may stand around a row."""

Shape = tuple[str, bool]
"""The separator of a row, and whether one stands behind the last cell too."""


class Row(NamedTuple):
    """Cells, as a format has cut them, and what tells one kind of row from another."""

    cells: list[str]
    shape: Shape = ("", False)
    unit: str = ""  # said once for the whole row
    decimal: str = "."
    certain: bool = False  # a label says that these are temperatures


class Rows:
    """What is known of a board's rows, and the reading of one row by it.

    guess: columns without names that look like counters or clocks are not read, nor what is no temperature though
    nothing says what it is; a name in the cell before a value and a unit in the cell behind it are believed.
    """

    def __init__(self, options: FormatOptions, *, guess: bool = False) -> None:
        self._guess = guess
        self._doubt = Doubt() if guess and not options.columns else None
        self._beside = False  # a cell told what the one beside it is
        self._asked = Asked(options)
        self._configured = bool(options.columns)
        self._none = frozenset(options.none)
        self.width = 0  # cells in a row; 0: not known yet
        self._shape: Shape | None = None
        self._otherwise = Otherwise()  # rows that were refused
        self._sure = False  # two rows in turn had this shape
        self.call(options.columns)

    def call(self, names: tuple[str, ...], shape: Shape | None = None) -> None:
        """Calls the columns by `names`, "" for one to skip; () for columns without names."""
        self.names = names
        self._called = [each if name else "" for each, name in zip(numbered(list(names)), names, strict=True)]
        self._roles = [ROLES.get(name.casefold(), "") for name in names]
        self._seen: dict[int, tuple[str, str | None]] = {}  # of columns with numbers: text behind it, unit if asked for
        self._units: dict[int, str] = {}  # the first unit of temperature beside the values of each column
        self._certain: set[int] = set()  # columns whose values have said that they are temperatures
        self._counters = Counters() if self._guess and not names else None
        if self._doubt is not None:
            self._doubt = Doubt()
            self._doubt.told = any(map(self._tells, range(len(names))))
        self.width = len(names)
        self._shape = shape

    def expects(self, width: int, shape: Shape) -> bool:
        """Whether a row like this is what came before; True while nothing came."""
        return self.width in (0, width) and self._shape in (None, shape)

    def fits(self, row: Row) -> bool:
        """Whether `row` is as expected; the fifth in turn that is otherwise, all alike, changes what is expected."""
        width = len(row.cells)
        unsure = self._configured and width == self.width and not self._sure  # of a shape that one row alone had
        if not self.expects(width, row.shape) and not unsure:
            if not self._otherwise.again((row.shape, width)) or (self._configured and width != self.width):
                return False
            if width != self.width:
                self.call(())
        self._sure = self._shape == row.shape
        self.width, self._shape = width, row.shape
        self._otherwise.times = 0
        if not self.names and width > 1 and is_rom(row.cells[0]):
            self.call(("sensor", "value") if width == 2 else ("sensor", *map(self._name, range(1, width))), row.shape)
        return True

    def read(self, row: Row, frame: bytes) -> Decoded | Refusal | Noise:
        """The values of a row that fits; `frame` is what the row was cut from."""
        found = self.values(row)
        return refused(found, frame) if isinstance(found, Why) else outcome(*found, frame)

    def values(self, row: Row) -> tuple[list[Sample], list[BadValue]] | Why:
        """The values of a row that fits, good and bad; or why the whole row is no good."""
        about = {role: cell for role, cell in zip(self._roles, row.cells, strict=False) if role}
        count = whole(about["count"]) if "count" in about else None
        if "count" in about and count is None:
            return Why.NOT_A_NUMBER
        sensor = about.get("sensor")
        if sensor is not None and (sensor == "" or len(sensor) * len(row.cells) > NAMES):
            return Why.BAD_FRAME
        around = unit(about["unit"]) if "unit" in about else row.unit
        samples: list[Sample] = []
        bad: list[BadValue] = []
        doubtful: list[Doubtful] = []
        counting = self._counters.told(row.cells) if self._counters is not None else ()
        for place, cell in enumerate(row.cells):
            name = "" if place in counting else self._name(place)
            if place in counting and self._doubt is not None:
                self._doubt.counted(place, cell)
            if not name or (self._roles and self._roles[place] not in ("", "value")):
                continue
            if not cell and not self.names and not self._due(place, name):
                self._seen.setdefault(place, ("", None))
                continue
            outer = about.get("sensor", "")
            numeral, said = measure(cell, row.decimal)
            label = ""
            if self._doubt is not None and is_numberish(cell):
                label = "" if self.names else label_before(row.cells, place)
                behind = unit_behind(row.cells, place)
                self._beside = self._beside or behind not in ("", "%") or label != ""
                said = said or behind or unit_of(label)
                outer = outer or label
            published = self._asked.unit(name, said, place, around, outer)
            if published in TEMPERATURE_UNITS and not said and label and is_of_other(label):
                published = None
            if said in TEMPERATURE_UNITS and self._units.setdefault(place, said) != said and self._doubt is not None:
                continue  # the same once more, in the other unit
            if published is None or not (is_numberish(cell) or self._due(place, name, outer)):
                behind = cell[len(numeral) :] if published is None else ""  # "nan C" is no column of something else
                self._seen.setdefault(place, (behind, None))
                continue
            outer = about.get("sensor", "")
            unsaid = False  # nothing says that it is a temperature
            if self._doubt is not None and published in TEMPERATURE_UNITS:
                unsaid = not (row.certain or self._is_certain(place, said or around, outer or label))
                if unsaid and (self._doubt.told or self._doubt.is_gone(place)):
                    self._seen[place] = ("", published)
                    continue
            name = joined(outer, name) if outer else self._called_by(name, published)
            found = Why.ERROR_MARK if cell in self._none else value(numeral, self._none, row.decimal)
            if isinstance(found, Why):
                if unsaid and self._doubt is not None and self._doubt.is_out(place):
                    continue
                bad.append(BadValue(name, found))
            else:
                self._seen[place] = (cell[len(numeral) :], published)
                if unsaid:
                    doubtful.append(Doubtful(len(samples), place, numeral))
                elif self._doubt is not None and published in TEMPERATURE_UNITS:
                    self._doubt.sure(numeral)
                    self._certain.add(place)
                samples.append(Sample(name, found, published, count))
        if self._doubt is not None and doubtful:
            samples, marks = self._doubt.settle(samples, doubtful)
            bad += marks
        return samples, bad

    def takes(self, row: Row) -> tuple[tuple[str, str] | None, ...]:
        """What each cell of a row like this is, if its values are numbers and no more: sensor and unit.

        ("", "") for a value that is not asked for, as long as it has no unit; None for what is no value.
        """
        about = {role: cell for role, cell in zip(self._roles, row.cells, strict=False) if role}
        around = unit(about["unit"]) if "unit" in about else row.unit
        outer = about.get("sensor", "")
        out: list[tuple[str, str] | None] = []
        for place, role in enumerate(self._roles):
            name = self._name(place)
            if not name or role not in ("", "value"):
                out.append(None)
                continue
            published = self._asked.unit(name, "", place, around, outer)
            out.append(("", "") if published is None else (joined(outer, name) if outer else name, published))
        return tuple(out)

    def mould(self, start: bytes, between: bytes, end: bytes, pad: bytes, row: Row) -> Mould | None:
        """How rows like `row`, which was read without a fault, can be read quickly; None where they need care.

        start, between, end, pad: patterns around a row, between and around its cells; without a pad no cell is a word.
        """
        if self._beside or "unit" in self._roles or self._roles.count("sensor") > 1 or self._roles.count("count") > 1:
            return None
        sensor = ""
        cells = []
        for place in range(self.width):
            name = self._name(place)
            behind, published = self._seen.get(place, ("", None))
            if self._roles and self._roles[place] in ("count", "sensor"):
                cells.append(Cell(self._roles[place]))
                sensor = row.cells[place] if self._roles[place] == "sensor" else sensor
            elif not name:
                cells.append(Cell("any"))
            elif self._counters is not None and (counts := self._counters.counts(place)) is not False:
                if counts is None:
                    return None
                cells.append(Cell("other"))
            elif published is not None:
                kind = self._kind(place, published, row.certain or self._is_certain(place, behind or row.unit, ""))
                if not kind:
                    return None
                cells.append(Cell(kind, self._called_by(name, published), published, behind))
            elif behind or self._asked.unit(name, "", place, row.unit, sensor) is None:
                cells.append(Cell("other", behind=behind))
            elif self._due(place, name, sensor):
                return None
            else:
                cells.append(Cell("text"))
        return mould(start, between, end, pad, cells, row.decimal, sensor)

    def _is_certain(self, place: int, said: str, label: str) -> bool:
        """Whether a temperature is said to be one, by more than that nothing else is said."""
        name = self._name(place) if self.names else ""
        return place in self._certain or "sensor" in self._roles or self._asked.certain(name, said, place, label)

    def _tells(self, place: int) -> bool:
        """Whether the name of a column says what it measures, so that this board's names are ones that say it."""
        name = self._called[place]
        if not name or self._roles[place]:
            return False
        is_one = self._asked.unit(name, "", place) in TEMPERATURE_UNITS
        return is_other(name) or (is_one and self._asked.certain(name, "", place))

    def _kind(self, place: int, published: str, certain: bool) -> str:
        """Which kind of cell a value is that has been read; "" where that is not settled."""
        if self._doubt is None or published not in TEMPERATURE_UNITS:
            return "value"
        if certain:
            return "value" if self._doubt.beside_decimals else "whole"  # the first decimals are read with care
        if self._doubt.told or self._doubt.is_gone(place):
            return "other"
        if self._doubt.is_out(place) or self._doubt.unsettled or published == "K":
            return ""
        if self._doubt.is_decimal(place):
            return "plain" if self._doubt.beside_decimals else ""
        if self._doubt.beside_decimals:
            return "" if self._none else "left"
        return "whole" if self._doubt.is_kept(place) else ""

    @property
    def unsaid(self) -> bool:
        """Whether nothing says that the values read are temperatures."""
        return self._doubt is not None and not self._doubt.told

    @property
    def guessed(self) -> tuple[str, ...]:
        """What the columns would be called in a configuration, where some of them are no values; else ()."""
        if self._doubt is None or not self.width:
            return ()
        known: list[str | None] = [None] * self.width  # None: a value, or nothing that a format reads
        for place in range(self.width):
            if self._counters is not None and (counts := self._counters.name(place)) is not None:
                known[place] = counts
            if self._is_left(place, self._doubt):
                known[place] = ""
        if all(name is None for name in known):
            return ()
        for place in range(self.width):  # columns that are named have values: texts and times would be bad ones
            is_role = bool(self._roles) and self._roles[place] not in ("", "value")
            if known[place] is None and not is_role and self._seen.get(place, ("", None))[1] is None:
                known[place] = ""
        return tuple(self._name(place) if name is None else name for place, name in enumerate(known))

    def _is_left(self, place: int, doubt: Doubt) -> bool:
        """Whether numbers of a column are not read, as it seems to be none of temperatures."""
        if doubt.is_out(place):
            return True
        published = self._seen.get(place, ("", None))[1]
        if published not in TEMPERATURE_UNITS or self._is_certain(place, "", ""):
            return False
        return doubt.told or (doubt.beside_decimals and not doubt.is_decimal(place))

    def _name(self, place: int) -> str:
        """What a column is called, "" for one that is skipped."""
        if self.names:
            return self._called[place]
        return "temperature" if self.width == 1 else f"S{place + 1}"

    def _called_by(self, name: str, published: str) -> str:
        """A lone value that is no temperature is not called so, but by what its unit measures."""
        lone = not self.names and self.width == 1
        return measured_in(published) or name if lone else name

    def _due(self, place: int, name: str, outer: str = "") -> bool:
        """Whether a text in this place is a value that does not hold, and not a column of texts."""
        if self._configured or self._seen.get(place, ("", None))[1] is not None:
            return True
        return bool(self.names) and self._asked.plainly(name, outer)

"""Which of a board's values are asked for, and in which unit each is published."""

import re
from collections.abc import Mapping
from typing import TypeVar

from ..model import FormatOptions
from .quantities import (
    LONGEST,
    MEASURED,
    NAMELESS,
    TEMPERATURE_UNITS,
    WRITTEN_OUT,
    computed,
    is_unmeasured,
    measured_in,
    quantity,
    unit,
    unit_in_name,
)

_Given = TypeVar("_Given")
_OWN = re.compile(r"S\d{1,4}", re.ASCII)  # as columns without a name are called


class Asked:
    """Which of a board's values are asked for, and their units: what `unit` and `also` of its options say."""

    def __init__(self, options: FormatOptions) -> None:
        self._units = tuple(unit(text) or text for text in options.unit)
        self._fields = {field.name: unit(field.unit) or field.unit for field in options.fields if field.unit}
        self._also = frozenset(text.casefold() for text in options.also)

    def unit(
        self, name: str, said: str = "", place: int = 0, around: str = "", outer: str = "", called: str = ""
    ) -> str | None:
        """The unit in which the value called `name` is published; None when it is not asked for.

        said: the unit written beside it ("" = none), as `unit` gives it; place: its column, from 0; around: the unit
        said once for the whole record; outer: the name of what the value is in, or the frame's sensor; called: what
        the configuration calls it, where `name` is the board's. The text's unit beats the board's, which beats °C;
        units given column by column, or by a field, decide alone. What is another quantity takes no unit that is not
        its own.
        """
        field = self._field(name, outer, called)
        name, outer, called = name[-LONGEST:], outer[-LONGEST:], called[-LONGEST:]
        own = field or (self._units[place] if 1 < len(self._units) > place else "")
        if own:
            return own if own in TEMPERATURE_UNITS or self._also_named(name, own, outer, called) else None
        said = said or unit_in_name(called) or unit_in_name(name)
        what = _within(outer, _measured(name, called))
        if what == "temperature" and said.casefold() in ("°", "deg"):
            said = ""  # degrees of what, they leave to us
        if not what and WRITTEN_OUT.search(outer) and quantity(outer) in MEASURED:
            what = quantity(outer)  # a box called "humidity"; but "A", "P1" or "a/b" is just a name
        kind = computed(called or name) if what == "computed" else what
        if not said and kind in ("", measured_in(around)):
            said = around
        board = self._units[0] if len(self._units) == 1 else ""
        if not _is_none(what, name, called) and (said in TEMPERATURE_UNITS if said else what in ("", "temperature")):
            published = said or board or "°C"
            asked = published in TEMPERATURE_UNITS or self._also_named(name, published, outer, called)
            return published if asked else None
        if not self._also_named(name, said, outer, called):
            return None
        return said or (board if kind == measured_in(board) else "°C" if kind == "temperature" and not board else "")

    def plainly(self, name: str, outer: str = "", called: str = "") -> bool:
        """Whether the names alone ask for a value, so that a text in its place is a value that does not hold."""
        if (outer and name.casefold() == "value") or self._field(name, outer, called) in TEMPERATURE_UNITS:
            return True
        name, outer, called = name[-LONGEST:], outer[-LONGEST:], called[-LONGEST:]
        if _OWN.fullmatch(called or name):
            return True
        what = _within(outer, _measured(name, called))
        in_name = unit_in_name(called) or unit_in_name(name)
        named = not _is_none(what, name, called) and (what == "temperature" or in_name in TEMPERATURE_UNITS)
        return named or self._also_named(name, "", outer, called)

    def _field(self, name: str, outer: str, called: str) -> str:
        """The unit that a field gives to a value; "" for none."""
        return field_of(self._fields, outer, called or name) or "" if self._fields else ""

    def certain(self, name: str, said: str = "", place: int = 0, outer: str = "", called: str = "") -> bool:
        """Whether a temperature is one by a name, a unit or the configuration, and not only since nothing else is said.

        The names and units as `unit` takes them; said: beside the value, or for it alone.
        """
        if 1 < len(self._units) > place or said or (called and called != name):
            return True
        name, outer = name[-LONGEST:], outer[-LONGEST:]
        named = "temperature" in (quantity(name), quantity(outer) if WRITTEN_OUT.search(outer) else "")
        return named or unit_in_name(name) in TEMPERATURE_UNITS

    def _also_named(self, name: str, said: str, outer: str, called: str) -> bool:
        """Whether `also` has one of the value's names, its outer name, or what it measures by these or by its unit."""
        if not self._also:
            return False
        what = _measured(name, called) or quantity(outer)
        names = (name, outer, f"{outer}.{name}", called, what, measured_in(said))
        return any(each.casefold() in self._also for each in names if each)


def _measured(name: str, called: str) -> str:
    """What a value measures: as the board's name for it says, unless that says nothing, or we call it a temperature."""
    what, other = quantity(name), quantity(called)
    return other if other == "temperature" or not what else what


def _within(outer: str, what: str) -> str:
    """What a value of `what` is in something that has a name: in a box called "target" no temperature is measured."""
    of_others = what in ("", "temperature") and WRITTEN_OUT.search(outer) and quantity(outer) == "computed"
    return "computed" if of_others else what


def _is_none(what: str, name: str, called: str) -> bool:
    """Whether a value of `what` is no measured temperature, by that or by a name that we do not call a temperature."""
    return what == "computed" or (quantity(called) != "temperature" and is_unmeasured(name))


def field_of(fields: Mapping[str, _Given], outer: str, own: str) -> _Given | None:
    """What fields, by their names, give to a value called `own` in what is called `outer` ("" = nothing).

    That of the whole name, or of its own; or that of the outer one, where its own says no more.
    """
    names = (f"{outer}.{own}", own, outer if own.casefold() in NAMELESS else "")
    return next((fields[name] for name in names if name and name in fields), None)

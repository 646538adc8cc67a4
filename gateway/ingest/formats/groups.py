"""What the named groups of a pattern hold, read as a row of cells: for regex and block."""

import re
from dataclasses import replace

from ...model import BadValue, FormatOptions, Sample, Why
from ..numbers import NO_VALUE, SHORT, whole
from ..quantities import measure, measured_in
from .rows import Row, Rows
from .text import ROLES

KINDS = 16
"""Rows of different groups that are remembered; when there are more, all are forgotten."""
KNOWN = 1024
"""Sensors, with what a unit beside them says, whose values are remembered; then all are forgotten."""
WIDEST = 64
"""Cells of a row that names a sensor, which are remembered for each of them."""
LONGEST = 128
"""Characters of a name that is remembered."""

_HEX = re.compile(r"[+-]?(?:0[xX])?[0-9a-fA-F]{1,16}")
_NO_VALUE = re.compile(NO_VALUE)
_bare = re.compile(SHORT, re.ASCII).fullmatch
_new = tuple.__new__  # of a NamedTuple, at half the price: this is done once a reading

Values = tuple[list[Sample], list[BadValue]]
"""Good ones, and bad ones."""


class Groups:
    """Reads what a pattern with these groups found.

    `columns` gives groups other names: "group=name", or plain names by their places, of all of them or of all values.
    `value` is no name: alone it is the sensor's own, or `temperature`; several are S1, S2, …
    """

    def __init__(self, options: FormatOptions, groups: tuple[str, ...]) -> None:
        self.groups = groups
        self.plain = tuple(name for name in options.columns if "=" not in name)
        self._options = options
        renamed = dict(name.rsplit("=", 1) for name in options.columns if "=" in name)
        self._called = {group: renamed.get(group, group) for group in groups}
        values = groups if len(self.plain) == len(groups) else tuple(filter(_is_value, groups))
        if len(self.plain) == len(values):
            self._called |= zip(values, self.plain, strict=True)
        self._units = dict(zip(groups, options.unit, strict=False)) if len(options.unit) > 1 else {}
        self._kinds: dict[tuple[tuple[str, ...], tuple[str, ...]], _Kind] = {}

    def name(self, group: str) -> str:
        """What a group is called."""
        return self._called[group]

    def read(self, groups: tuple[str, ...], names: tuple[str, ...], texts: list[str]) -> Values | Why:
        """The values of one record, or why none of it is any good: groups, what they are called, what they hold."""
        kind = self._kinds.get((groups, names))
        if kind is None:
            units = self._options.unit
            if self._units and not len(units) == len(self.plain) == len(groups):
                units = tuple([self._units.get(group, "") for group in groups])
            kind = _Kind(replace(self._options, columns=names, unit=units))
            if len(self._kinds) >= KINDS:
                self._kinds.clear()
            self._kinds[groups, names] = kind
        return kind.quick(texts) or kind.careful(texts)


class _Kind:
    """Rows of the same groups."""

    def __init__(self, options: FormatOptions) -> None:
        self._roles = [ROLES.get(name.casefold(), "") for name in options.columns]
        self._empty = all(role not in ("", "value") for role in self._roles)
        self._rows = Rows(replace(options, columns=_named(options.columns, self._roles)))
        self._nameless = "sensor" not in self._roles and self._roles.count("value") == 1
        self._none = frozenset(options.none)
        self._base = options.base
        self._decimal = "," if options.decimal == "," else "."
        self._about = [at for at, role in enumerate(self._roles) if role in ("sensor", "unit")]
        self._counted = self._roles.index("count") if "count" in self._roles else None
        self._simple = options.base == 10 and self._decimal == "." and self._roles.count("count") < 2
        self._simple = self._simple and (len(self._roles) <= WIDEST or not self._about)
        self._takes: dict[tuple[str, ...], tuple[tuple[str, str] | None, ...]] = {}

    def quick(self, texts: list[str]) -> Values | None:
        """The values of a row whose sensor is known and whose values are numbers and no more; None for any other."""
        takes = self._takes.get(tuple([texts[at] for at in self._about]))
        if takes is None:
            return None
        count = None
        if self._counted is not None and (count := whole(texts[self._counted])) is None:
            return None
        samples: list[Sample] = []
        for text, take in zip(texts, takes, strict=True):
            if take is None:
                continue
            if not take[0] and not measure(text)[1]:
                continue
            if not take[0] or _bare(text) is None:
                return None
            number = float(text)
            if self._none and (number in self._none or text in self._none):
                return None
            samples.append(_new(Sample, (take[0], number, take[1], count)))
        return samples, []

    def careful(self, texts: list[str]) -> Values | Why:
        """The same without the quick way."""
        if self._empty:
            return Why.ERROR_MARK  # it matches, and says no value: that is how a pattern names a board's error lines
        if self._base == 16:
            pairs = zip(texts, self._roles, strict=True)
            texts = [text if role in ("sensor", "unit") else self._decimals(text) for text, role in pairs]
        row = Row(texts, decimal=self._decimal)
        found = self._rows.values(row)
        if isinstance(found, Why):
            return found
        about = tuple([texts[at] for at in self._about])
        if self._simple and sum(map(len, about)) <= LONGEST:
            if len(self._takes) >= KNOWN:
                self._takes.clear()
            takes = self._rows.takes(row)
            self._takes[about] = tuple([take and (self._called(*take), take[1]) for take in takes])
        samples = [sample._replace(sensor=self._called(sample.sensor, sample.unit)) for sample in found[0]]
        return samples, found[1]

    def _called(self, name: str, unit: str) -> str:
        """A value without a name that is no temperature is not called so, but by what its unit measures."""
        return measured_in(unit) or name if self._nameless and name == "temperature" else name

    def _decimals(self, text: str) -> str:
        """The number that a text spells to the base 16, spelt to the base 10; texts for "no value" stay."""
        if text in self._none or _NO_VALUE.fullmatch(text.casefold()):
            return text
        return str(int(text, 16)) if _HEX.fullmatch(text) else "--"


def _is_value(group: str) -> bool:
    """Whether a group holds a value, and nothing about one."""
    return ROLES.get(group.casefold(), "value") == "value"


def _named(names: tuple[str, ...], roles: list[str]) -> tuple[str, ...]:
    """The same, with names for values that have none."""
    if "sensor" in roles or "value" not in roles:
        return names
    if roles.count("value") == 1:
        return tuple("temperature" if role == "value" else name for name, role in zip(names, roles, strict=True))
    out, turn = [], 0
    for name, role in zip(names, roles, strict=True):
        turn += role == "value"
        out.append(f"S{turn}" if role == "value" else name)
    return tuple(out)

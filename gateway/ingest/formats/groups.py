"""What the named groups of a pattern hold, read as a row of cells: for regex and block."""

import re
from dataclasses import replace

from ...model import BadValue, FormatOptions, Sample, Why
from ..numbers import NO_VALUE
from .rows import Row, Rows
from .text import ROLES

KINDS = 16
"""Rows of different groups that are remembered; when there are more, all are forgotten."""

_HEX = re.compile(r"[+-]?(?:0[xX])?[0-9a-fA-F]{1,16}")
_NO_VALUE = re.compile(NO_VALUE)

Cell = tuple[str, str]
"""A group, and the text that it holds."""


class Groups:
    """Reads what a pattern with these groups found.

    `columns` gives groups other names: "group=name", or plain names by their places, all of them then. `value` is no
    name: alone it is the sensor's own, or `temperature`; several are S1, S2, …
    """

    def __init__(self, options: FormatOptions, groups: tuple[str, ...]) -> None:
        self._options, self.groups = options, groups
        self.plain = tuple(name for name in options.columns if "=" not in name)
        renamed = dict(name.rsplit("=", 1) for name in options.columns if "=" in name)
        self._called = {group: renamed.get(group, group) for group in groups}
        if len(self.plain) == len(groups):
            self._called = dict(zip(groups, self.plain, strict=True))
        self._units = dict(zip(groups, options.unit, strict=False)) if len(options.unit) > 1 else {}
        self._decimal = "," if options.decimal == "," else "."
        self._known: dict[tuple[tuple[str, ...], tuple[str, ...]], Rows] = {}

    def name(self, group: str) -> str:
        """What a group is called."""
        return self._called[group]

    def read(self, names: tuple[str, ...], cells: list[Cell]) -> tuple[list[Sample], list[BadValue]] | Why:
        """The values of one record, `names` for its cells, good and bad; or why none of it is any good."""
        roles = [ROLES.get(name.casefold(), "") for name in names]
        if all(role not in ("", "value") for role in roles):
            return Why.ERROR_MARK  # it matches, and says no value: that is how a pattern names a board's error lines
        units = tuple([self._units.get(group, "") for group, _ in cells]) if self._units else self._options.unit
        rows = self._known.get((names, units))
        if rows is None:
            rows = Rows(replace(self._options, columns=_columns(names, roles), unit=units))
            if len(self._known) >= KINDS:
                self._known.clear()
            self._known[names, units] = rows
        texts = [text for _, text in cells]
        if self._options.base == 16:
            pairs = zip(texts, roles, strict=True)
            texts = [text if role in ("sensor", "unit") else self._decimals(text) for text, role in pairs]
        return rows.values(Row(texts, decimal=self._decimal))

    def _decimals(self, text: str) -> str:
        """The number that a text spells to the base 16, spelt to the base 10; texts for "no value" stay."""
        if text in self._options.none or _NO_VALUE.fullmatch(text.casefold()):
            return text
        return str(int(text, 16)) if _HEX.fullmatch(text) else "--"


def _columns(names: tuple[str, ...], roles: list[str]) -> tuple[str, ...]:
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

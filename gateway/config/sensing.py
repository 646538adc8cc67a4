"""What [[sensors]] says of names and units, against what the file says of the boards: contradictions that it shows.

Works on the file as TOML gave it, as together.py does. What only the boards' bytes show is told in their status.
"""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from ..units import TEMPERATURES, becomes, temperature
from .keys import one_unit
from .words import Unfit, quoted

Rules = list[tuple[int, dict[str, Any]]]
"""[[sensors]] tables that have a match, with their places."""

ABOUT_THE_FRAME = ("sensor", "value", "count", "unit", "units", "tempunit")
"""Columns that say something of the record, and are no sensors; a column `sensor` has the sensors' names."""


def contradictions(data: dict[str, Any]) -> Iterator[str]:
    """A sentence for each name that two sensors would have, and for each unit that a column cannot be published in."""
    tables = enumerate(_listed(data.get("sensors")))
    rules = [(at, one) for at, one in tables if isinstance(one, dict) and isinstance(one.get("match"), str)]
    for board in _listed(data.get("boards")):
        if isinstance(board, dict) and isinstance(board.get("name"), str) and board.get("port") != "auto":
            units = _units(board)
            yield from _names(board["name"], list(units), rules)
            yield from _misfits(board["name"], units, rules)


def exact(match: str) -> str:
    """The one sensor that a match finds at a board; "" where it may find several."""
    name = match.rpartition("/")[2].replace("[[]", "[")
    return name if not re.search(r"[*?]|\[[^\]]", name) else ""


def _units(board: dict[str, Any]) -> dict[str, str | None]:
    """The sensors that a board's columns name, with the units in which the board gives them; None: not known yet."""
    columns, units, also = (_listed(board.get(key)) for key in ("columns", "unit", "also"))
    names = [one.rpartition("=")[2] if isinstance(one, str) else "" for one in columns]
    if "sensor" in map(str.casefold, names):
        return {}
    found: dict[str, str | None] = {}
    for name, given in zip(names, units if len(units) == len(names) > 1 else [None] * len(names), strict=True):
        if name and name.casefold() not in ABOUT_THE_FRAME:
            unit = (temperature(given) or given) if isinstance(given, str) else None
            found[name] = unit if unit in TEMPERATURES or name in also else None
    return found


def _listed(value: object) -> list[Any]:
    """A list of the file; what is none is told by its own key."""
    return value if isinstance(value, list) else []


def _last(board: str, own: str, key: str, rules: Rules) -> tuple[int, str] | None:
    """The last word on a key for one sensor, and the place of the table that has it."""
    for at, rule in reversed(rules):
        if isinstance(rule.get(key), str) and fnmatchcase(f"{board}/{own}", rule["match"]):
            return at, rule[key]
    return None


def _names(board: str, columns: list[str], rules: Rules) -> Iterator[str]:
    rules = [(at, rule) for at, rule in rules if isinstance(rule.get("name"), str)]
    named = [exact(rule["match"]) for _, rule in rules if fnmatchcase(board, rule["match"].rpartition("/")[0])]
    taken: dict[str, tuple[str, int | None]] = {}
    for own in dict.fromkeys([*columns, *filter(None, named)]):
        at, name = _last(board, own, "name", rules) or (None, own)
        name = name or own
        other, by = taken.setdefault(name, (own, at))
        if other != own and (at != by or at is None):
            place = max(one for one in (at, by) if one is not None)
            yield (
                f"sensors[{place}].name: {quoted(other)} and {quoted(own)} of board {quoted(board)} would both be "
                f"called {quoted(name)}; give each a name of its own"
            )


def _misfits(board: str, units: dict[str, str | None], rules: Rules) -> Iterator[str]:
    rules = [(at, rule) for at, rule in rules if isinstance(rule.get("unit"), str)]
    for own, unit in units.items():
        if unit is None or (found := _last(board, own, "unit", rules)) is None:
            continue
        at, text = found
        try:
            wanted = one_unit(text)
        except Unfit:  # told by its own key
            continue
        if wanted and not becomes(unit, wanted):
            yield (
                f"sensors[{at}].unit: {quoted(own)} of board {quoted(board)} comes in {quoted(unit)}, which cannot "
                f'become {quoted(wanted)}; give that sensor a table of its own with unit = ""'
            )

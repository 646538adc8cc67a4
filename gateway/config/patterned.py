"""What a board's pattern and what goes with it take, as keys.py has it for others, and what they must be together."""

from collections.abc import Iterator
from typing import Any

from ..patterns import BadPattern, Pattern
from .words import Unfit, nearest, quoted, wanted

ABOUT = ("sensor", "count", "unit")  # groups that say something about a value


def pattern(value: object) -> str:
    """A pattern with a named group for each value; "" is none."""
    found = edge(value)
    groups = Pattern(found).groups
    if found and all(name.casefold() in ABOUT for name in groups):
        raise Unfit(f"a value needs a named group, as in T=(?P<T>\\S+), and there is none; found {quoted(found)}")
    return found


def edge(value: object) -> str:
    """A pattern; "" is an empty line."""
    if not isinstance(value, str) or len(value) > 1000:
        raise wanted("a pattern in quotes, at most 1000 characters,", value)
    try:
        Pattern(value)
    except BadPattern as error:
        raise Unfit(f"{error}; found {quoted(value)}") from None
    return value


def base(value: object) -> int:
    """10 or 16."""
    if value not in (10, 16) or isinstance(value, float):
        raise wanted("10 or 16", value)
    return int(value)


def patterned(place: str, board: dict[str, Any]) -> Iterator[str]:
    """A sentence for each thing in a [[boards]] table, as TOML gave it, without which its format finds nothing."""
    format, written, start, end = (board.get(key) for key in ("format", "pattern", "start", "end"))
    columns, unit = (board[key] if isinstance(board.get(key), list) else [] for key in ("columns", "unit"))
    names = [name for name in columns if isinstance(name, str)]
    if format == "block" and start is None and end is None:
        yield f"{place}.start: is missing; a block needs how its first line begins, or as `end` how its last one does"
    if format == "block" and start == end and isinstance(start, str):
        yield f"{place}.end: is the same as start, and so no line tells whether a block begins or ends; take one out"
    if format == "nmea" and (plain := [name for name in names if "=" not in name]):
        yield (
            f"{place}.columns: {quoted(plain[0])} has no place in sentences of many kinds; "
            'write "AIRTEMP=name" to call a sensor otherwise'
        )
    if format == "regex" and written in (None, ""):
        yield f"{place}.pattern: is missing; format = \"regex\" needs one, such as 'T=(?P<T>\\S+)'"
    elif format in ("regex", "block") and isinstance(written, str) and written:
        whole = format == "regex"
        yield from _of_groups(place, written, names, unit if whole else [], whole, _questions(board))


def _questions(board: dict[str, Any]) -> int:
    asked = board["ask"].get("question") if isinstance(board.get("ask"), dict) else None
    return len(asked) if isinstance(asked, list) else 1


def _of_groups(
    place: str, written: str, names: list[str], unit: list[Any], whole: bool, questions: int
) -> Iterator[str]:
    """whole: each group is found once, so that plain names are as many; or as the questions, of one value each."""
    try:
        groups = Pattern(written).groups
    except BadPattern:  # told by its own key
        return
    each = ", ".join(groups)
    strange = [name.rpartition("=")[0] for name in names if "=" in name and name.rpartition("=")[0] not in groups]
    if strange:
        yield f"{place}.columns: the pattern has no group {quoted(strange[0])}{nearest(strange[0], groups)}"
    plain = [name for name in names if "=" not in name]
    if plain and len(plain) == len(names) == questions > 1 and whole:
        if len([name for name in groups if name.casefold() not in ABOUT]) > 1:
            yield (
                f"{place}.columns: with {questions} questions each name is that of one answer's value, and the groups "
                f'of the pattern are {each}; write "{groups[0]}=name", or have one value in the pattern'
            )
        return
    if plain and whole and len(plain) != len(groups):
        yield f"{place}.columns: the groups of the pattern are {each}, and there are {len(plain)} names; give each one"
    if len(unit) not in (0, 1, len(groups)):
        yield f"{place}.unit: the groups of the pattern are {each}, and there are {len(unit)} units; give each one"

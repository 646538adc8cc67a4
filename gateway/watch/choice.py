"""What whoever looks has chosen to see, and what each key makes of it. Pure: bytes of a terminal in, a choice out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .table import Row

SORTS = ("board", "sensor", "value", "quality", "alarm", "missing", "late", "age")
WORST = ("lost", "offline", "unheard", "failed", "silent", "lent", "out_of_range", "stuck", "spike", "warming_up", "ok")
LONGEST = 60  # characters of a filter
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
NAMED = {
    b"\x1b[A": "up", b"\x1b[B": "down", b"\x1bOA": "up", b"\x1bOB": "down",
    b"\x1b[5~": "page up", b"\x1b[6~": "page down",
    b"\x1b[H": "home", b"\x1b[F": "end", b"\x1b[1~": "home", b"\x1b[4~": "end", b"\x1bOH": "home", b"\x1bOF": "end",
    b"\r": "enter", b"\n": "enter", b"\x7f": "back", b"\x08": "back", b"\x1b": "escape", b"\t": "tab",
    b"\x0c": "redraw",
    b"\x04": "q",
}  # fmt: skip
SEQUENCE = re.compile(rb"\x1b(?:\[[0-9;?]*[@-~]|O[@-~])|[\xc0-\xf7][\x80-\xbf]+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Choice:
    """sort, reverse: the order; filter: words that a row has; top: the first row; hidden, wanted: columns."""

    sort: str = "board"
    reverse: bool = False
    filter: str = ""
    top: int = 0
    view: str = "sensors"  # sensors | boards
    hidden: frozenset[str] = frozenset()
    wanted: tuple[str, ...] = ()
    typing: bool = False  # the filter
    picking: bool = False  # columns
    help: bool = False
    below: bool = False  # it was opened out of a fleet, to which q goes back
    paused: bool = False
    over: bool = False


def keys(data: bytes) -> Iterator[str]:
    """What was pressed: a character, or the name of a key."""
    for found in SEQUENCE.findall(data):
        name = NAMED.get(found) or found.decode(errors="ignore")
        if name.isprintable() and name:
            yield name


def pressed(choice: Choice, key: str, page: int, titles: Sequence[str], visible: Sequence[str]) -> Choice:
    """The choice after a key. page: rows on the screen; titles: columns to pick; visible: those shown."""
    if choice.typing:
        text, typing = edited(choice.filter, key)
        return replace(choice, filter=text, typing=typing, top=choice.top if text == choice.filter else 0)
    if choice.picking:
        return _picked(choice, key, titles, visible)
    if choice.help:
        return replace(choice, help=False, over=key == "q")
    match key:
        case "q":
            return replace(choice, over=True)
        case "s":
            return replace(choice, sort=SORTS[(SORTS.index(choice.sort) + 1) % len(SORTS)], reverse=False, top=0)
        case "r":
            return replace(choice, reverse=not choice.reverse, top=0)
        case "/":
            return replace(choice, typing=True, view="sensors", top=0)
        case "escape":
            return replace(choice, filter="", top=0)
        case "c":
            return replace(choice, picking=True, view="sensors")
        case "b" | "tab":
            return replace(choice, view="boards" if choice.view == "sensors" else "sensors", top=0)
        case "p" | " ":
            return replace(choice, paused=not choice.paused)
        case "?" | "h":
            return replace(choice, help=True)
    return replace(choice, top=max(0, choice.top + moved(key, page)))


def moved(key: str, page: int) -> int:
    """By how many rows the key moves; 0: it is none of those that do. page: rows on the screen."""
    end = 1 << 30
    ways = (("up", "k", -1), ("down", "j", 1), ("page up", "", -page), ("page down", "", page), ("home", "", -end))
    return next((step for name, other, step in (*ways, ("end", "", end)) if key in (name, other)), 0)


def edited(text: str, key: str) -> tuple[str, bool]:
    """A filter that is being typed after a key: its text, and whether it goes on being typed."""
    match key:
        case "enter":
            return text, False
        case "escape":
            return "", False
        case "back":
            return text[:-1], True
    return (text if len(key) > 1 else (text + key)[:LONGEST]), True


def arranged(rows: Sequence[Row], choice: Choice) -> Sequence[Row]:
    """The rows that have all words of the filter, in the chosen order. rows: by board and sensor."""
    words = choice.filter.casefold().split()
    if words:
        rows = [row for row in rows if all(word in _text(row) for word in words)]
    match choice.sort:
        case "board":
            found = list(rows)
        case "sensor":
            found = sorted(rows, key=lambda row: row.sensor.casefold())
        case "quality":
            found = sorted(rows, key=_rank)
        case "alarm":
            found = sorted(rows, key=lambda row: not row.alarm)
        case "missing":
            found = sorted(rows, key=lambda row: -row.missing)
        case _:
            found = sorted(rows, key=lambda row: _largest_first(getattr(row, choice.sort)))
    return found[::-1] if choice.reverse else found


def _picked(choice: Choice, key: str, titles: Sequence[str], visible: Sequence[str]) -> Choice:
    if key in ("enter", "escape"):
        return replace(choice, picking=False)
    place = LETTERS.find(key) if len(key) == 1 else -1
    if not 0 <= place < len(titles):
        return choice
    title = titles[place]
    others = tuple(one for one in choice.wanted if one != title)
    if title in visible:
        return replace(choice, wanted=others, hidden=choice.hidden | {title})
    return replace(choice, wanted=(title, *others), hidden=choice.hidden - {title})


def _text(row: Row) -> str:
    return f"{row.board}/{row.sensor} {row.stale or row.quality} {row.alarm}".casefold()


def _rank(row: Row) -> int:
    what = row.stale or row.quality
    return WORST.index(what) if what in WORST else len(WORST)


def _largest_first(value: float | None) -> tuple[bool, float]:
    return value is None, -(value or 0.0)

"""A list that is looked through: its order, its filter, the page of keys, and what each key makes of these. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ..live import Line
from ..shown import shown

Row = TypeVar("Row")

LONGEST = 60  # characters of a filter
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
class Listing:
    """sort, reverse: the order; filter: words that a row has, typing: which go on being typed; over: it was left."""

    sort: str
    reverse: bool = False
    filter: str = ""
    typing: bool = False
    help: bool = False
    over: bool = False


def keys(data: bytes) -> Iterator[str]:
    """What was pressed: a character, or the name of a key."""
    for found in SEQUENCE.findall(data):
        name = NAMED.get(found) or found.decode(errors="ignore")
        if name.isprintable() and name:
            yield name


def listed(listing: Listing, key: str, sorts: Sequence[str]) -> Listing | None:
    """The listing after a key; None: it is none of a listing's keys. sorts: the orders that there are."""
    if listing.typing:
        return _typed(listing, key)
    if listing.help:
        return replace(listing, help=False, over=key == "q")
    match key:
        case "q":
            return replace(listing, over=True)
        case "s":
            return replace(listing, sort=sorts[(sorts.index(listing.sort) + 1) % len(sorts)], reverse=False)
        case "r":
            return replace(listing, reverse=not listing.reverse)
        case "/":
            return replace(listing, typing=True)
        case "escape":
            return replace(listing, filter="")
        case "?" | "h":
            return replace(listing, help=True)
    return None


def rearranged(before: Listing, after: Listing) -> bool:
    """Whether other rows stand where they stood, so that one looks from the first on again."""
    return (before.sort, before.reverse, before.filter) != (after.sort, after.reverse, after.filter)


def kept(rows: Sequence[Row], listing: Listing, text: Callable[[Row], str]) -> Sequence[Row]:
    """The rows that have all words of the filter. text: of a row, in small letters."""
    words = listing.filter.casefold().split()
    return [row for row in rows if all(word in text(row) for word in words)] if words else rows


def foot(listing: Listing) -> str:
    """What its keys do now, for the last line."""
    order = f"s by {listing.sort}{' ↑' if listing.reverse else ''}"
    return f"{order}  / {shown(listing.filter, 20) or 'filter'}"


def typed(listing: Listing) -> Line:
    """The last line while a filter is typed."""
    return [(f" only with: {shown(listing.filter)}", "bold"), ("▏", ""), ("  Enter keeps it, Esc shows all", "dim")]


def moved(key: str, page: int) -> int:
    """By how many rows the key moves; 0: it is none of those that do. page: rows on the screen."""
    end = 1 << 30
    ways = (("up", "k", -1), ("down", "j", 1), ("page up", "", -page), ("page down", "", page), ("home", "", -end))
    return next((step for name, other, step in (*ways, ("end", "", end)) if key in (name, other)), 0)


def _typed(listing: Listing, key: str) -> Listing:
    match key:
        case "enter":
            return replace(listing, typing=False)
        case "escape":
            return replace(listing, typing=False, filter="")
        case "back":
            return replace(listing, filter=listing.filter[:-1])
    return listing if len(key) > 1 else replace(listing, filter=(listing.filter + key)[:LONGEST])

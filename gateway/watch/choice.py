"""What whoever looks has chosen to see, and what each key makes of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from .listing import Listing, kept, listed, moved, rearranged
from .table import Row

SORTS = ("board", "sensor", "value", "quality", "alarm", "missing", "late", "age")
WORST = ("lost", "offline", "unheard", "failed", "silent", "lent", "out_of_range", "stuck", "spike", "warming_up", "ok")
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Choice:
    """listing: order and filter; top: the first row; hidden, wanted: columns."""

    listing: Listing = field(default_factory=lambda: Listing(SORTS[0]))
    top: int = 0
    view: str = "sensors"  # sensors | boards
    hidden: frozenset[str] = frozenset()
    wanted: tuple[str, ...] = ()
    picking: bool = False  # columns
    below: bool = False  # it was opened out of a fleet, to which q goes back
    paused: bool = False


def pressed(choice: Choice, key: str, page: int, titles: Sequence[str], visible: Sequence[str]) -> Choice:
    """The choice after a key. page: rows on the screen; titles: columns to pick; visible: those shown."""
    if choice.picking:
        return _picked(choice, key, titles, visible)
    if (listing := listed(choice.listing, key, SORTS)) is not None:
        view = "sensors" if listing.typing else choice.view
        again = view != choice.view or rearranged(choice.listing, listing)
        return replace(choice, listing=listing, view=view, top=0 if again else choice.top)
    match key:
        case "c":
            return replace(choice, picking=True, view="sensors")
        case "b" | "tab":
            return replace(choice, view="boards" if choice.view == "sensors" else "sensors", top=0)
        case "p" | " ":
            return replace(choice, paused=not choice.paused)
    return replace(choice, top=max(0, choice.top + moved(key, page)))


def arranged(rows: Sequence[Row], choice: Choice) -> Sequence[Row]:
    """The rows that have all words of the filter, in the chosen order. rows: by board and sensor."""
    rows = kept(rows, choice.listing, _text)
    match choice.listing.sort:
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
            found = sorted(rows, key=lambda row: _largest_first(getattr(row, choice.listing.sort)))
    return found[::-1] if choice.listing.reverse else found


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

"""How a fleet looks on a terminal of any size: a row a gateway, and what each key makes of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ..live import GAP, Line, apart, cell, cells, cropped, joined
from ..shown import shown
from .fleet import MemberRow, states
from .listing import Listing, foot, kept, listed, moved, rearranged, typed
from .look import Link
from .picture import MAYBE, PATIENCE
from .table import NOTHING, counted, lasting, number, since

NAME, WRONG = 32, 20  # cells of a name at most, and that what is wrong gets at least
COLOURS = {"online": "green", "stale": "bold yellow", "lost": "bold red", "offline": "yellow"}
WORST = ("lost", "stale", "offline", "troubled", "online")
SORTS = ("worst", "gateway", "since", "readings/s", "spooled", "hours", "faults", "age")
FIRST = ("gateway", "state", "age", "boards", "readings/s", "faults", "spooled", "since", "hours", "clock", "version")
HELP = """ s      order by the next of {sorts}
 r      the other way round
 /      only gateways with these words in name, state, version, clock or fault; Esc: all
 Enter  opens the gateway of the marked row: its sensors and boards; q there comes back
 q      quit, as Ctrl-C; arrows, j k, PgUp PgDn, Home End: move

 state  online; stale: it says online, but has written nothing for 90 s, and one
        document is due every 30 s; lost: the broker says that its connection
        broke; offline: it was stopped
 age    seconds since its document was written (m, h, d: longer)
 clock  behind or ahead of this machine's by more than 2 s, or not set"""


@dataclass(frozen=True, slots=True)
class Moment:
    """A fleet at one moment. rubbish, worst, beyond: as of the Fleet; note: a sentence for whoever looks."""

    link: Link
    rows: Sequence[MemberRow]
    rubbish: int = 0
    worst: str = ""
    beyond: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Pick:
    """What was chosen to be seen. at: the marked row, top: the first on the screen; opened: a gateway's level."""

    listing: Listing = field(default_factory=lambda: Listing(SORTS[0]))
    at: int = 0
    top: int = 0
    opened: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a terminal of this size shows. pick: with places that there are; total: rows that there are."""

    pick: Pick
    head: Sequence[Line]
    room: int
    rows: Sequence[MemberRow]
    total: int


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    width: int
    text: Callable[[MemberRow], str]
    style: Callable[[MemberRow], str] = lambda row: ""
    right: bool = True


def struck(pick: Pick, key: str, sheet: Sheet) -> Pick:
    """The choice after a key, with that sheet before one's eyes."""
    if (listing := listed(pick.listing, key, SORTS)) is not None:
        return replace(pick, listing=listing, at=0 if rearranged(pick.listing, listing) else pick.at)
    if key == "enter":
        place = pick.at - sheet.pick.top
        return replace(pick, opened=sheet.rows[place].level) if 0 <= place < len(sheet.rows) else pick
    return replace(pick, at=max(0, min(pick.at + moved(key, sheet.room), sheet.total - 1)))


def sheet(moment: Moment, pick: Pick, width: int, height: int) -> Sheet:
    """Where everything is to stand."""
    head = [*_header(moment, width), []]
    rows = arranged(moment.rows, pick)
    room = max(1, height - len(head) - 2)
    at = max(0, min(pick.at, len(rows) - 1))
    top = max(0, min(max(pick.top, at - room + 1), at, len(rows) - room))
    return Sheet(replace(pick, at=at, top=top), head, room, rows[top : top + room], len(rows))


def sheet_lines(moment: Moment, drawn: Sheet, width: int, height: int) -> list[Line]:
    """At most `height` lines of at most `width` cells: how it goes, the gateways, the keys."""
    pick, out = drawn.pick, list(drawn.head)
    if pick.listing.help:
        out += [[(line, "")] for line in HELP.format(sorts=" ".join(SORTS)).splitlines()]
    elif drawn.rows:
        out += _table(drawn, width)
    elif pick.listing.filter and moment.rows:
        out.append([(f" no gateway with {shown(pick.listing.filter)}; Esc shows all", "italic")])
    else:
        why = MAYBE if moment.link.since > PATIENCE else ""
        out.append([(f" nothing has come of {shown(moment.link.topic)} yet{why}", "italic")])
    out = [*out[: height - 1], *[[] for _ in range(height - 1 - len(out))]] if height > 1 else out
    return [cropped(line, width) for line in [*out, _footer(drawn, width)][:height]]


def arranged(rows: Sequence[MemberRow], pick: Pick) -> list[MemberRow]:
    """The rows that have all words of the filter, in the chosen order. rows: by name."""
    found = list(kept(rows, pick.listing, _text))
    keys: dict[str, Callable[[MemberRow], float]] = {
        "worst": _rank,
        "since": lambda row: row.since if row.since is not None else float("inf"),
        "readings/s": lambda row: -(row.rate if row.rate is not None else -1.0),
        "spooled": lambda row: -(row.spooled or 0),
        "hours": lambda row: row.hours_left if row.hours_left is not None else float("inf"),
        "faults": lambda row: -len(row.faults),
        "age": lambda row: -row.age,
    }
    if pick.listing.sort in keys:
        found.sort(key=keys[pick.listing.sort])
    return found[::-1] if pick.listing.reverse else found


def summary(rows: Sequence[MemberRow]) -> str:
    """A fleet in one line."""
    parts = [f"{count:,} {state}" for state, count in states(rows).items() if count]
    text = f"{counted(len(rows), 'gateway')}: {', '.join(parts)}" if rows else counted(0, "gateway")
    rate, spooled = sum(row.rate or 0.0 for row in rows), sum(row.spooled or 0 for row in rows)
    return f"{text}; {rate:,.0f} readings/s, {spooled:,} in spools"


def _header(moment: Moment, width: int) -> list[Line]:
    left: Line = [(" gateway watch  ", "bold cyan")]
    for what, count in states(moment.rows).items():
        if count:
            left += [(f"{count:,} {what}", COLOURS[what]), (", ", "")]
    left = left[:-1] if len(left) > 1 else left
    link, rows = moment.link, moment.rows
    here = [row.boards for row in rows if row.state == "online"]
    boards = {state: sum(one.get(state, 0) for one in here) for state in ("online", "silent", "offline", "lent")}
    text = f" boards   {', '.join(f'{count:,} {state}' for state, count in boards.items() if count) or NOTHING}"
    text += f"   {sum(row.rate or 0.0 for row in rows):,.0f} readings/s"
    if spooled := sum(row.spooled or 0 for row in rows):
        text += f", {spooled:,} in {counted(sum(bool(row.spooled) for row in rows), 'spool')}"
    out = [apart(left, [(f"{link.where} ", "dim")], width), [(text, "")]]
    wrong = [moment.note] if moment.note else []
    if link.away is not None:
        wrong.append(f"no broker for {lasting(link.away)}: {shown(link.why, 300)}; below is how it was")
    if moment.rubbish:
        wrong.append(
            f"{counted(moment.rubbish, 'message')} that no gateway writes, the last on {shown(moment.worst, 120)}"
        )
    if moment.beyond:
        wrong.append(f"{counted(moment.beyond, 'message')} of more gateways than are kept here: whose are they?")
    return [cropped(line, width) for line in [*out, *([(f" ! {one}", "bold red")] for one in wrong)]]


def _table(drawn: Sheet, width: int) -> list[Line]:
    known = {one.title: one for one in _columns(drawn.rows)}
    left = width - 1 - GAP - WRONG
    taken: set[str] = set()
    for title in FIRST:
        if known[title].width + GAP > left and taken:
            break
        left -= known[title].width + GAP
        taken.add(title)
    columns = [one for one in known.values() if one.title in taken]
    mark = drawn.pick.listing.sort
    titles = [
        (cell(one.title, one.width, one.right), "bold underline" if one.title == mark else "bold") for one in columns
    ]
    out: list[Line] = [[(" ", ""), *joined([*titles, ("what is wrong", "bold")])]]
    for place, row in enumerate(drawn.rows, drawn.pick.top):
        here = " reverse" if place == drawn.pick.at else ""
        pieces = [(cell(one.text(row), one.width, one.right), one.style(row) + here) for one in columns]
        wrong = shown("; ".join(f"{name}: {text}" for name, text in row.faults.items()), 300)
        out.append([("▸" if here else " ", ""), *joined([*pieces, (wrong, "yellow")])])
    return out


def _columns(rows: Sequence[MemberRow]) -> list[_Column]:
    name = max(7, *(cells(shown(row.name, NAME)) for row in rows))
    return [
        _Column("gateway", name, lambda row: shown(row.name, NAME), lambda row: "bold", right=False),
        _Column("state", 7, lambda row: row.state, lambda row: COLOURS[row.state], right=False),
        _Column("since", 5, lambda row: NOTHING if row.since is None else since(row.since)),
        _Column("boards", 9, _boards, lambda row: "yellow" if _away(row) else ""),
        _Column("readings/s", 10, lambda row: NOTHING if row.rate is None else f"{row.rate:,.1f}"),
        _Column("spooled", 10, lambda row: NOTHING if row.spooled is None else f"{row.spooled:,}", _spooled),
        _Column("hours", 6, lambda row: number(row.hours_left, 0)),
        _Column("faults", 6, lambda row: str(len(row.faults)), lambda row: "bold red" if row.faults else "dim"),
        _Column("version", 9, lambda row: shown(row.version, 9), right=False),
        _Column("clock", 7, lambda row: row.clock or "ok", lambda row: "bold red" if row.clock else "dim", right=False),
        _Column("age", 5, lambda row: since(row.age), lambda row: "bold red" if row.state == "stale" else "dim"),
    ]


def _footer(drawn: Sheet, width: int) -> Line:
    pick = drawn.pick
    if pick.listing.typing:
        return typed(pick.listing)
    last = min(drawn.total, pick.top + drawn.room)
    where = f"{pick.top + 1}–{last} of {drawn.total:,} " if drawn.total > drawn.room else ""
    text = f" q quit  {foot(pick.listing)}  Enter opens it  ? help"
    return apart([(text, "dim")], [(where, "bold")], width)


def _boards(row: MemberRow) -> str:
    total = sum(row.boards.values())
    if not row.boards:
        return NOTHING
    return f"{row.boards.get('online', 0)} of {total}" if _away(row) else f"{total}"


def _away(row: MemberRow) -> bool:
    return sum(row.boards.values()) != row.boards.get("online", 0)


def _spooled(row: MemberRow) -> str:
    return "yellow" if row.spooled else "dim"


def _rank(row: MemberRow) -> int:
    troubled = row.state == "online" and (row.faults or row.clock or _away(row))
    return WORST.index("troubled" if troubled else row.state)


def _text(row: MemberRow) -> str:
    clock = f"clock {row.clock}" if row.clock else ""
    faults = " ".join([*row.faults, *row.faults.values()])
    return f"{row.name} {row.state} {row.version} {clock} {faults}".casefold()

"""How one moment of a watched gateway looks on a terminal of any size: lines of styled text. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..live import Line, apart, cells, cropped
from ..shown import shown
from .boards import boards
from .choice import LETTERS, SORTS, Choice, arranged
from .heading import TALL, header
from .listing import foot, typed
from .look import Look
from .table import FEATURES, NAME, Column, Row, columns, counted, fitting, lines

OLD = 30.0  # s without a reading before a sensor's age is marked
PATIENCE, MAYBE = 5.0, ": is that its name, and may this user read it?"  # s for what is retained to come
WIDE = 110  # of a terminal that has room for long names
SHORTEST = 6  # cells of a name, at most, where a terminal is narrow
FIRST = (
    "board",
    "sensor",
    "value",
    "quality",
    "alarm",
    "age",
    "normalized",
    "feature",
    "missing",
    "late",
    "mean",
    "std",
)
HELP = """ s      order by the next of {sorts}
 r      the other way round
 /      only sensors with these words in board, name, quality or alarm; Esc: all
 c      pick columns
 b Tab  boards and their links, or sensors
 p      hold this moment, and go on; what arrives is counted all the same
 q      quit, as Ctrl-C; arrows, j k, PgUp PgDn, Home End: move

 missing  readings that a newer one of their sensor has overtaken; what the
          spool holds may still come
 late     this machine's clock as it arrived, less the gateway's as it was read
 quality  of the newest reading, or why that is not of now: silent, failed,
          offline, lost, lent; unheard: there is no broker
 age      seconds since the newest reading arrived (m, h, d: longer)"""


@dataclass(frozen=True, slots=True)
class Page:
    """What a terminal of this size shows. choice: with a place that is there."""

    choice: Choice
    head: Sequence[Line]
    room: int  # lines for rows
    rows: Sequence[Row]
    total: int  # rows that there are to be moved through
    titles: Sequence[str]  # of all columns
    columns: Sequence[Column]


def page(look: Look, choice: Choice, width: int, height: int) -> Page:
    """Where everything is to stand."""
    head = header(look, choice, width, height)
    if choice.view == "sensors" and height >= TALL and look.boards:
        above = boards(look.boards[: max(1, min(12, height // 5))], width)
        if more := len(look.boards) - len(above) + 1:
            above.append([(f" … and {counted(more, 'board')} more; b shows them", "dim")])
        head += [*above, []]
    rows = arranged(look.rows, choice)
    total = len(look.boards) if choice.view == "boards" else len(rows)
    room = max(0, height - len(head) - 2)
    top = max(0, min(choice.top, total - room))
    seen = rows[top : top + room]
    keys = [*dict.fromkeys([*FEATURES, *(key for row in seen for key in row.features)])]
    name = 2 * NAME if width >= WIDE else min(NAME, max(SHORTEST, width // 5))
    every = columns(seen, OLD, keys, name)
    titles = [one.title for one in every]
    first = [choice.listing.sort, *choice.wanted]  # what they are in order by is seen
    wanted = [*dict.fromkeys([*first, *FIRST, *titles])]
    wanted = [title for title in wanted if title not in choice.hidden]
    if not any(row.alarm for row in look.rows) and "alarm" not in first:
        wanted = [title for title in wanted if title != "alarm"]
    names = [title for title in ("board", "sensor") if title in wanted]
    wanted = [*names, *(title for title in wanted if title not in names)]
    return Page(replace(choice, top=top), head, room, seen, total, titles, fitting(every, wanted, width))


def picture(look: Look, page: Page, width: int, height: int) -> list[Line]:
    """At most `height` lines of at most `width` cells: how it goes, then the sensors or boards, then the keys."""
    choice, out = page.choice, list(page.head)
    last = footer(page, width)
    if choice.listing.help:
        text = HELP.format(sorts=" ".join(SORTS)).splitlines()
        out = [*(out if len(out) + len(text) < height else []), *([(line, "")] for line in text)]
    elif choice.view == "boards":
        out += boards(look.boards[choice.top : choice.top + page.room], width)
    elif page.rows:
        out += lines(page.rows, page.columns, choice.listing.sort)
    else:
        out.append([(f" {_empty(look, page)}", "italic")])
    room = max(0, height - len(last))
    out = [*out[:room], *[[] for _ in range(room - len(out))]]
    return [cropped(line, width) for line in [*out, *last][:height]]


def footer(page: Page, width: int) -> list[Line]:
    """What the keys do now, and where in the rows one is: a line, or as many as there have to be."""
    choice = page.choice
    if choice.listing.typing:
        return [typed(choice.listing)]
    if choice.picking:
        return _to_pick(page, width)
    last = min(page.total, choice.top + page.room)
    where = f"{choice.top + 1}–{last} of {page.total:,} " if page.total > page.room > 0 else ""
    other = "sensors" if choice.view == "boards" else "boards"
    leave = "back" if choice.below else "quit"
    text = f" q {leave}  {foot(choice.listing)}  c columns  b {other}  p {'go on' if choice.paused else 'hold'}  ? help"
    return [apart([(text, "dim")], [(where, "bold")], width)]


def _to_pick(page: Page, width: int) -> list[Line]:
    """Each column with the letter that picks it."""
    visible = {one.title for one in page.columns}
    out: list[Line] = [[(" columns ", "bold"), (" Enter: done ", "dim")]]
    used = sum(cells(text) for text, _ in out[0])
    for letter, title in zip(LETTERS, page.titles, strict=False):
        wide = cells(title) + 3
        if used + wide > width:
            out.append([])
            used = 0
        used += wide
        out[-1] += [(f" {letter} ", "cyan"), (title, "bold" if title in visible else "dim")]
    return out


def _empty(look: Look, page: Page) -> str:
    if page.total:
        return f"{counted(page.total, 'sensor')}, and no room for a line"
    if page.choice.listing.filter and look.rows:
        return f"no sensor with {shown(page.choice.listing.filter)}; Esc shows all"
    if not look.state:
        return f"nothing has come of {shown(look.link.topic)} yet{MAYBE if look.link.since > PATIENCE else ''}"
    return "no sensor yet"

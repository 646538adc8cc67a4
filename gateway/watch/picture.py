"""How one moment of a watched gateway looks on a terminal of any size: lines of styled text. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..instants import instant
from ..live import Line, apart, cropped
from ..shown import shown
from .boards import STATES, boards
from .choice import LETTERS, SORTS, Choice, arranged
from .listing import foot, typed
from .look import Look
from .table import FEATURES, NAME, Column, Row, columns, counted, fitting, lasting, lines, number, spelt

OLD = 30.0  # s without a reading before a sensor's age is marked
PATIENCE, MAYBE = 5.0, ": is that its name, and may this user read it?"  # s for what is retained to come
QUIET = 90.0  # s without a document, of which one is due every 30 s
TALL, WIDE = 36, 110  # of a terminal that has room for the boards above the sensors, and for long names
LOW, LEAST = 10, 5  # of one that has room for one sentence of what is wrong, and lines for titles, three rows and keys
SHORTEST = 6  # cells of a name, at most, where a terminal is narrow
FIRST = (
    "board",
    "sensor",
    "value",
    "quality",
    "age",
    "normalized",
    "feature",
    "missing",
    "late",
    "alarm",
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
    if choice.listing.help:
        out += [[(line, "")] for line in HELP.format(sorts=" ".join(SORTS)).splitlines()[: height - len(out) - 1]]
    elif choice.view == "boards":
        out += boards(look.boards[choice.top : choice.top + page.room], width)
    elif page.rows:
        out += lines(page.rows, page.columns, choice.listing.sort)
    else:
        out.append([(f" {_empty(look, page)}", "italic")])
    out = [*out[: height - 1], *[[] for _ in range(height - 1 - len(out))]] if height > 1 else out
    return [cropped(line, width) for line in [*out, footer(page, width)][:height]]


def header(look: Look, choice: Choice, width: int, height: int) -> list[Line]:
    """How it goes: which gateway, what arrived, its ledger, its spool, its boards, and what is wrong."""
    text, style = _state(look)
    left: Line = [(" gateway watch  ", "bold cyan"), (shown(look.gateway, 40), "bold"), ("  ", ""), (text, style)]
    right = [("HELD ", "bold reverse")] if choice.paused else []
    out = [apart(left, [*right, (f"{look.link.where} ", "dim")], width), _arrived(look), _ledger(look), _spool(look)]
    out.append(_boards(look))
    wrong = _marked(list(_wrong(look)), height)
    order = [*out[:1], *wrong, out[4], out[1], out[2], out[3]]  # what is left out first on a low terminal is last
    kept = order[: max(1, height - LEAST)]
    found = [line for line in [*out, *wrong] if any(line is one for one in kept)]
    if height - LEAST > len(found):
        found.append([])
    return [cropped(line, width) for line in found]


def _marked(wrong: Sequence[str], height: int) -> list[Line]:
    """As many of these sentences as a terminal of that height has room for, and how many there are beside them."""
    if len(wrong) > 1 and height < LOW:
        return [[(f" ! 1 of {len(wrong)}: {wrong[0]}", "bold red")]]
    most = 6 if height >= TALL else 4 if height >= 30 else 2
    out: list[Line] = [[(f" ! {one}", "bold red")] for one in wrong[: most if len(wrong) <= most else most - 1]]
    if len(wrong) > most:
        out.append([(f" ! and {len(wrong) - most + 1} more", "bold red")])
    return out


def footer(page: Page, width: int) -> Line:
    """What the keys do now, and where in the rows one is."""
    choice = page.choice
    if choice.listing.typing:
        return typed(choice.listing)
    if choice.picking:
        visible = {one.title for one in page.columns}
        pick: Line = [(" columns ", "bold")]
        for letter, title in zip(LETTERS, page.titles, strict=False):
            pick += [(f" {letter} ", "cyan"), (title, "bold" if title in visible else "dim")]
        return apart(pick, [("Enter: done ", "dim")], width)
    last = min(page.total, choice.top + page.room)
    where = f"{choice.top + 1}–{last} of {page.total:,} " if page.total > page.room > 0 else ""
    other = "sensors" if choice.view == "boards" else "boards"
    leave = "back" if choice.below else "quit"
    text = f" q {leave}  {foot(choice.listing)}  c columns  b {other}  p {'go on' if choice.paused else 'hold'}  ? help"
    return apart([(text, "dim")], [(where, "bold")], width)


def _state(look: Look) -> tuple[str, str]:
    if look.link.away is not None:
        return f"no broker for {lasting(look.link.away)}", "bold red"
    told = look.told
    if not look.state:
        return "nothing heard yet", "bold yellow"
    if look.state == "offline" and told is not None:
        what = (
            "it was stopped"
            if told.reason == "stopped"
            else "its connection broke"
            if told.reason == "lost"
            else told.reason
        )
        return f"offline: {shown(what)}", "bold red"
    version = f", version {shown(told.version, 20)}" if told is not None and told.version else ""
    return f"online, run {shown(look.run, 14)}{version}", "green"


def _arrived(look: Look) -> Line:
    out: Line = [(" received ", ""), (f"{look.received:,}", "bold"), (", missing ", ""), _bad(look.missing)]
    out += [(", twice ", ""), (f"{look.duplicates:,}", ""), (f"  {look.rate:,.0f}/s", "bold")]
    return [*out, (f"  {latency(look)}", "")]


def latency(look: Look) -> str:
    """How long readings took, as honestly as two clocks can tell."""
    if look.late is None:
        return ""
    least, half, most = look.late
    if least < -0.002:
        return f"latency not known: this clock is {spelt(-least)} or more behind the gateway's"
    said = f"latency {spelt(half)} (half) {spelt(most)} (99 %)"
    return said if look.link.near else f"{said}, by two clocks"


def _ledger(look: Look) -> Line:
    told = look.told
    if told is None or "readings" not in told.counts:
        return [(" ledger   not heard of yet", "dim")]
    counts = told.counts
    came = counts["readings"] + counts.get("inherited", 0)
    out: Line = [(f" ledger   {came:,} in = {counts.get('acknowledged', 0):,} acknowledged", "")]
    parts = (
        ("sent_unacknowledged", "sent"),
        ("in_flight", "in flight"),
        ("spooled", "spooled"),
        ("condensed", "condensed"),
    )
    for key, name in parts:
        if counts.get(key) or key == "in_flight":
            out.append((f" + {counts.get(key, 0):,} {name}", ""))
    if told.dropped:
        out += [(" + ", ""), _bad(told.dropped), (" dropped", "")]
    if told.balanced is not None:
        out += [(", ", ""), ("balanced", "green") if told.balanced else ("not balanced", "bold red")]
    if look.told_age is not None and look.told_age >= 1:
        out.append((f", {lasting(look.told_age)} ago", "dim"))
    return out


def _spool(look: Look) -> Line:
    told = look.told
    if told is None or told.spool_bytes is None:
        return []
    spooled = told.counts.get("spooled", 0)
    text = f" spool    {spooled:,} readings, {told.spool_bytes / 1e6:,.1f} MB"
    if told.spool_oldest is not None and spooled:
        text += f", the oldest of {instant(told.spool_oldest)[:19].replace('T', ' ')}"
    if told.hours_left is not None:
        text += f", room for {number(told.hours_left, 0)} h"
    if told.workers is not None:
        text += f"   pool {counted(told.workers, 'worker')}"
    return [(text if spooled else text.replace(" 0 readings,", " empty,"), "yellow" if spooled else "")]


def _boards(look: Look) -> Line:
    if not look.boards:
        return [(" boards   not heard of yet", "dim")]
    states = [row.state for row in look.boards]
    out: Line = [(" boards   ", "")]
    for state in ("online", "silent", "offline", "lent"):
        if states.count(state):
            out += [(f"{states.count(state)} {state}", STATES[state]), (", ", "")]
    out[-1] = (f", {counted(len(look.rows), 'sensor')}", "")
    away = [row for row in look.boards if row.state != "online"]
    if away:
        texts = [
            f"{shown(row.board, NAME)} {row.state}{'' if row.since is None else ' for ' + lasting(row.since)}"
            for row in away[:20]
        ]
        out.append((f"; {', '.join(texts)}", "yellow"))
    return out


def _wrong(look: Look) -> Iterator[str]:
    """What is wrong, a sentence each, the worst first."""
    if look.link.away is not None:
        yield f"no connection to the broker: {shown(look.link.why, 300)}; it is tried again and again"
    if look.doubt:
        yield look.doubt
    if look.state == "online" and look.told_age is not None and look.told_age > QUIET and not look.link.away:
        yield f"its last status document is {look.told_age:.0f} s old, and one is due every 30 s"
    if look.told is not None and look.told.clock == "unsynced":
        yield "its clock has not been set: its times are not to be believed"
    if look.told is not None:
        for name, text in look.told.faults.items():
            yield shown(f"{name}: {text}", 400)
    for row in look.boards:
        for name, text in row.told.faults.items() if row.told else ():
            yield shown(f"{row.board}, {name}: {text}", 400)
    if look.strangers:
        yield f"{counted(look.strangers, 'reading')} of another run: is there a second gateway of this name?"
    if look.rubbish:
        yield f"{counted(look.rubbish, 'message')} that no gateway writes, the last on {shown(look.worst, 120)}"
    if look.beyond:
        yield f"{counted(look.beyond, 'message')} of more boards and sensors than are kept here"


def _empty(look: Look, page: Page) -> str:
    if page.total:
        return f"{counted(page.total, 'sensor')}, and no room for a line"
    if page.choice.listing.filter and look.rows:
        return f"no sensor with {shown(page.choice.listing.filter)}; Esc shows all"
    if not look.state:
        return f"nothing has come of {shown(look.link.topic)} yet{MAYBE if look.link.since > PATIENCE else ''}"
    return "no sensor yet"


def _bad(count: int) -> tuple[str, str]:
    return (f"{count:,}", "bold red" if count else "")

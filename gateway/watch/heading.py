"""The head of a watched gateway's picture: who it is, what came, ledger, spool, boards, and what is wrong. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..instants import instant
from ..live import Line, apart, cropped
from ..shown import shown
from .boards import STATES
from .choice import Choice
from .look import Look
from .table import NAME, counted, lasting, number, spelt

QUIET = 90.0  # s without a document, of which one is due every 30 s
NARROW = 60  # of one without room for what it is and where
TALL = 36  # of one that has room for the boards above the sensors
LOW, LEAST = 10, 5  # of one that has room for one sentence of what is wrong, and lines for titles, three rows and keys


def header(look: Look, choice: Choice, width: int, height: int) -> list[Line]:
    """How it goes: which gateway, what arrived, its ledger, its spool, its boards, and what is wrong."""
    text, style = _state(look)
    left: Line = [(" gateway watch  ", "bold cyan"), (shown(look.gateway, 40), "bold"), ("  ", ""), (text, style)]
    right: Line = [("HELD ", "bold reverse")] if choice.paused else []
    if width >= NARROW:
        right.append((f"{look.link.where} ", "dim"))
    else:  # how it is comes before where it is
        left[0] = (" ", "")
    out = [apart(left, right, width), _arrived(look), _ledger(look), _spool(look)]
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
        age = f"{look.told_age:.0f} s" if look.told_age < 1000 else lasting(look.told_age)
        yield f"its last status document is {age} old, and one is due every 30 s"
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


def _bad(count: int) -> tuple[str, str]:
    return (f"{count:,}", "bold red" if count else "")

"""How one moment of the demo looks on a terminal of any size: lines of styled text. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..live import Line, apart, cropped
from ..watch.table import Column, Row, columns, counted, fitting, lines, spelt

PROGRESS = 12  # cells
WANTED = ("board", "sensor", "value", "quality", "normalized", "feature", "mean", "std", "age")
"""Columns, in the order of their worth."""
OLD = 2.0  # s without a reading, and 5 intervals, before a sensor's age is marked


@dataclass(frozen=True, slots=True)
class Look:
    """The demo at one moment. Times in s."""

    phase: str  # what is going on, a sentence; "" while the boards talk
    rows: Sequence[Row]
    boards: int
    hz: float  # records of a board, as asked for
    elapsed: float
    seconds: float  # 0: until Ctrl-C
    received: int
    missing: int
    duplicates: int
    rate: float  # readings/s, of late
    p50: float | None
    p99: float | None
    status: Mapping[str, Any]  # the gateway's newest document, {} before the first
    status_age: float
    port: int | None  # of the broker, while it is there
    page: int | None = None  # the port of the web page, where there is one


def picture(look: Look, width: int, height: int) -> list[Line]:
    """At most `height` lines of at most `width` cells: how it goes, then the sensors, as many as fit."""
    out = [*header(look, width), []]
    room = max(0, height - len(out) - 1)
    rows = look.rows if len(look.rows) <= room else look.rows[: max(0, room - 1)]
    if look.received == 0:
        return [*out, cropped([(f" {look.phase or 'waiting for the first reading'} …", "italic")], width)][:height]
    out += lines(rows, shown_columns(look, width))
    if more := len(look.rows) - len(rows):
        out.append([(f" … and {counted(more, 'sensor')} more; a taller terminal shows them", "dim")])
    return [cropped(line, width) for line in out[:height]]


def header(look: Look, width: int) -> list[Line]:
    """How it goes: what runs for how long, what arrived, the ledger, the way in."""
    scale = f"{counted(look.boards, 'board')}, {counted(len(look.rows), 'sensor')}, {look.hz:g} records/s each"
    left: Line = [(" gateway demo", "bold cyan"), (f"  {scale}", "")]
    counts: Line = [(" received ", ""), (f"{look.received:,}", "bold"), (", missing ", "")]
    counts += [_bad(look.missing), (", twice ", ""), _bad(look.duplicates), (f"  {look.rate:,.0f}/s", "bold")]
    if look.p50 is not None and look.p99 is not None:
        counts.append((f"  latency {spelt(look.p50)} (half) {spelt(look.p99)} (99 %)", ""))
    lines = [apart(left, progress(look), width), counts, ledger(look), *ways_in(look)]
    return [cropped(line, width) for line in lines]


def ways_in(look: Look) -> Iterator[Line]:
    """Where else it is to be seen."""
    if look.page is not None:
        yield [(" page     ", ""), (f"http://127.0.0.1:{look.page}/", "cyan")]
    if look.port is not None:
        told = f"mosquitto_sub -p {look.port} -t 'gateway/#' -v"
        yield [(f" broker   127.0.0.1:{look.port}   ", ""), (told, "cyan")]


def progress(look: Look) -> Line:
    """How far it is."""
    if look.phase:
        return [(f"{look.phase} ", "italic")] if look.received else []
    if not look.seconds:
        return [(f"{look.elapsed:.0f} s, until Ctrl-C ", "")]
    done = round(PROGRESS * min(1.0, look.elapsed / look.seconds))
    text = f"{min(look.elapsed, look.seconds):.0f} s of {look.seconds:g} s "
    return [(text, ""), ("━" * done, "cyan"), ("━" * (PROGRESS - done), "dim"), (" ", "")]


def ledger(look: Look) -> Line:
    """The gateway's own counts, out of its status document."""
    status = look.status
    if not status:
        return [(" ledger   not heard of yet", "dim")]
    dropped = sum(status.get("dropped", {}).values())
    line: Line = [(f" ledger   {status.get('readings', 0):,} in = {status.get('acknowledged', 0):,} acknowledged", "")]
    line += [(f" + {status.get('in_flight', 0):,} in flight + ", ""), _bad(dropped), (" dropped, ", "")]
    line.append(("balanced", "green") if status.get("balanced") else ("not balanced", "bold red"))
    if look.status_age >= 1:
        line.append((f", {look.status_age:.0f} s ago", "dim"))
    return line


def shown_columns(look: Look, width: int) -> list[Column]:
    """The columns that fit into `width`."""
    return fitting(columns(look.rows, max(OLD, 5.0 / look.hz)), WANTED, width)


def plain(look: Look) -> str:
    """One line of progress, for where there is no such terminal."""
    of = f" of {look.seconds:g}" if look.seconds else ""
    text = f"{look.elapsed:.0f}{of} s: {look.received} readings received, {look.missing} missing, {look.rate:.0f}/s"
    if look.p50 is None or look.p99 is None:
        return text
    return f"{text}, latency {spelt(look.p50)} (half), {spelt(look.p99)} (99 %)"


def _bad(count: int) -> tuple[str, str]:
    return (f"{count:,}", "bold red" if count else "")

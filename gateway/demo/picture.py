"""How one moment of the demo looks on a terminal of any size: lines of styled text. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..live import GAP, Line, apart, cell, cells, cropped, joined, spark
from ..shown import shown
from .judge import RECENT, Row
from .verdict import counted, spelt

NOTHING = "–"
COLOURS = {"ok": "green", "warming_up": "cyan", "spike": "magenta", "stuck": "yellow", "out_of_range": "bold red"}
LEAST_SPARK, PROGRESS = 12, 12  # cells
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
    port: int  # of the broker


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table. text and style: of a row's cell."""

    title: str
    width: int
    text: Callable[[Row], str]
    style: Callable[[Row], str] = lambda row: ""
    right: bool = False


def picture(look: Look, width: int, height: int) -> list[Line]:
    """At most `height` lines of at most `width` cells: how it goes, then the sensors, as many as fit."""
    lines = [*header(look, width), []]
    fitting = columns(look, width)
    room = max(0, height - len(lines) - 1)
    rows = look.rows if len(look.rows) <= room else look.rows[: max(0, room - 1)]
    if look.received == 0:
        return [*lines, cropped([(f" {look.phase or 'waiting for the first reading'} …", "italic")], width)][:height]
    lines.append([(" ", ""), *joined([(cell(one.title, one.width, one.right), "bold") for one in fitting])])
    board = None
    for row in rows:
        texts = ["" if one.title == "board" and row.board == board else one.text(row) for one in fitting]
        pieces = [(cell(text, one.width, one.right), one.style(row)) for text, one in zip(texts, fitting, strict=True)]
        board = row.board
        lines.append([(" ", ""), *joined(pieces)])
    if more := len(look.rows) - len(rows):
        lines.append([(f" … and {counted(more, 'sensor')} more; a taller terminal shows them", "dim")])
    return [cropped(line, width) for line in lines[:height]]


def header(look: Look, width: int) -> list[Line]:
    """How it goes: what runs for how long, what arrived, the ledger, the way in."""
    scale = f"{counted(look.boards, 'board')}, {counted(len(look.rows), 'sensor')}, {look.hz:g} records/s each"
    left: Line = [(" gateway demo", "bold cyan"), (f"  {scale}", "")]
    counts: Line = [(" received ", ""), (f"{look.received:,}", "bold"), (", missing ", "")]
    counts += [_bad(look.missing), (", twice ", ""), _bad(look.duplicates), (f"  {look.rate:,.0f}/s", "bold")]
    if look.p50 is not None and look.p99 is not None:
        counts.append((f"  latency {spelt(look.p50)} (half) {spelt(look.p99)} (99 %)", ""))
    way_in: Line = [
        (f" broker   127.0.0.1:{look.port}   ", ""),
        (f"mosquitto_sub -p {look.port} -t 'gateway/#' -v", "cyan"),
    ]
    lines = [apart(left, progress(look), width), counts, ledger(look), way_in]
    return [cropped(line, width) for line in lines]


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


def columns(look: Look, width: int) -> list[Column]:
    """The columns that fit into `width`, in their order. The line of recent values takes what is left, up to 40."""
    names = max([5, *(cells(shown(row.board, 16)) for row in look.rows)])
    sensors = max([6, *(cells(shown(row.sensor, 16)) for row in look.rows)])
    old = max(OLD, 5.0 / look.hz)
    every = [
        Column("board", names, lambda row: shown(row.board, 16), lambda row: "bold"),
        Column("sensor", sensors, lambda row: shown(row.sensor, 16)),
        Column("value", 10, _value, lambda row: "bold red" if row.quality == "out_of_range" else "bold", right=True),
        Column("normalized", 10, lambda row: number(row.normalized, 4), right=True),
        Column("feature", 8, lambda row: number(row.feature, 4), right=True),
        Column("mean", 8, lambda row: number(row.mean, 3), right=True),
        Column("std", 7, lambda row: number(row.std, 3), right=True),
        Column("quality", 12, lambda row: shown(row.quality, 12), lambda row: COLOURS.get(row.quality, "")),
        Column("age", 5, _age, lambda row: "bold red" if row.age is not None and row.age > old else "dim", right=True),
    ]
    wanted = ("board", "sensor", "value", "quality", "normalized", "feature", "mean", "std", "age")  # in this order
    left = width - 2 - LEAST_SPARK
    taken = set()
    for column in sorted(every, key=lambda one: wanted.index(one.title)):
        if column.width + GAP > left:
            break
        left -= column.width + GAP
        taken.add(column.title)
    size = max(1, min(RECENT, LEAST_SPARK + left))
    line = Column("last values", size, lambda row: spark(row.recent, size), lambda row: "cyan")
    fitting = [column for column in every if column.title in taken]
    return [*fitting, line] if width >= LEAST_SPARK + 2 else fitting


def number(value: float | None, digits: int) -> str:
    """A number for a narrow column."""
    if value is None:
        return NOTHING
    return f"{value:.{digits}f}" if abs(value) < 1000 else f"{value:.4g}"


def plain(look: Look) -> str:
    """One line of progress, for where there is no such terminal."""
    of = f" of {look.seconds:g}" if look.seconds else ""
    text = f"{look.elapsed:.0f}{of} s: {look.received} readings received, {look.missing} missing, {look.rate:.0f}/s"
    if look.p50 is None or look.p99 is None:
        return text
    return f"{text}, latency {spelt(look.p50)} (half), {spelt(look.p99)} (99 %)"


def _bad(count: int) -> tuple[str, str]:
    return (f"{count:,}", "bold red" if count else "")


def _value(row: Row) -> str:
    return f"{number(row.value, 2)} {shown(row.unit, 6)}".strip()


def _age(row: Row) -> str:
    if row.age is None:
        return NOTHING
    return f"{row.age:.1f}" if row.age < 100 else f"{row.age:.0f}"

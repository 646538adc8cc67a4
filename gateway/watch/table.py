"""The table of sensors as any live view shows it: what a row is, the columns, and those that fit. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..live import GAP, Line, cell, cells, joined, spark
from ..shown import shown

NOTHING = "–"
COLOURS = {
    "ok": "green", "warming_up": "cyan", "spike": "magenta", "stuck": "yellow", "out_of_range": "bold red",
    "silent": "bold yellow", "failed": "bold red", "offline": "bold red", "lost": "bold red", "lent": "yellow",
    "unheard": "yellow",
}  # fmt: skip
RECENT, LEAST_SPARK = 40, 12  # values of a sensor that are drawn, cells that they get at least
VALUE = 10  # cells of a value with its unit; where that is too long it is cut, and never the number
NAME = 16  # cells of a name, at most, where there is room for no more
FEATURES = {"normalized": (10, 4), "feature": (8, 4), "mean": (8, 3), "std": (7, 3)}
"""Of those that are always there, and the usual ones: width and digits."""
OTHERS = (8, 3)
SHORT = (("m", 60), ("h", 3600), ("d", 86_400))
LONG = (("s", 1), ("min", 60), ("h", 3600), ("days", 86_400))


@dataclass(frozen=True, slots=True)
class Row:
    """One sensor as it can be drawn. Numbers are None where there is none yet. Times in s."""

    board: str
    sensor: str
    unit: str = ""
    value: float | None = None
    features: Mapping[str, float | None] = field(default_factory=dict)
    quality: str = ""
    recent: Sequence[float] = ()
    age: float | None = None  # since the last reading arrived
    stale: str = ""  # why its value is not of now: silent, offline, …
    alarm: str = ""
    missing: int = 0
    late: float | None = None  # from the reading until it was here


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table. text and style: of a row's cell."""

    title: str
    width: int
    text: Callable[[Row], str]
    style: Callable[[Row], str] = lambda row: ""
    right: bool = False


def columns(
    rows: Sequence[Row], old: float, features: Sequence[str] = tuple(FEATURES), name: int = NAME
) -> list[Column]:
    """All columns but the line of values. old: s after which an age is marked; name: cells of a name at most."""
    boards = max([5, *(min(name, cells(shown(row.board, name))) for row in rows)])
    sensors = max([6, *(min(name, cells(shown(row.sensor, name))) for row in rows)])
    return [
        Column("board", boards, lambda row: shown(row.board, name), lambda row: "bold"),
        Column("sensor", sensors, lambda row: shown(row.sensor, name)),
        Column("value", VALUE, _value, _value_style, right=True),
        *(_feature(name) for name in features),
        Column("quality", 12, lambda row: shown(row.stale or row.quality, 12), _quality_style),
        Column("alarm", 5, lambda row: row.alarm, lambda row: "bold red"),
        Column("missing", 7, lambda row: f"{row.missing:,}", _missing_style, right=True),
        Column("late", 7, lambda row: NOTHING if row.late is None else spelt(row.late), right=True),
        Column("age", 5, _age, lambda row: "bold red" if row.age is not None and row.age > old else "dim", right=True),
    ]  # fmt: skip


def fitting(every: Sequence[Column], wanted: Sequence[str], width: int) -> list[Column]:
    """Those of `wanted` that fit into `width`, the first ones first, in the order of `every`; and the line of values.

    That takes what is left, up to RECENT; where the first three have no room beside it, it is what is missing.
    """
    known = {column.title: column for column in every}
    first = sum(known[title].width + GAP for title in [one for one in wanted if one in known][:3])
    kept = LEAST_SPARK if first <= width - 2 - LEAST_SPARK else 0
    left, taken = width - 2 - kept, set()
    for title in wanted:
        if title not in known:
            continue
        if known[title].width + GAP > left:
            break
        left -= known[title].width + GAP
        taken.add(title)
    found = [column for column in every if column.title in taken]
    size = min(RECENT, kept + left)
    line = Column("last values", size, lambda row: spark(tuple(row.recent), size), lambda row: "cyan")
    return [*found, line] if size >= LEAST_SPARK else found


def lines(rows: Sequence[Row], shown_columns: Sequence[Column], mark: str = "") -> list[Line]:
    """The titles, and a line for each row; a board is named once. mark: the title by which they are in order."""
    titles: Line = [
        (cell(one.title, one.width, one.right), "bold underline" if one.title == mark else "bold")
        for one in shown_columns
    ]
    out: list[Line] = [[(" ", ""), *joined(titles)]]
    board = None
    for row in rows:
        texts = ["" if one.title == "board" and row.board == board else one.text(row) for one in shown_columns]
        pieces = [
            (cell(text, one.width, one.right), one.style(row)) for text, one in zip(texts, shown_columns, strict=True)
        ]
        board = row.board
        out.append([(" ", ""), *joined(pieces)])
    return out


def number(value: float | None, digits: int, width: int = 8) -> str:
    """A number for a column of that width: with as many digits, at most, as it has room for; any has in 7."""
    if value is None:
        return NOTHING
    if abs(value) < 10**width:
        for fewer in range(digits, -1, -1):
            if len(text := f"{value:.{fewer}f}") <= width:
                return text
    return next((text for fewer in range(width, 0, -1) if len(text := f"{value:.{fewer}g}") <= width), f"{value:.0e}")


def spelt(seconds: float) -> str:
    """A latency for a person: two significant digits in ms, or s."""
    if abs(seconds) >= 1:
        return f"{seconds:.1f} s" if abs(seconds) < 1000 else f"{seconds:.0f} s"
    ms = seconds * 1000
    return f"{ms:.0f} ms" if abs(ms) >= 9.95 else f"{ms:.1f} ms"


def counted(count: int, noun: str) -> str:
    """1 board, 2 boards."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def _feature(title: str) -> Column:
    width, digits = FEATURES.get(title, OTHERS)
    width = max(width, min(NAME, cells(shown(title, NAME))))
    return Column(shown(title, NAME), width, lambda row: number(row.features.get(title), digits, width), right=True)


def _value(row: Row) -> str:
    unit = shown(row.unit, 6)
    return f"{number(row.value, 2, max(6, VALUE - 1 - cells(unit)))} {unit}".strip()


def _value_style(row: Row) -> str:
    if row.stale:
        return "dim"
    return "bold red" if row.quality == "out_of_range" or row.alarm else "bold"


def _missing_style(row: Row) -> str:
    return "bold red" if row.missing else "dim"


def _quality_style(row: Row) -> str:
    return COLOURS.get(row.stale or row.quality, "")


def _age(row: Row) -> str:
    return NOTHING if row.age is None else since(row.age)


def since(seconds: float) -> str:
    """How long ago, in five cells at most: 9.5, 100, 17m, 26h, 9d."""
    if seconds < 1000:
        return f"{seconds:.1f}" if seconds < 100 else f"{seconds:.0f}"
    unit, size = next((one for one in SHORT if seconds < 100 * one[1]), SHORT[-1])
    return f"{min(seconds / size, 9999):.0f}{unit}"


def lasting(seconds: float) -> str:
    """How long, for a sentence."""
    unit, size = next((one for one in LONG if seconds < 100 * one[1]), LONG[-1])
    return f"{seconds / size:.0f} {unit}"

"""Features of any kind, and blocks of them, for the tests of the spool."""

import math
import struct
from array import array

from hypothesis import strategies as st

from gateway.model import Features, Quality
from gateway.publish.spool.blocks import written
from gateway.publish.spool.nouns import New, Source

NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(10**9), 10**9).map(lambda n: n / 1e4),
    st.sampled_from([0.0, -0.0, 5e-324, 1.7e308, -40.0, 85.0]),
)
GAPS = st.one_of(NUMBERS, st.just(math.nan))
COUNTS = st.one_of(st.none(), st.integers(0, 10**18), st.sampled_from([-(2**63), 2**63, 2**64, -(2**63) - 1]))
TEXTS = st.text(st.characters(), max_size=8)  # halves of characters too


def columns(numbers: st.SearchStrategy[float], rows: int) -> st.SearchStrategy[array]:
    """A column: all alike, or any."""
    alike = numbers.map(lambda one: [one] * rows)
    return st.one_of(alike, st.lists(numbers, min_size=rows, max_size=rows)).map(lambda some: array("d", some))


def whole(low: int, high: int, rows: int) -> st.SearchStrategy[array]:
    """A column of whole numbers: ascending by one, or any."""
    ascending = st.integers(low, high - rows).map(lambda first: list(range(first, first + rows)))
    some = st.lists(st.integers(low, high), min_size=rows, max_size=rows)
    return st.one_of(ascending, some).map(lambda some: array("q", some))


@st.composite
def any_features(draw: st.DrawFn, most: int = 12) -> Features:
    """Any features that can be stored: clocks that step, gaps, odd numbers."""
    rows = draw(st.integers(1, most))
    keys = tuple(draw(st.lists(st.text("abc", max_size=3), max_size=6)))
    clock = st.floats(-9e4, 2e11)
    start, step = draw(st.floats(0, 2e9)), draw(st.sampled_from([0.0, 0.01, 1.0, 3600.0]))
    steady = st.just(array("d", [start + i * step for i in range(rows)]))
    return Features(
        draw(TEXTS), draw(TEXTS), draw(TEXTS), keys, draw(whole(1, 2**62, rows)),
        draw(st.one_of(steady, columns(clock, rows))),
        draw(st.one_of(steady.map(lambda wall: array("d", [t - 1e5 for t in wall])), columns(GAPS, rows))),
        draw(columns(NUMBERS, rows)), draw(st.lists(COUNTS, min_size=rows, max_size=rows)),
        draw(whole(0, 2**62, rows)),
        bytes(draw(st.lists(st.integers(0, len(Quality) - 1), min_size=rows, max_size=rows))),
        [draw(columns(GAPS, rows)) for _ in keys], draw(st.booleans()),
        draw(st.one_of(st.just(b""), st.lists(st.integers(0, 2), min_size=rows, max_size=rows).map(bytes))),
    )  # fmt: skip


def bits(column: array) -> list[int]:
    """Doubles as their bits: NaN and -0.0 are told apart."""
    return list(struct.unpack(f"<{len(column)}q", column.tobytes()))


def source(board: str = "b", sensor: str = "s", *, run: str = "r", boot: str = "boot", unset: bool = False) -> Source:
    """Whose readings a block holds."""
    return Source(board, sensor, run, "°C", ("mean",), (), boot, unset)


def block(
    board: str = "b",
    sensor: str = "s",
    rows: int = 1,
    *,
    size: int = 0,
    at: float = 1.8e9,
    mono: float = 100.0,
    copy: bool = False,
    boot: str = "boot",
    unset: bool = False,
    first: int = 1,
) -> New:
    """A block of so many readings; of `size` bytes that cannot be read, when given."""
    of = source(board, sensor, boot=boot, unset=unset)
    data = bytes(size)
    if not size:
        numbers = array("q", range(first, first + rows))
        data = written(
            Features(
                board, sensor, of.unit, of.keys, numbers, array("d", [at] * rows), array("d", [mono] * rows),
                array("d", [20.5] * rows), [None] * rows, array("q", [9] * rows), bytes([4]) * rows,
                [array("d", [n / 7 for n in numbers])],
            ), {},
        )  # fmt: skip
    return New(of, rows, at, mono, data, copy)

"""What one hostile line may cost: time in proportion to its length, and memory that is freed again."""

import gc
import time
import tracemalloc
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.formats import FORMATS
from gateway.ingest.framing import Lines
from gateway.ingest.quantities import quantity, unit_in_name
from gateway.model import FormatOptions
from tests.boards_read import TEXT

from .hostile import NEEDS, SCRAPS, corpus, many

LINE = 4000
MOST = 0.010
"""s of processor for a line of 4 kB; the busiest has 2,000 values."""
NOISE = 6.0
"""How much slower than usual a shared machine may be while this is measured."""
TORN = ((b"", b""), (b"1,", b"x"), (b"T:1 ", b"!"), (b"{", b"}"), (b"[", b"]"), (b'{"a":', b""))
GIVEN = (FormatOptions(), FormatOptions(decimal=",", unit=("C",), also=("humidity",), none=("--", -127.0)))


def cost(name: str, given: FormatOptions, *lines: bytes) -> float:
    """s of processor that the last of these lines takes a fresh format; the least of several tries."""
    tries = []
    for _ in range(5):
        board = FORMATS[name](replace(given, **NEEDS.get(name, {})))
        for remembered in (unit_in_name, quantity):
            remembered.cache_clear()
        for line in lines[:-1]:
            board.decode(line)
        began = time.thread_time()
        board.decode(lines[-1])
        tries.append(time.thread_time() - began)
        if tries[-1] < MOST / 2:
            break
    return min(tries)


def repeated(scrap: bytes, size: int, before: bytes = b"", after: bytes = b"") -> bytes:
    """A line of about `size` bytes that says one thing again and again."""
    return before + scrap * ((size - len(before) - len(after)) // max(1, len(scrap))) + after


@pytest.mark.slow
@pytest.mark.parametrize("name", TEXT)
def test_repetition(name):
    """Whatever a line of 4 kB repeats, alone and inside of something else, it takes 10 ms at most."""
    slow = []
    for scrap, (before, after), chosen in product(filter(None, SCRAPS), TORN, GIVEN):
        line = repeated(scrap, LINE, before, after)
        if (took := cost(name, chosen, line)) > NOISE * MOST:
            slow.append((took, line[:40]))
    assert slow == []


@pytest.mark.slow
@pytest.mark.parametrize("name", TEXT)
@many(20, 300)
@given(unit=st.lists(st.sampled_from(SCRAPS), min_size=1, max_size=4).map(b"".join))
def test_cost_grows_with_length(name, unit):
    """Four times the length takes about four times the time: nothing is quadratic, whatever is repeated."""
    short, long = (cost(name, FormatOptions(), repeated(unit, size)) for size in (LINE, 4 * LINE))
    assert long < NOISE * (4 * short + 0.001), (unit, short, long)


BOMBS = {
    "lists": b"[" * 100_000,
    "objects": b'{"a":' * 20_000,
    "closed": b"[" * 150 + b"]" * 150,
    "keys": b"{" + b",".join(b'"k%d":1' % at for at in range(6000)) + b"}",
    "one key": b"{" + b'"a":1,' * 10_000 + b'"a":2}',
    "digits": b'{"T":' + b"9" * 60_000 + b"}",
    "exponent": b'{"T":1e' + b"9" * 60_000 + b"}",
    "documents": b'{"T":1}' * 8000,
    "escapes": b'{"' + b"\\u0041" * 10_000 + b'":1}',
}


@pytest.mark.parametrize("name", ["json", "auto"])
@pytest.mark.parametrize("bomb", BOMBS)
def test_json_bombs(name, bomb):
    """Nested, huge or endless JSON costs no more a byte than other lines, as an asked-for format and as a guess."""
    assert cost(name, FormatOptions(), BOMBS[bomb]) < NOISE * MOST * max(1, len(BOMBS[bomb]) / LINE)


@pytest.mark.parametrize("find", corpus("bytes"), ids=lambda path: path.name)
@pytest.mark.parametrize("name", TEXT)
def test_what_was_found(name, find):
    """A line that once took seconds or a gigabyte takes neither: at most 200 bytes of memory for each of its own."""
    lines = find.read_bytes().split(b"\n")
    board = FORMATS[name](FormatOptions(**NEEDS.get(name, {})))
    tracemalloc.start()
    try:
        for line in lines:
            board.decode(line)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200 * sum(map(len, lines)) + 2_000_000
    assert cost(name, FormatOptions(), *lines) < NOISE * MOST * max(1, len(lines[-1]) / LINE)


@pytest.mark.slow
@pytest.mark.parametrize("name", TEXT)
def test_new_things_in_every_line(name):
    """Names, units, columns and shapes without end leave a bounded memory behind."""
    board = FORMATS[name](FormatOptions(**NEEDS.get(name, {})))
    kept = []
    tracemalloc.start()
    try:
        for turn in range(1500):
            for line in (
                b"n%d:21.5,m%d=22 C" % (turn, turn),
                b'{"n%d":{"x":21.5,"unit":"F"},"sensor":"s%d"}' % (turn, turn),
                b"temp_%d,hum_%d" % (turn, turn),
                b"%d,21.5" % turn + b",1" * (turn % 50),
                b"probe%d temp: 21.5 \xc2\xb0C" % turn,
            ):
                board.decode(line)
            if turn % 500 == 499:
                gc.collect()
                kept.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert kept[-1] < 4_000_000
    assert kept[-1] < kept[0] + 1_000_000


def test_a_long_line_in_small_pieces():
    """A line of 1 MB that comes a few bytes at a time is not copied at each of them."""
    lines = Lines(1_000_000, midstream=False)
    began = time.thread_time()
    for _ in range(60_000):
        lines.feed(b"0123456789abcdef")
    assert lines.feed(b"\n") == [b"0123456789abcdef" * 60_000]
    assert time.thread_time() - began < 1.0

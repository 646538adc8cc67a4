"""Bytes become the same lines however they are cut, and no more than a bounded piece of them is ever held."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.framing import Lines
from gateway.model import Noise, Refusal, Why


def framed(pieces: list[bytes], **given) -> list[object]:
    """What fresh Lines give for these pieces, the half line at the end too."""
    lines = Lines(**given)
    return [item for piece in pieces for item in lines.feed(piece)] + [lines.lost()]


@pytest.mark.parametrize(
    "data, lines",
    [
        (b"a\r\nb\r\n", [b"a", b"b"]),
        (b"a\nb\n", [b"a", b"b"]),
        (b"a\rb\r", [b"a", b"b"]),
        (b"a\n\r\nb\n\n", [b"a", b"", b"b", b""]),
        (b"a\r\r\nb\r", [b"a", b"", b"b"]),
        (b"a\x0bb\x0cc\x1cd\x85e\n", [b"a\x0bb\x0cc\x1cd\x85e"]),
        (b"", []),
    ],
)
def test_terminators(data, lines):
    """CR LF, LF and CR alone each end a line, nothing else does, and an empty line is an empty frame."""
    assert framed([data], midstream=False) == [*lines, None]


def test_a_terminator_cut_in_two():
    """CR at the end of one piece gives its line at once, and LF at the start of the next ends none."""
    lines = Lines(midstream=False)
    assert lines.feed(b"a\r") == [b"a"]
    assert lines.feed(b"") == []
    assert lines.feed(b"\n") == []
    assert lines.feed(b"\nb\n") == [b"", b"b"]


def test_midstream():
    """What comes before the first terminator after an open is noise, though it could be read."""
    assert framed([b"1.5", b"2\r\n21.52\r\n"]) == [Noise(b"1.52"), b"21.52", None]
    assert framed([b"\r\n21.52\r\n"]) == [Noise(b""), b"21.52", None]


def test_the_half_line_at_the_end():
    """What has no terminator when the port closes is noise, and nothing of it reaches what comes next."""
    lines = Lines(midstream=False)
    assert lines.feed(b"21.5\n21.") == [b"21.5"]
    assert lines.lost() == Noise(b"21.")
    assert lines.lost() is None
    assert lines.feed(b"6\n") == [b"6"]


@pytest.mark.parametrize("midstream", [True, False])
def test_too_long(midstream):
    """An over-long line is refused once, with its first 64 bytes, and the next line is read."""
    long = Refusal(Why.TOO_LONG, b"x" * 64)
    assert framed([b"x" * 101 + b"\n" + b"y" * 100 + b"\n"], limit=100, midstream=midstream) == [long, b"y" * 100, None]
    assert framed([b"x" * 30] * 50 + [b"\nz\n"], limit=100, midstream=midstream) == [long, b"z", None]


def test_a_flood_without_an_end():
    """A stream without a terminator gives one refusal, and is not kept."""
    lines = Lines(limit=4000)
    results = [item for _ in range(10_000) for item in lines.feed(b"\xff" * 1000)]
    assert results == [Refusal(Why.TOO_LONG, b"\xff" * 64)]
    assert max(len(each) for each in vars(lines).values() if isinstance(each, bytes | bytearray)) <= 4000
    assert lines.feed(b"\n21.5\n") == [b"21.5"]


@given(
    data=st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b"21.5", b"\x85", b"x" * 9]), max_size=40).map(
        b"".join
    ),
    cuts=st.lists(st.integers(0, 200), max_size=20),
    limit=st.integers(1, 30),
    midstream=st.booleans(),
)
def test_any_cut(data, cuts, limit, midstream):
    """Cut anywhere, byte by byte too, the same items come out in order, and what is held stays in the limit."""
    whole = framed([data], limit=limit, midstream=midstream)
    marks = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    pieces = [data[start:end] for start, end in pairwise(marks)]
    assert framed(pieces, limit=limit, midstream=midstream) == whole
    lines = Lines(limit, midstream)
    items = []
    for byte in range(len(data)):
        items += lines.feed(data[byte : byte + 1])
        assert max(len(each) for each in vars(lines).values() if isinstance(each, bytes | bytearray)) <= limit
    assert [*items, lines.lost()] == whole


@given(
    st.lists(
        st.lists(st.sampled_from([b"\n", b"\r\n", b"\r", b"a", b"bc", b"", b"\0"]), max_size=4), min_size=1, max_size=8
    ),
    st.booleans(),
    st.sampled_from([3, 100]),
)
def test_many_pieces_at_once(parts, midstream, limit):
    """They come to what they come to one by one, and so does what follows; or nothing is taken."""
    together, single = Lines(limit, midstream), Lines(limit, midstream)
    for pieces in (list(map(b"".join, parts)), [b"21.5\n", b"22.5\n", b"2"], [b"3.5\n"]):
        items = [single.feed(piece) for piece in pieces]
        found = together.feed_many(pieces)
        if found is None:
            found = [item for piece in pieces for item in together.feed(piece)], [*map(len, items)]
        assert (list(found[0]), found[1]) == ([item for some in items for item in some], [*map(len, items)])
        assert vars(together) == vars(single)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_lines_that_come_one_by_one_are_cut_at_once(end):
    """Wherever a piece ends, but between CR and LF."""
    lines = Lines(midstream=False)
    assert lines.feed_many([b"1" + end, b"2" + end]) == ([b"1", b"2"], [1, 1])
    assert lines.feed_many([b"3", b"4" + end + b"5" + end, b"6"]) == ([b"34", b"5"], [0, 2, 0])
    assert lines.feed_many([b"7" + end]) == ([b"67"], [1])
    assert lines.between

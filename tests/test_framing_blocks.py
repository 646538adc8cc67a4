"""Lines become the same blocks however they are cut, and no block is longer in the making than its limits allow."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ingest.framing.blocks import Blocks
from gateway.model import Noise, Refusal, Why


def starts(line: bytes) -> bool:
    return line.startswith(b"[")


def ends(line: bytes) -> bool:
    return line.startswith(b"]")


def is_blank(line: bytes) -> bool:
    return not line.strip()


def blocks(begin=starts, end=ends, limit: int = 4000, midstream: bool = False, timeout: float = 5.0) -> Blocks:
    return Blocks(limit, midstream, begin, end, timeout)


def framed(data: bytes, framing: Blocks | None = None) -> list[object]:
    """What a framing gives for these bytes, and for what is under way at the end."""
    framing = framing or blocks()
    return [*framing.feed(data), framing.lost()]


def test_a_block_is_one_frame():
    """From the line that begins it to the one that ends it, both in it; each line outside is noise by itself."""
    assert framed(b"hello\r\n\r\n[1\r\n2\r\n]\r\nbye\r\n") == [
        Noise(b"hello"), Noise(b""), b"[1\n2\n]", Noise(b"bye"), None,
    ]  # fmt: skip


def test_the_next_start_ends_a_block():
    """It does so where no line tells the end; where one does, a block without it was cut, and is bad."""
    assert framed(b"[1\n[2\n]\n") == [Refusal(Why.BAD_FRAME, b"[1"), b"[2\n]", None]
    assert framed(b"x\n[1\n2\n[3\n4\n", blocks(end=None)) == [Noise(b"x"), b"[1\n2", Noise(b"[3\n4")]


def test_without_a_start():
    """Where no line tells the start a block begins behind the end of the one before, at a line that is not empty."""
    assert framed(b"1\n2\n\n\n3\n\n", blocks(None, is_blank)) == [b"1\n2\n", Noise(b""), b"3\n", None]


def test_midstream():
    """After an open the rest of a block is no block: it is noise up to a start, or where there is none, to an end."""
    assert framed(b"2\n3\n]\n[1\n]\n", blocks(midstream=True)) == [
        Noise(b"2"), Noise(b"3"), Noise(b"]"), b"[1\n]", None,
    ]  # fmt: skip
    assert framed(b"1\n2\n\n3\n\n", blocks(None, is_blank, midstream=True)) == [
        Noise(b"1"), Noise(b"2"), Noise(b""), b"3\n", None,
    ]  # fmt: skip


def test_silence_in_a_block():
    """A block in which nothing comes for longer than the timeout is refused, as soon as something does."""
    framing = blocks(timeout=5.0)
    assert framing.feed(b"[1\n", 10.0) == framing.feed(b"2", 15.0) == framing.feed(b"\n", 20.0) == []
    assert framing.feed(b"3\n]\n[1\n", 25.1) == [Refusal(Why.TIMEOUT, b"[1\n2"), Noise(b"3"), Noise(b"]")]
    assert framing.feed(b"]\n", 30.0) == [b"[1\n]"]
    assert framing.feed(b"[2\n]\n", 1000.0) == [b"[2\n]"], "between blocks there is any time"


def test_too_long():
    """A block over the limit, or with a line over it, is refused once, and reading goes on behind its end."""
    for data in (b"[1\n" + b"2\n" * 20 + b"]\n[3\n]\n", b"[1\n" + b"2" * 20 + b"\n2\n]\n[3\n]\n"):
        refusal, *rest = framed(data, blocks(limit=16))
        assert isinstance(refusal, Refusal) and refusal.why is Why.TOO_LONG
        assert rest == [b"[3\n]", None]
    assert framed(b"[1\n" + b"2\n" * 20 + b"[3\n]\n", blocks(limit=16))[1:] == [b"[3\n]", None]
    assert framed(b"[34567890\n2345]\n]\n", blocks(limit=16))[0].why is Why.TOO_LONG
    assert framed(b"[34567890\n234\n]\n", blocks(limit=16)) == [b"[34567890\n234\n]", None]


def test_a_line_over_the_limit_outside():
    """It is a refusal of its own."""
    assert framed(b"x" * 20 + b"\n[1\n]\n", blocks(limit=16)) == [Refusal(Why.TOO_LONG, b"x" * 16), b"[1\n]", None]


def test_between():
    """Only behind a block or a line outside of one is the stream between frames."""
    framing = blocks(limit=16)
    told = []
    for piece in (b"x\n", b"[1", b"\n", b"]\n", b"[1\n2345678901\n34567890\n", b"]\n"):
        framing.feed(piece)
        told.append(framing.between)
    assert told == [True, False, False, True, False, True]
    half = blocks(None, is_blank, midstream=True)
    assert (half.feed(b"1\n2\n"), half.between) == ([Noise(b"1"), Noise(b"2")], False), "the rest of a block"
    assert (half.feed(b"\n"), half.between) == ([Noise(b"")], True)


def test_lost():
    """A block and a half line under way at a close are one piece of noise, and nothing of them comes back."""
    framing = blocks()
    assert framing.feed(b"[1\n2") == []
    assert framing.lost() == Noise(b"[1")
    assert framing.lost() is None
    assert framing.feed(b"[1\n]\n") == [b"[1\n]"]


STREAMS = st.lists(st.sampled_from([b"[1", b"]", b"2.5", b"\r\n", b"\n", b"\r", b"", b"x" * 9, b"\xff"]), max_size=40)
WAYS = {"both": (starts, ends), "start": (starts, None), "end": (None, ends), "blank": (None, is_blank)}


@pytest.mark.parametrize("way", WAYS)
@settings(deadline=None)
@given(parts=STREAMS, places=st.lists(st.integers(0, 300), max_size=8), midstream=st.booleans())
def test_cuts_change_nothing(way, parts, places, midstream):
    """However the bytes are cut, the same blocks, refusals and noise come out in the same order."""
    data = b"".join(parts)
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    whole, cut = (blocks(*WAYS[way], 24, midstream) for _ in range(2))
    pieces = [item for start, stop in pairwise(edges) for item in cut.feed(data[start:stop])]
    assert [*pieces, cut.lost()] == framed(data, whole)


@settings(deadline=None)
@given(rubbish=st.lists(st.sampled_from([b"[", b"]", b"\n", b"1", b"\xff", b"x" * 20]), max_size=30).map(b"".join))
def test_the_next_good_block_is_read(rubbish):
    """Behind any rubbish the first block that begins on a line of its own is read."""
    assert framed(rubbish + b"\n[1\n2\n]\n", blocks(limit=16))[-2:] == [b"[1\n2\n]", None]


def test_rubbish_at_every_byte():
    """Rubbish in a stream of blocks costs the one that it touches, or both at a border; never any other."""
    stream = b"".join(b"[%d\n%d\n]\n" % (turn, turn) for turn in range(10, 20))
    whole = framed(stream)[:-1]
    for at in range(len(stream)):
        found = [item for item in framed(stream[:at] + b"\xff\xfe" + stream[at:]) if isinstance(item, bytes)]
        lost = [block for block in whole if block not in found]
        assert len(lost) <= 1, at
        assert [block for block in found if block in whole] == [block for block in whole if block not in lost]

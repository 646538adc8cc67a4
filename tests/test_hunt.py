"""Frames without a delimiter are found wherever they begin, whatever is around them, and however the bytes are cut."""

import time
from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gateway.checksums import CHECKSUMS, checksum
from gateway.ingest.framing.binary import binary
from gateway.ingest.framing.hunt import SILENCE
from gateway.layouts import Crc, Length, Magic
from gateway.model import FormatOptions, Noise, Refusal, Why

from .fuzz.hostile import many

NOISE = 3.0
"""How much slower than usual a shared machine may be while something is measured."""
KISS = bytes.fromhex("1f 06 4c 00 f5 00 25 00 98 3a")
"""A frame of a KISS speed controller: CRC-8, no start byte."""


def crc(name: str) -> Crc:
    """That checksum over all before it, at the end."""
    width = CHECKSUMS[name]
    return Crc(name, width, -width, (0, -width))


LAYOUTS = {
    "magic and CRC-16": FormatOptions(framing="fixed", size=12, magic=Magic(b"\xaa\x55"), crc=crc("CRC-16/MODBUS")),
    "CRC-32": FormatOptions(framing="fixed", size=12, crc=crc("CRC-32")),
    "CRC-16": FormatOptions(framing="fixed", size=9, crc=crc("CRC-16/KERMIT")),
    "length": FormatOptions(
        framing="length", size=Length(2, "u8", "little", 5), magic=Magic(b"\x01\x10"), crc=crc("CRC-16/MCRF4XX")
    ),
    "stx-etx and CRC-16": FormatOptions(framing="stx-etx", size=12, crc=crc("CRC-16/XMODEM")),
    "stx … etx": FormatOptions(framing="stx-etx"),
    "stx … etx CRC-8": FormatOptions(framing="stx-etx", crc=crc("CRC-8")),
}  # fmt: skip
WEAK = {
    "CRC-8": FormatOptions(framing="fixed", size=8, crc=crc("CRC-8")),
    "length and CRC-8": FormatOptions(framing="length", size=Length(0, "u8", "little", 2), crc=crc("CRC-8")),
    "magic": FormatOptions(framing="fixed", size=9, magic=Magic(b"\xaa\x55")),
    "length and magic": FormatOptions(framing="length", size=Length(2, "u8", "little", 3), magic=Magic(b"\x01\x10")),
    "stx-etx": FormatOptions(framing="stx-etx", size=10),
}
"""Those that garbage may imitate."""
SURE = [name for name in LAYOUTS if name != "CRC-16"]
"""Those of which one frame proves itself."""


def frame(options: FormatOptions, body: bytes) -> bytes:
    """A good frame, with as much of `body` in it as fits."""
    end = checksum(options.crc.name) if options.crc else None
    width = options.crc.width if options.crc else 0
    if options.framing == "stx-etx":
        if options.size is None:
            body = body.replace(b"\x02", b"\x12").replace(b"\x03", b"\x13")
        inner = (
            b"\x02"
            + (body if options.size is None else body[: options.size - 2 - width].ljust(options.size - 2 - width))
            + b"\x03"
        )
    elif options.framing == "length":
        body = body[:40]
        inner = (options.magic.data if options.magic else b"") + bytes([len(body)]) + body
    else:
        magic = options.magic.data if options.magic else b""
        inner = magic + body[: options.size - width - len(magic)].ljust(options.size - width - len(magic), b"\x01")
    return inner + (end(inner).to_bytes(width, "little") if end else b"")


def holds(options: FormatOptions, each: bytes) -> bool:
    """Whether its checksum is right, whoever has made it."""
    assert options.crc is not None
    body, end = each[: -options.crc.width], each[-options.crc.width :]
    return checksum(options.crc.name)(body).to_bytes(options.crc.width, "little") == end


def framed(options: FormatOptions, pieces: list[bytes], *, midstream: bool = True, limit: int = 4000) -> list[object]:
    """What a fresh framing gives for these pieces, which come at one time; what is under way at the end too."""
    framing = binary(options)(limit, midstream)
    out = [item for piece in pieces for item in framing.feed(piece)] + [framing.lost()]
    assert framing.feed(b"") == [] and framing.lost() is None
    return out


def frames(items: list[object]) -> list[bytes]:
    return [item for item in items if isinstance(item, bytes)]


BODIES = st.lists(st.binary(min_size=6, max_size=20), min_size=2, max_size=6, unique_by=lambda body: body[:4])
SCRAPS = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([b"", b"\x02", b"\x03", b"\x01\x10", b"\x01\x10\xff", b"\x01\x10\x28\x00", b"\xaa\x55", b"\xaa"]),
    st.sampled_from([b"\x00" * 70, KISS]),
)


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYOUTS | WEAK)
@many(100, 3000)
@given(
    bodies=BODIES,
    scraps=st.lists(SCRAPS, min_size=8, max_size=8),
    cuts=st.lists(st.integers(0, 400), max_size=12),
    limit=st.sampled_from([64, 4000]),
    midstream=st.booleans(),
)
def test_any_cut(name, bodies, scraps, cuts, limit, midstream):
    """Cut anywhere, at one time, the same items come out in the same order, and what is held has a bound."""
    options = (LAYOUTS | WEAK)[name]
    midstream = (
        midstream or options.crc is None
    )  # what was due then, and had come whole, need not wait for what follows
    data = b"".join(scrap + frame(options, body) for scrap, body in zip(scraps, bodies, strict=False)) + scraps[-1]
    whole = framed(options, [data], limit=limit, midstream=midstream)
    marks = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    assert framed(options, [data[a:b] for a, b in pairwise(marks)], limit=limit, midstream=midstream) == whole
    framing = binary(options)(limit, midstream)
    items = []
    for at in range(len(data)):
        items += framing.feed(data[at : at + 1])
        assert all(len(each) <= 3 * limit for each in vars(framing).values() if isinstance(each, bytearray | list))
    assert [*items, framing.lost()] == whole


@pytest.mark.slow
@pytest.mark.parametrize("name", SURE)
@many(100, 3000)
@given(bodies=BODIES, scraps=st.lists(SCRAPS, min_size=7, max_size=7))
def test_garbage_costs_no_frame(name, bodies, scraps):
    """Whatever stands before, between and behind whole frames, each of them is found, and each run is one item."""
    options = LAYOUTS[name]
    good = [frame(options, body) for body in bodies]
    if name in ("stx … etx", "stx … etx CRC-8"):  # garbage with an open frame in it would be one with what follows
        scraps = [scrap.replace(b"\x02", b"\x12") for scrap in scraps]
    data = b"".join(scrap + each for scrap, each in zip(scraps, good, strict=False)) + 300 * b"\x07"
    items = framed(options, [data])
    assert frames(items) == good
    runs = [bool(scrap) for scrap in scraps[: len(good)]]
    assert len(items) == len(good) + sum(runs) + 1


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("what", ["changed", "lost", "more"])
@many(40, 1000)
@given(bodies=BODIES, place=st.integers(0, 10**6), byte=st.integers(1, 255))
def test_damage_costs_one_frame(name, what, bodies, place, byte):
    """A byte that is changed, lost or too many costs at most the frame that it touches: the next one is read."""
    options = LAYOUTS[name]
    all_bodies = [b"headhead", b"headheadhead", *bodies, b"tailtail", b"tailtailtail"]
    good = [frame(options, bytes([at]) * 2 + body) for at, body in enumerate(all_bodies, 65)]
    sizes = [len(each) for each in good]
    data = bytearray(b"".join(good))
    at = sum(sizes[:2]) + place % sum(sizes[2:-2])
    if what == "changed":
        data[at] ^= byte
    elif what == "lost":
        del data[at]
    else:
        data[at:at] = bytes([byte])
    whole, last = b"".join(good), at
    while what == "lost" and whole[last : last + 1] == whole[last + 1 : last + 2]:
        last += 1  # whichever of equal bytes was lost, the same are left
    hits = {next(n for n in range(len(good)) if each < sum(sizes[: n + 1])) for each in (at, last)}
    assume(max(hits) < len(good) - 2)  # behind it come two whole ones, as in a stream that goes on
    rests = [good[:hit] + good[hit + 1 :] for hit in hits]
    found = frames(framed(options, [bytes(data) + 300 * b"\x07"]))
    if name == "CRC-16":  # it begins with 0, and so sees no zero in front: a frame moved by one byte may hold as well
        assume(all(each in good for each in found))
    elif options.crc is not None and options.crc.width > 1:  # one in 65,536 that are damaged holds all the same
        assume(all(each in good or not holds(options, each) for each in found))
    assert [each for each in found if each in good] in [good, *rests]
    if options.crc is not None and options.crc.width > 1:  # a CRC-8 lets one in 256 damaged frames pass
        assert found in [good, *rests]


def test_two_in_a_row():
    """Frames with a CRC-8 are found in mid-stream at any offset when two in a row hold; one alone is not believed."""
    options = FormatOptions(framing="fixed", size=10, crc=crc("CRC-8/SMBUS"))
    for start in range(1, 10):
        assert framed(options, [KISS[start:] + KISS * 3]) == [Noise(KISS[start:]), KISS, KISS, KISS, None]
    assert frames(framed(options, [b"\x55" + KISS + b"\x55" * 20])) == []
    assert framed(options, [KISS], midstream=False) == [KISS, None]


def test_a_stream_that_repeats_itself():
    """Where a frame holds at two offsets alike, neither is believed: all zeros, or a steady value that happens to."""
    zeros = FormatOptions(framing="fixed", size=4, crc=crc("CRC-8"))
    assert frames(framed(zeros, [b"\0" * 5000])) == []
    turned = next(
        body
        for body in (bytes([a, b]) for a in range(256) for b in range(256))
        if any(_holds((frame(zeros, body + b"x") * 2)[at : at + 4]) for at in (1, 2, 3))
    )
    steady = frame(zeros, turned + b"x")
    assert frames(framed(zeros, [steady * 50])) == []
    assert frames(framed(zeros, [steady * 50 + frame(zeros, b"new") + frame(zeros, b"one")]))[-2:] == [
        frame(zeros, b"new"),
        frame(zeros, b"one"),
    ]


def _holds(data: bytes) -> bool:
    return checksum("CRC-8")(data[:-1]) == data[-1]


def test_a_damaged_frame_moves_nothing():
    """Behind a frame with a wrong bit the next one is read by itself, where it is due, CRC-8 or not."""
    options = FormatOptions(framing="fixed", size=10, crc=crc("CRC-8/SMBUS"))
    bad = bytes([KISS[0] ^ 1]) + KISS[1:]
    assert framed(options, [KISS * 2 + bad + KISS + bad + KISS + bad])[:6] == [
        KISS, KISS, Refusal(Why.BAD_CHECKSUM, bad), KISS, Refusal(Why.BAD_CHECKSUM, bad), KISS,
    ]  # fmt: skip


def test_a_silence():
    """What comes after a silence may begin a frame: half of one before it holds nothing up."""
    options = FormatOptions(framing="fixed", size=10, crc=crc("CRC-8/SMBUS"))
    framing = binary(options)(4000, True)
    assert framing.feed(KISS * 3, 1.0) == [KISS, KISS, KISS]
    assert framing.feed(KISS[:4], 2.0) == []
    assert framing.feed(KISS, 3.0) == [Refusal(Why.BAD_FRAME, KISS[:4]), KISS]
    assert framing.feed(KISS[:4], 4.0) == []
    assert framing.feed(KISS[4:], 4.0 + 2 * SILENCE) == [KISS]  # it was the reader that was slow
    assert framing.between
    long = LAYOUTS["length"]
    framing = binary(long)(4000, True)
    assert framing.feed(b"\x01\x10\xff", 1.0) == []
    assert framing.feed(frame(long, b"x"), 2.0) == [Noise(b"\x01\x10\xff"), frame(long, b"x")]


def test_a_length_that_lies():
    """A length of 65,535 begins no frame, and one below `max_line` is waited for no longer than that."""
    options = FormatOptions(framing="length", size=Length(1, "u16", "big", 3), magic=Magic(b"\x7e"), crc=None)
    good = b"\x7e\x00\x02ab"
    assert frames(framed(options, [b"\x7e\xff\xff" + good * 3])) == [good, good]
    found = frames(framed(options, [good * 2 + b"\x7e\x00\xf1" + good * 60]))
    assert len(found) >= 60


def test_without_a_checksum():
    """Constant bytes alone are no proof: a frame is believed when the next one begins right behind it."""
    options = FormatOptions(framing="fixed", size=8, magic=Magic(b"ZZ"))
    inner = b"ZZ1ZZ234"  # what begins a frame occurs in it
    other = b"ZZ123456"
    assert framed(options, [inner[3:] + inner * 9])[:-1] == []  # where? it may begin at either
    assert framed(options, [inner[3:] + inner + other + inner]) == [Noise(inner[3:]), inner, other, Noise(inner)]
    start, bad = inner + other, b"zZ" + inner[2:]
    assert framed(options, [start + inner[:-1] + start])[:3] == [inner, other, Refusal(Why.BAD_FRAME, inner[:-1])]
    assert framed(options, [start + bad + start])[:4] == [inner, other, Refusal(Why.BAD_FRAME, bad), inner]


def test_without_a_checksum_a_silence_is_enough():
    """A frame that came whole after a silence, where one was due, need not wait for the next one."""
    framing = binary(FormatOptions(framing="fixed", size=4, magic=Magic(b"Z")))(4000, True)
    assert framing.feed(b"Zabc", 1.0) == []
    assert framing.feed(b"Zdef", 2.0) == [b"Zabc", b"Zdef"]
    assert framing.feed(b"Zghi", 3.0) == [b"Zghi"]
    assert framing.feed(b"Zj", 4.0) == []
    assert framing.feed(b"kl", 4.5) == []
    assert framing.feed(b"Zmno", 5.0) == [b"Zjkl", b"Zmno"]


def test_banner():
    """Lines of text between frames are a board that starts: noise; text that is no whole line was a frame once."""
    options = LAYOUTS["magic and CRC-16"]
    good = frame(options, b"abcdefgh")
    for text, kind in ((b"\r\nESC ready\r\n", Noise), (b"\r\nESC ready", Refusal), (b"ESC \xb0\r\n", Refusal)):
        assert [type(item) for item in framed(options, [good + text + good])] == [bytes, kind, bytes, type(None)]


def test_endless_garbage():
    """Megabytes of garbage are one refusal each `max_line` bytes, in little time, and the frames behind are found."""
    options = LAYOUTS["CRC-16"]
    good = frame(options, b"behind"), frame(options, b"it all")
    garbage = bytes(range(1, 256)) * 400
    items = framed(options, [garbage, *good], limit=1000)
    assert frames(items) == list(good)
    assert [type(item) for item in items] == [Refusal] * (len(garbage) // 1000) + [bytes, bytes, type(None)]


@many(100, 3000)
@given(
    st.sampled_from(list(LAYOUTS | WEAK)),
    st.lists(st.tuples(st.binary(max_size=80), st.floats(0, 0.1)), max_size=20),
    st.sampled_from([16, 64, 4000]),
)
@example("CRC-16", [(b"\0" * 80, 0.1)] * 20, 16)
def test_any_bytes_at_any_time(name, pieces, limit):
    """Nothing raises, and each frame that comes out was sent, in its place."""
    options = (LAYOUTS | WEAK)[name]
    framing, now, items = binary(options)(limit, True), 0.0, []
    for data, pause in pieces:
        now += pause
        items += framing.feed(data, now)
    sent, at = b"".join(data for data, _ in pieces), 0
    for each in frames(items):
        assert len(each) <= limit
        at = sent.index(each, at) + len(each)


HOSTILE = {
    "what begins a frame, again and again": ("magic", b"\xaa\x55"),
    "all zeros": ("CRC-8", b"\0"),
    "starts without an end": ("stx … etx", b"\x02" + b"a" * 3000),
    "lengths that take long": ("long", b"\xa0\x0f"),
    "starts of sized frames": ("stx-etx", b"\x02"),
    "a long frame's sum at each place": ("sum", bytes(range(1, 252))),
}


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("piece", [16, 4096])
def test_hostile_streams_take_no_time(what, piece):
    """Whatever a stream repeats, it costs less than a fifth of the time in which a line of 115,200 baud carries it."""
    name, unit = HOSTILE[what]
    big = {
        "long": FormatOptions(framing="length", size=Length(0, "u16"), crc=crc("CRC-16/MODBUS")),
        "sum": FormatOptions(framing="fixed", size=1500, crc=crc("SUM-16")),
    }
    framing = binary((LAYOUTS | WEAK | big)[name])(4000, True)
    data = (unit * 20_000)[:20_000]
    began = time.thread_time()
    for at in range(0, len(data), piece):
        framing.feed(data[at : at + piece], at / 11_520)
    assert time.thread_time() - began < len(data) / 11_520 / 5 * NOISE

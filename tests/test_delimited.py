"""Stuffed frames come out of any stream, and what is damaged ends at the next delimiter."""

from itertools import pairwise

import pytest
from cobs import cobs
from hypothesis import assume, given
from hypothesis import strategies as st
from sliplib import encode

from gateway.checksums import checksum
from gateway.ingest.framing.binary import binary
from gateway.layouts import Crc, Escapes, Magic
from gateway.model import FormatOptions, Noise, Refusal, Why

from .fuzz.hostile import many


def slip(frame: bytes) -> bytes:
    """A frame as many senders have it: with an END in front too."""
    return b"\xc0" + encode(frame) + b"\xc0"


def hdlc(frame: bytes) -> bytes:
    """A frame as RFC 1662 has it, each byte that may be escaped escaped."""
    stuffed = b"".join(
        b"\x7d" + bytes([byte ^ 0x20]) if byte in b"\x7d\x7e\x11\x13" else bytes([byte]) for byte in frame
    )
    return b"\x7e" + stuffed + b"\x7e"


def escaped(frame: bytes) -> bytes:
    """A frame as a Multical sends it."""
    stuffed = b"".join(
        b"\x1b" + bytes([byte ^ 0xFF]) if byte in b"\x80\x40\x0d\x06\x1b" else bytes([byte]) for byte in frame
    )
    return b"\x40" + stuffed + b"\x0d"


STUFFED = {
    "cobs": (lambda frame: cobs.encode(frame) + b"\0", b"\0"),
    "slip": (slip, b"\xc0"),
    "hdlc": (hdlc, b"\x7e"),
    "hex": (lambda frame: b":" + frame.hex().upper().encode() + b"\r\n", b"\r"),
    Escapes(0x0D, 0x40, 0x1B, 0xFF): (escaped, b"\x0d"),
    Escapes(0x7E, 0x7E, 0x7D): (hdlc, b"\x7e"),
}
CRC = Crc("CRC-16/IBM-SDLC", 2, -2, (0, -2))
MARKS = b"\x40\x0d\x1b\xbf\xf2\xe4\x00\xc0\xdb\xdc\xdd\x7e\x7d\x5e\x5d\x11\x01\x02"
BODIES = st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(MARKS), max_size=30).map(bytes))


def summed(body: bytes) -> bytes:
    """`body` and its checksum."""
    return body + checksum(CRC.name)(body).to_bytes(2, "little")


def framed(name: str, pieces: list[bytes], limit: int = 4000, midstream: bool = False, **given: object) -> list[object]:
    """What a fresh framing gives for these pieces, and what is under way at the end."""
    framing = binary(FormatOptions(framing=name, **given))(limit, midstream)
    return [item for piece in pieces for item in framing.feed(piece)] + [framing.lost()]


@pytest.mark.parametrize(
    ("name", "wire", "frame"),
    [
        ("cobs", "04 07 67 12 01 03 ac 41 00", "07 67 12 00 00 ac 41"),
        ("slip", "c0 da 12 34 db dc 56 db dd 78 c0", "da 12 34 c0 56 db 78"),
        ("hdlc", "7e 01 7d 5e 02 7d 5d 7d 31 7e", "01 7e 02 7d 11"),
        (Escapes(0x7E, escape=0x7D), "7e 01 7d 5e 02 7d 5d 7d 31 7e", "01 7e 02 7d 11"),
        (Escapes(0x7E, 0x7E, 0x7D), "7e 01 7d 5e 02 7d 5d 7d 31 7e", "01 7e 02 7d 11"),
        (Escapes(0x0D, 0x40, 0x1B, 0xFF), "40 3f 00 1b e4 1b bf 78 0d", "3f 00 1b 40 78"),
        (Escapes(0x0D, 0x02), "ff 02 34 31 0d", "34 31"),
        ("hex", "3a 30 31 30 33 46 66 66 34 0d 0a", "01 03 ff f4"),
        ("hex", "30 31 20 30 33 0a", "01 03"),
    ],
)
def test_what_is_drawn(name, wire, frame):
    """The bytes that each file opens with are those that it reads."""
    assert framed(name, [bytes.fromhex(wire)]) == [bytes.fromhex(frame), None]


@pytest.mark.slow
@pytest.mark.parametrize("name", STUFFED)
@many(100, 3000)
@given(
    bodies=st.lists(BODIES, min_size=1, max_size=5),
    scraps=st.lists(st.binary(max_size=30), min_size=5, max_size=5),
    cuts=st.lists(st.integers(0, 2000), max_size=8),
)
def test_each_frame_is_found(name, bodies, scraps, cuts):
    """Each whole frame comes out, whatever stands between two of them, and however the bytes are cut."""
    stuffed, mark = STUFFED[name]
    assume(not any(isinstance(item, bytes) for one in scraps for item in framed(name, [one + mark], crc=CRC)))
    frames = [summed(body) for body in bodies]
    data = b"".join(stuffed(frame) + scrap + mark for frame, scrap in zip(frames, scraps, strict=False))
    items = framed(name, [data], crc=CRC)
    assert [item for item in items if isinstance(item, bytes)] == frames
    assert all(isinstance(item, bytes | Refusal | Noise | None) for item in items)
    edges = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    assert framed(name, [data[a:b] for a, b in pairwise(edges)], crc=CRC) == items
    assert framed(name, [data[at : at + 1] for at in range(len(data))], crc=CRC) == items


@pytest.mark.parametrize("name", STUFFED)
@many(100, 3000)
@given(
    bodies=st.lists(st.binary(min_size=3, max_size=9), min_size=3, max_size=5),
    place=st.integers(0, 10**6),
    byte=st.integers(0, 255),
)
def test_damage_costs_what_it_touches(name, bodies, place, byte):  # fmt: skip
    """A byte that is changed, lost or too many costs at most the frame in which it is, or both where it was between."""
    stuffed, _ = STUFFED[name]
    frames = [summed(bytes([at]) + body) for at, body in enumerate(bodies)]
    wires = [stuffed(frame) for frame in frames]
    data = b"".join(wires)
    at = place % len(data)
    for broken in (
        data[:at] + bytes([byte]) + data[at + 1 :],
        data[:at] + data[at + 1 :],
        data[:at] + bytes([byte]) + data[at:],
    ):
        found = [item for item in framed(name, [broken], crc=CRC) if isinstance(item, bytes)]
        passed = [each for each in found if each not in frames]  # 16 bits let one damaged frame in 65,536 pass
        assert len(passed) <= 1 and all(summed(each[:-2]) == each for each in passed)
        whole = [each for each in found if each not in passed]
        assert [frame for frame in frames if frame in whole] == whole
        assert len(whole) >= len(frames) - 2
        touched = next(n for n in range(len(wires)) if at < sum(map(len, wires[: n + 1])))
        assert {*frames[: max(0, touched)], *frames[touched + 2 :]} <= {*found}


@pytest.mark.parametrize("name", STUFFED)
def test_filling(name):
    """Delimiters one behind the other are filling, and no empty frames."""
    stuffed, mark = STUFFED[name]
    assert framed(name, [mark * 9 + stuffed(b"ab") + mark * 9 + stuffed(b"c") + mark]) == [b"ab", b"c", None]


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("cobs", b"\x05a\0"),
        ("slip", b"a\xdbb\xc0"),
        ("slip", b"a\xdb\xc0"),
        ("hdlc", b"ab\x7d\x7e"),
        (Escapes(0x0D, 0x40, 0x1B), b"ab\x0d"),
        (Escapes(0x0D, None, 0x1B), b"a\x1b\x1b\x1b\x0d"),
        ("hex", b":01F\n"),
        ("hex", b":01X2\r"),
        ("hex", b"01X\r"),
        ("hex", b"--\n"),
        ("hex", b"\xff\r"),
    ],
)
def test_what_is_stuffed_wrongly(name, wire):
    """A code that points past the end, an escape before a wrong byte, a frame given up: bad."""
    assert framed(name, [wire]) == [Refusal(Why.BAD_FRAME, wire[:-1]), None]


def test_midstream():
    """The first piece after an open may be half a frame: it is one only if a checksum or a size proves it."""
    frame = summed(b"abcd")
    assert framed("slip", [slip(frame)[1:]], midstream=True, crc=CRC) == [frame, None]
    assert framed("slip", [slip(frame)[2:]], midstream=True, crc=CRC) == [Noise(frame[1:]), None]
    assert framed("slip", [slip(frame)[1:] * 2], midstream=True) == [Noise(frame), frame, None]
    assert framed("slip", [slip(frame)], midstream=True) == [frame, None]
    assert framed("slip", [b"abc\xc0"], midstream=True, size=4) == [Noise(b"abc"), None]


def test_size_and_magic():
    """A frame of another size is bad; one with other constant bytes is another message, and noise."""
    magic = Magic(b"T=", at=1)
    assert framed("slip", [b"1T=5\xc01T=55\xc01H=5\xc01\xc0"], size=4, magic=magic) == [
        b"1T=5", Refusal(Why.BAD_FRAME, b"1T=55"), Noise(b"1H=5"), Noise(b"1"), None,
    ]  # fmt: skip
    assert framed("slip", [b"1H=5??\xc0"], magic=magic, crc=CRC) == [Refusal(Why.BAD_CHECKSUM, b"1H=5??"), None]


def test_banner():
    """Lines of text between frames are a board that starts, and noise, but where they are a frame that holds."""
    items = framed("slip", [b"\r\nReady\r\n\xc0" + slip(summed(b"ab")) + b"Ready\xc0" + slip(summed(b"\n"))], crc=CRC)
    assert items == [Noise(b"\r\nReady\r\n"), summed(b"ab"), Refusal(Why.BAD_CHECKSUM, b"Ready"), summed(b"\n"), None]
    assert framed("slip", [b"ab\n\xc0"]) == [b"ab\n", None]


@pytest.mark.parametrize("limit", [16, 1000])
def test_a_flood_without_an_end(limit):
    """A stream without a delimiter gives one refusal and is not kept; the frame behind it is read."""
    framing = binary(FormatOptions(framing="cobs"))(limit, False)
    items = [item for _ in range(1000) for item in framing.feed(b"\xff" * 100)]
    assert items == [Refusal(Why.TOO_LONG, b"\xff" * min(limit, 64))]
    assert framing.feed(b"\0\x03ab\0") == [b"ab"]
    assert framing.between
    assert framed("cobs", [b"\xff" * (limit + 1) + b"\0\x03ab\0"], limit=limit) == [*items, b"ab", None]


def test_what_is_under_way_at_a_close():
    """Half a frame is noise when the port closes, and nothing of it reaches what comes next."""
    framing = binary(FormatOptions(framing="cobs"))(4000, False)
    assert framing.feed(b"\x03a") == []
    assert not framing.between
    assert framing.lost() == Noise(b"\x03a")
    assert framing.lost() is None
    assert framing.feed(b"\x03ab\0") == [b"ab"]

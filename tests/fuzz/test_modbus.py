"""Modbus answers: any bytes are read or refused, a damaged frame is never read, and what was asked for comes back."""

import struct
from math import isfinite

from hypothesis import given
from hypothesis import strategies as st

from gateway.asks import Modbus, Register
from gateway.ingest.asking.blocks import TYPES, blocks
from gateway.ingest.asking.rtu import Answer, Request, written
from gateway.model import Decoded, FormatOptions, Refusal
from simulators.modbus import Unit, answer, crc

REGISTERS = (
    Register("one", 1, "input", factor=0.1),
    Register("two", 2, "input", "f32"),
    Register("three", 4, "input", none=(0x8000,)),
)
(BLOCK,) = blocks(Modbus(7, REGISTERS), FormatOptions())
ENDING = Answer(BLOCK.request)

bodies = st.one_of(
    st.binary(max_size=260),
    st.builds(
        lambda head, rest: head + rest, st.sampled_from([b"\x07\x04", b"\x07\x84", b"\x07\x04\x08"]), st.binary()
    ),
)


@given(bodies, st.booleans())
def test_any_bytes_are_read_or_refused(body, signed):
    """Nothing raises, with a checksum that holds or none, and no value is anything but finite."""
    frame = body + crc(body) if signed else body
    found = BLOCK.decode(frame)
    assert isinstance(found, Decoded | Refusal)
    if isinstance(found, Decoded):
        assert all(isfinite(sample.value) for sample in found.samples)
        assert frame[:3] == b"\x07\x04\x08"
        assert len(frame) == 13
    piece = ENDING.find(frame)
    assert piece is None or crc(frame[piece.begin : piece.end - 2]) == frame[piece.end - 2 : piece.end]


@given(st.lists(st.integers(0, 0xFFFF), min_size=4, max_size=4), st.data())
def test_a_changed_bit_is_always_noticed(words, data):
    """Of a frame with one bit changed, or a burst of up to 16, no value is read."""
    body = struct.pack(">BBB4H", 7, 4, 8, *words)
    frame = body + crc(body)
    burst = data.draw(st.integers(1, 0xFFFF))
    at = data.draw(st.integers(0, 8 * len(frame) - burst.bit_length()))
    damaged = (int.from_bytes(frame, "big") ^ (burst << at)).to_bytes(len(frame), "big")
    assert isinstance(BLOCK.decode(damaged), Refusal)
    assert ENDING.find(damaged) is None


def test_each_single_bit():
    """The same for each bit of an answer of real values."""
    body = bytes.fromhex("07 04 08 01 31 41 bc 00 00 00 db")
    frame = body + crc(body)
    assert isinstance(BLOCK.decode(frame), Decoded)
    for bit in range(8 * len(frame)):
        damaged = (int.from_bytes(frame, "big") ^ (1 << bit)).to_bytes(len(frame), "big")
        assert isinstance(BLOCK.decode(damaged), Refusal)


places = st.lists(
    st.tuples(st.sampled_from(["holding", "input"]), st.integers(0, 400), st.sampled_from(sorted(TYPES))), max_size=60
)


@given(places, st.integers(1, 247))
def test_all_that_is_asked_for_comes_back(places, unit):
    """Whatever registers are wanted, the requests read each of them, at most 125 at once, and each has its value."""
    registers = tuple(
        Register(f"r{at}", at=place, kind=kind, type=type) for at, (kind, place, type) in enumerate(places)
    )
    found = blocks(Modbus(unit, registers), FormatOptions())
    memory = Unit(dict.fromkeys(range(402), 16968), dict.fromkeys(range(402), 16969))
    names = []
    for block in found:
        request: Request = block.request
        assert 1 <= request.many <= 125
        said = answer({unit: memory}, written(request))
        piece = Answer(request).find(said)
        assert piece == (0, len(said))
        result = block.decode(said)
        assert isinstance(result, Decoded)
        names += [sample.sensor for sample in result.samples]
    assert sorted(names) == sorted(register.name for register in registers)

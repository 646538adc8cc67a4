"""Modbus RTU: what is asked, what is read of an answer, and why the rest is refused. Bytes: tests/golden/asked."""

import math

import pytest

from gateway.asks import Modbus, Register
from gateway.ingest.asking.blocks import Block, blocks
from gateway.ingest.asking.rtu import MOST, Answer, Request, written
from gateway.ingest.asking.wanted import unread
from gateway.model import BadValue, Board, Decoded, FormatOptions, Port, Refusal, Sample, Why
from simulators.modbus import Unit, answer, crc

TEMPERATURE = Register("temperature", 1, "input", factor=0.1, unit="°C")
HUMIDITY = Register("humidity", 2, "input", factor=0.1, unit="%")
XY_MD02 = bytes.fromhex("01 04 04 01 31 02 22 2a ce")


def only(*registers: Register, also: tuple[str, ...] = ()) -> Block:
    """The one block that these registers are read in."""
    (block,) = blocks(Modbus(1, registers), FormatOptions(also=also))
    return block


def read(register: Register, *words: int) -> float | Why:
    """What a register says when it holds these words."""
    body = bytes([1, 3 if register.kind == "holding" else 4, 2 * len(words)])
    body += b"".join(word.to_bytes(2, "big") for word in words)
    match only(register).decode(body + crc(body)):
        case Decoded([Sample(_, value)], []):
            return value
        case Refusal(why):
            return why
    raise AssertionError("neither a value nor a reason")


def test_neighbours_are_read_at_once():
    """A request reads all registers that lie side by side, and none that was not asked for."""
    temperatures = [Register(f"t{at}", at) for at in (0, 1, 2, 4, 7)]
    wide = [Register("wide", 5, type="f32"), Register("far", 300, "input")]
    found = blocks(Modbus(9, (*wide, *reversed(temperatures))), FormatOptions())
    assert [block.request for block in found] == [
        Request(9, "holding", 0, 3),
        Request(9, "holding", 4, 4),
        Request(9, "input", 300, 1),
    ]


def test_a_request_has_a_limit():
    """More neighbours than a request can ask for are read in several, and no number is cut in two."""
    registers = tuple(Register(f"t{at}", at, type="u32") for at in range(1, 201, 2))
    found = [block.request for block in blocks(Modbus(1, registers), FormatOptions())]
    assert [(request.at, request.many) for request in found] == [(1, 124), (125, 76)]
    assert all(request.many <= MOST for request in found)
    assert all(answer({1: Unit(dict.fromkeys(range(300), 0))}, written(request))[1] == 3 for request in found)


def test_only_what_is_asked_for_is_read():
    """A humidity is read where `also` asks for it, and `check` says what is left out."""
    board = Board("b", Port("/dev/x"), "modbus", modbus=Modbus(1, (TEMPERATURE, HUMIDITY)))
    assert unread(board) == ["humidity"]
    assert only(TEMPERATURE, HUMIDITY).request == Request(1, "input", 1, 1)
    block = only(TEMPERATURE, HUMIDITY, also=("humidity",))
    assert block.decode(XY_MD02) == Decoded([Sample("temperature", 30.5, "°C"), Sample("humidity", 54.6, "%")], [])


@pytest.mark.parametrize(
    ("register", "words", "value"),
    [
        (Register("t", 1, factor=0.1), [0xFF33], -20.5),
        (Register("t", 1, type="u16", factor=0.1), [0xFF33], 6533.1),
        (Register("t", 1, factor=0.1, offset=-40), [1021], 62.1),
        (Register("t", 1, type="i32", factor=0.001), [0xFFFF, 0xFC18], -1.0),
        (Register("t", 1, type="i32", words="little", factor=0.001), [0xFC18, 0xFFFF], -1.0),
        (Register("t", 1, type="u32"), [0x0001, 0x0002], 65538.0),
        (Register("t", 1, type="f32"), [0x41BC, 0x0000], 23.5),
        (Register("t", 1, type="f32", words="little"), [0x0000, 0x41BC], 23.5),
        (Register("t", 1, none=(0x8000,)), [0x8000], Why.ERROR_MARK),
        (Register("t", 1, none=(-32768,)), [0x8000], Why.ERROR_MARK),
        (Register("t", 1, type="f32"), [0x7FC0, 0x0000], Why.NOT_FINITE),
        (Register("t", 1, type="f32"), [0xFF80, 0x0000], Why.NOT_FINITE),
        (Register("t", 1, type="f32", factor=1e300), [0x7F00, 0x0000], Why.NOT_FINITE),
    ],
)
def test_numbers(register, words, value):
    """Each type, sign, word order and scaling comes to the value meant, and what is none is refused with its reason."""
    assert read(register, *words) == value


def test_scaling_is_exact():
    """Whole numbers times a decimal factor are what a pocket calculator says."""
    for raw in range(-2000, 2000):
        assert read(Register("t", 1, factor=0.1), raw & 0xFFFF) == raw / 10
    assert read(Register("t", 1, factor=0.0625), 0x0191) == 25.0625
    assert math.isclose(read(Register("t", 1, factor=1 / 3), 9), 3.0)


def test_one_missing_value_leaves_the_others():
    """A sensor that is not there is refused by itself."""
    block = only(Register("ch1", 0), Register("ch2", 1, none=(0x8000,)))
    body = bytes.fromhex("01 03 04 00 db 80 00")
    assert block.decode(body + crc(body)) == Decoded([Sample("ch1", 219.0, "°C")], [BadValue("ch2", Why.ERROR_MARK)])


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        ("01 04 02 01 31 79 75", Why.BAD_CHECKSUM),
        ("02 04 02 01 31 " + crc(bytes.fromhex("02 04 02 01 31")).hex(), Why.WRONG_ANSWER),
        ("01 03 02 01 31 " + crc(bytes.fromhex("01 03 02 01 31")).hex(), Why.WRONG_ANSWER),
        ("01 84 02 c2 c1", Why.EXCEPTION),
        ("01 84 02 c2 c2", Why.BAD_CHECKSUM),
        ("01 04 04 01 31 02 22 2a ce", Why.BAD_FRAME),
        ("01 04 02 01", Why.BAD_FRAME),
        ("01", Why.BAD_FRAME),
        ("", Why.BAD_FRAME),
    ],
)
def test_refusals(frame, why):
    """Damaged, another's, an exception, too long or too short: each has a reason of its own."""
    found = only(TEMPERATURE).decode(bytes.fromhex(frame))
    assert isinstance(found, Refusal)
    assert found.why is why


def test_an_exception_is_told():
    """The unit, the registers and the code of an exception are in the sentence of the status; it goes with it."""
    block = only(TEMPERATURE)
    block.decode(bytes.fromhex("01 84 02 c2 c1"))
    assert block.trouble == "unit 1 refuses input register 1 with exception 2 (it has no such register)"
    body = bytes.fromhex("01 84 63")
    block.decode(body + crc(body))
    assert "exception 99 (which no specification names)" in (block.trouble or "")
    block.decode(bytes.fromhex("01 04 02 01 31 79 74"))
    assert block.trouble is None


def test_an_answer_is_found_among_other_bytes():
    """A byte of noise when the line's driver is turned on, or another's frame before, does not cost the answer."""
    ending = Answer(Request(1, "input", 1, 2))
    for before in (b"", b"\x00", b"\xff\x01", bytes.fromhex("02 04 02 01 31 3d 8c"), bytes.fromhex("01 04 04 01")):
        found = ending.find(before + XY_MD02 + b"\x00")
        assert found == (len(before), len(before) + len(XY_MD02))
    assert ending.find(XY_MD02[:-1]) is None

"""The number at one place of a binary frame, as it was sent.

00 eb                u16, i16 big: 235           02 35      bcd: 235          41 bc 00 00   f32 big: 23.5
80 0c                s16 big: -12                82 35      sbcd: -235        00 00 41 bc   … words = "little"
30 32 33 35          dec: 235   "0235"           35 68      bcd, minus = 0x33, little: 3502
46 46 46 34          hex: 65524, ihex: -12       0b b4      i16 big, bits = [2, 15]: 749
"""

import re
import struct
from collections.abc import Callable

from ...layouts import Endian, Field
from ...model import Frame, Why
from ..numbers import NUMERAL, number

_CODES = {"u8": "B", "i8": "b", "u16": "H", "i16": "h", "u32": "I", "i32": "i", "f32": "f", "f64": "d"}
_LONGEST = 40
"""Characters of a number that says itself how long it is."""
_LEADING = re.compile(rf" *+({NUMERAL})", re.ASCII)
_HEX = re.compile(rb"[0-9A-Fa-f]+")

Reader = Callable[[Frame], float | Why]
"""Gives the number of a frame that reaches so far, not finite where floats are not, or why it is none."""


def reader(field: Field, at: int, endian: Endian) -> Reader:
    """How the number of `field` at `at` is read. endian: the field's, or the board's."""
    code = _CODES.get(field.type)
    swapped = field.words is not None and field.words != endian
    if code and not (swapped or field.bits or field.minus):
        unpack: Callable[[Frame, int], tuple[float]] = struct.Struct(_order(endian) + code).unpack_from
        return lambda frame: unpack(frame, at)[0]
    open_ended = field.type == "dec" and not field.length
    end, minus, made = at + (_LONGEST if open_ended else field.width), field.minus, _made(field, endian)

    def read(frame: Frame) -> float | Why:
        data = frame[at:end]
        if minus:
            data = bytes((byte - minus) & 0xFF for byte in data)
        return made(_words_turned(data) if swapped else data)

    return read


def _order(endian: Endian) -> str:
    return "<" if endian == "little" else ">"


def _words_turned(data: bytes) -> bytes:
    return b"".join(data[at : at + 2] for at in range(len(data) - 2, -1, -2))


def _made(field: Field, endian: Endian) -> Callable[[bytes], float | Why]:
    """What the bytes of a number come to."""
    kind, bits = field.type, 8 * field.width
    if kind == "dec" and not field.length:
        return _leading
    if kind == "dec":
        return lambda data: number(data.decode("latin-1").strip(" \0"))
    if kind in ("hex", "ihex"):
        return lambda data: _hex(data, 4 * len(data) if kind == "ihex" else 0)
    if kind in ("bcd", "sbcd"):
        return lambda data: _bcd(data if endian == "big" else data[::-1], kind == "sbcd")
    if kind.startswith("f"):
        unpack = struct.Struct(_order(endian) + _CODES[kind]).unpack
        return lambda data: float(unpack(data)[0])
    if kind.startswith("s"):
        return lambda data: _magnitude(int.from_bytes(data, endian), bits - 1)
    low, high = field.bits or (0, bits - 1)
    count = high - low + 1
    sign = count if kind.startswith("i") else 0
    return lambda data: _signed(int.from_bytes(data, endian) >> low & (1 << count) - 1, sign)


def _leading(data: bytes) -> float | Why:
    """The number that `data` begins with."""
    found = _LEADING.match(data.decode("latin-1"))
    return number(found[1]) if found else Why.NOT_A_NUMBER


def _signed(whole: int, bits: int) -> int:
    """In two's complement of so many bits; 0: unsigned."""
    return whole - (1 << bits) if bits and whole >> (bits - 1) else whole


def _magnitude(whole: int, sign: int) -> int:
    """The bit `sign` says that it is negative."""
    rest = whole & (1 << sign) - 1
    return -rest if whole >> sign else rest


def _bcd(data: bytes, signed: bool) -> int | Why:
    """Two digits a byte, the upper ones first; signed: the highest bit is a sign."""
    negative = signed and data[0] & 0x80
    digits = (bytes([data[0] & 0x7F]) + data[1:] if negative else data).hex()
    return Why.NOT_A_NUMBER if not digits.isdecimal() else -int(digits) if negative else int(digits)


def _hex(data: bytes, bits: int) -> int | Why:
    return _signed(int(data, 16), bits) if _HEX.fullmatch(data) else Why.NOT_A_NUMBER

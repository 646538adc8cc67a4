"""The nouns of frames: where one begins and ends, what holds it, and which numbers are in it."""

from __future__ import annotations

from typing import Literal, NamedTuple

Endian = Literal["little", "big"]
WIDTHS = {"u8": 1, "i8": 1, "u16": 2, "i16": 2, "u24": 3, "i24": 3, "u32": 4, "i32": 4, "f32": 4, "f64": 8}
WIDTHS |= {"s8": 1, "s16": 2, "s24": 3, "s32": 4}
"""Types of binary numbers, and their bytes: unsigned, two's complement, IEEE 754, sign and magnitude."""
SPELT = ("bcd", "sbcd", "dec", "hex", "ihex")
"""Types with a `length` of their own: packed decimal digits, with a sign in the highest bit, digits in ASCII."""


class When(NamedTuple):
    """Bits that say something about a value: those of `mask` in the byte at `at` come to `equals`."""

    at: int
    mask: int = 0xFF
    equals: int = 0


class Field(NamedTuple):
    """One value of a frame: number * factor + offset. In a binary frame it has a place, or several in a row have."""

    name: str  # `repeat` of them are name1, name2, …
    at: int = 0
    type: str = ""  # a key of WIDTHS, or one of SPELT; of text ""
    endian: Endian | None = None  # None: the board's
    factor: float = 1.0
    offset: float = 0.0
    unit: str = ""  # "": the board's
    none: tuple[float, ...] = ()  # numbers as they were sent that mean "no value"
    when: tuple[When, ...] = ()  # all have to hold, or it has no value
    only: tuple[When, ...] = ()  # all have to hold, or it is not in this frame
    repeat: int = 1
    stride: int = 0  # bytes from one to the next; 0: they stand side by side
    length: int = 0  # bytes of a type of SPELT
    words: Endian | None = None  # order of its 16-bit words; None: as its bytes
    bits: tuple[int, int] | None = None  # the lowest and the highest that are part of the number; None: all
    minus: int = 0  # taken from each byte first

    @property
    def width(self) -> int:
        """Bytes of one value; at least so many where it says how long it is itself (dec)."""
        return self.length or WIDTHS.get(self.type, 1)


class Escapes(NamedTuple):
    """Bytes that begin and end a frame, and the one behind which a byte has the bits of `xor` turned over."""

    stop: int
    start: int | None = None
    escape: int | None = None
    xor: int = 0x20


class Magic(NamedTuple):
    """Bytes that are the same in each frame."""

    data: bytes
    at: int = 0


class Length(NamedTuple):
    """A number in the frame that says how long it is: the frame has `add` bytes more."""

    at: int
    type: str = "u8"
    endian: Endian | None = None  # None: the board's
    add: int = 0


class Crc(NamedTuple):
    """A checksum: of which bytes, where it stands. Places below 0 count from the frame's end."""

    name: str
    width: int  # bytes
    at: int
    over: tuple[int, int]  # from the first on, up to the second without it
    endian: Endian | None = None  # None: the board's
    init: int = 0  # what it is before the first byte; of sums and XOR-8
    negated: bool = False  # the bytes are taken from `init`, not added to it; of sums
    xorout: int = 0  # bits that are turned over at the end

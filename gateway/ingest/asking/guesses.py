"""Which registers of an unknown Modbus unit could be temperatures, by what stands in them. Pure.

    input 1   215            i16 × 0.1       21.5 °C
    input 4   41ac cccd      f32             21.6 °C       little where the words stand the other way round
    input 9   2150           i16 × 0.01      21.5 °C       only of input registers: a holding one may be a baud rate

A float is told with some certainty, as hardly any other pair of numbers is one of a believable size. A whole number is
not: a humidity in tenths, or a setting, looks the same.
"""

import struct
from collections.abc import Iterator, Mapping

from ...asks import Register
from ...model import Sample

LOW, HIGH = -60.0, 200.0  # °C
LEAST = 1.0  # °C from 0; nearer there are the small numbers of states, addresses and switches
TENTHS, HUNDREDTHS = 1500, 10_000  # the largest numbers that are taken for such

Raw = Mapping[tuple[str, int], int]
"""What stands in registers, by (kind, number)."""


def guessed(raw: Raw) -> tuple[Register, ...]:
    """The registers that could be temperatures, in order; none is part of two."""
    out: list[Register] = []
    free = ("", -1)  # behind the last one
    for kind, at in sorted(raw):
        if (kind, at) >= free or free[0] != kind:
            found = next(_readings(raw, kind, at), None)
            if found is not None:
                out.append(found)
                free = (kind, at + (2 if found.type == "f32" else 1))
    return tuple(out)


def value_of(register: Register, raw: Raw) -> Sample:
    """What a register says by a guess."""
    words = [raw[register.kind, register.at]]
    if register.type == "f32":
        words.append(raw[register.kind, register.at + 1])
        return Sample(register.name, _float(*(words if register.words == "big" else words[::-1])), "°C")
    return Sample(register.name, round(_signed(words[0]) * register.factor, 2), "°C")


def _readings(raw: Raw, kind: str, at: int) -> Iterator[Register]:
    """The ways in which a register, or a pair, could be a temperature; the most telling first."""
    name = f"{kind}{at}"
    if (kind, at + 1) in raw:
        pair = raw[kind, at], raw[kind, at + 1]
        for words in ("big", "little"):
            if _believable(_float(*(pair if words == "big" else pair[::-1]))):
                yield Register(name, at, kind, "f32", words, unit="°C")
    number = _signed(raw[kind, at])
    if abs(number) <= TENTHS and _believable(number * 0.1):
        yield Register(name, at, kind, factor=0.1, unit="°C")
    elif kind == "input" and TENTHS < number <= HUNDREDTHS:
        yield Register(name, at, kind, factor=0.01, unit="°C")


def _believable(value: float) -> bool:
    return LOW <= value <= HIGH and abs(value) >= LEAST


def _float(upper: int, lower: int) -> float:
    return float(struct.unpack(">f", struct.pack(">HH", upper, lower))[0])


def _signed(word: int) -> int:
    return word - 0x10000 if word & 0x8000 else word

"""The registers of a Modbus unit: which are read in one request, and what the answer says.

    input 1 temperature i16, input 2 humidity i16, holding 7 serial u32     →  input 1–2, holding 7–8

Neighbours are read together, so that a board with eight sensors is asked once. What lies between two that are not
neighbours is never asked for: many units refuse a request that touches a register which they do not have.
"""

import struct
from collections.abc import Iterator, Sequence
from itertools import groupby
from math import isfinite

from ...asks import Modbus, Register
from ...model import BadValue, Decoded, FormatOptions, Frame, Noise, Refusal, Sample, Why
from ..formats.text import outcome, refused
from ..numbers import scaling
from .endings import Whole
from .rtu import EXCEPTIONS, MOST, Exceptional, Request, read
from .wanted import wanted

TYPES = {"i16": "h", "u16": "H", "i32": "i", "u32": "I", "f32": "f"}
"""The types of a number in registers."""


def width(register: Register) -> int:
    """Registers that a number takes."""
    return struct.calcsize(f">{TYPES[register.type]}") // 2


class Block:
    """Decodes the answer to one request. trouble: what the unit said instead of registers, as a clause."""

    name = "modbus"
    binary = checked = True
    framing = Whole

    def __init__(self, request: Request, values: Sequence[tuple[Register, str]]) -> None:
        self.request = request
        self.trouble: str | None = None
        self._values = [
            (register.name, unit, _Place(register, 2 * (register.at - request.at))) for register, unit in values
        ]

    def decode(self, frame: Frame) -> Decoded | Refusal | Noise:
        """What an answer holds."""
        found = read(self.request, frame)
        self.trouble = None
        if isinstance(found, Refusal):
            return refused(found.why, frame)
        if isinstance(found, Exceptional):
            self.trouble = _said(self.request, found.code)
            return refused(Why.EXCEPTION, frame)
        raw = struct.pack(f">{len(found)}H", *found)
        samples: list[Sample] = []
        bad: list[BadValue] = []
        for name, unit, place in self._values:
            value = place.value(raw)
            if isinstance(value, Why):
                bad.append(BadValue(name, value))
            else:
                samples.append(Sample(name, value, unit))
        return outcome(samples, bad, frame)


def blocks(modbus: Modbus, options: FormatOptions) -> list[Block]:
    """A block for each request that it takes to read what is asked for of the unit."""
    return [
        Block(Request(modbus.unit, kind, at, count), values)
        for kind, registers in groupby(sorted(wanted(modbus, options), key=_place), key=lambda each: each[0].kind)
        for at, count, values in _runs(list(registers))
    ]


def _place(value: tuple[Register, str]) -> tuple[str, int]:
    return value[0].kind, value[0].at


def _runs(values: Sequence[tuple[Register, str]]) -> Iterator[tuple[int, int, list[tuple[Register, str]]]]:
    """Neighbours, as (first register, how many, the values in them)."""
    run: list[tuple[Register, str]] = []
    first = end = 0
    for value in values:
        at, after = value[0].at, value[0].at + width(value[0])
        if run and (at > end or after - first > MOST):
            yield first, end - first, run
            run = []
        if not run:
            first = end = at
        run.append(value)
        end = max(end, after)
    if run:
        yield first, end - first, run


class _Place:
    """Takes one value out of the bytes of a block."""

    def __init__(self, register: Register, at: int) -> None:
        code = TYPES[register.type]
        self._take, self._at, self._size = struct.Struct(f">{code}"), at, 2 * width(register)
        self._turned = register.words == "little"
        self._none = frozenset(register.none)
        self._scaled = scaling(register.factor, register.offset, whole=register.type != "f32")

    def value(self, raw: bytes) -> float | Why:
        """The finite value, or why there is none."""
        data = raw[self._at : self._at + self._size]
        if self._turned:
            data = b"".join(data[at : at + 2] for at in range(len(data) - 2, -1, -2))
        number = self._take.unpack(data)[0]
        if number in self._none or int.from_bytes(data, "big") in self._none:
            return Why.ERROR_MARK
        value = self._scaled(number)
        return value if isfinite(value) else Why.NOT_FINITE


def _said(request: Request, code: int) -> str:
    last = request.at + request.many - 1
    means = EXCEPTIONS.get(code, "which no specification names")
    which = f"register {request.at}" if request.many == 1 else f"registers {request.at} to {last}"
    return f"unit {request.unit} refuses {request.kind} {which} with exception {code} ({means})"

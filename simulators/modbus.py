"""Units on one Modbus RTU line, with real bytes; each can be dead, slow or wrong by itself.

    unit function (at count) crc          a request for registers: 8 bytes
    unit function bytes registers crc     the answer; or: unit function+80 code crc

By the specification (Modbus over Serial Line V1.02), with a CRC written out as it is there, so that no mistake can be
shared with whoever asks.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simulators.answering import Answering

HOLDING, INPUT = 3, 4
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS = 1, 2


@dataclass(slots=True)
class Unit:
    """A unit's registers, by number, and what is wrong with it now."""

    holding: dict[int, int] = field(default_factory=dict)
    input: dict[int, int] = field(default_factory=dict)
    dead: bool = False
    late: float = 0.0  # s
    exception: int = 0  # a code with which it refuses everything
    damaged: bool = False  # one bit of each answer is wrong
    named: int | None = None  # it answers as another unit


def crc(data: bytes) -> bytes:
    """CRC-16 of polynomial 0xA001, from 0xFFFF, the low byte first."""
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            carry, register = register & 1, register >> 1
            if carry:
                register ^= 0xA001
    return register.to_bytes(2, "little")


def answer(units: Mapping[int, Unit], request: bytes) -> bytes:
    """What the units say to a request; b"" when it is damaged or none of them is meant."""
    if request[-2:] != crc(request[:-2]) or (unit := units.get(request[0])) is None or unit.dead:
        return b""
    function, at, many = struct.unpack(">BHH", request[1:6])
    registers = {HOLDING: unit.holding, INPUT: unit.input}.get(function)
    code = unit.exception
    if registers is None:
        code = ILLEGAL_FUNCTION
    elif not code and not all(number in registers for number in range(at, at + many)):
        code = ILLEGAL_ADDRESS
    head = request[0] if unit.named is None else unit.named
    if code or registers is None:
        body = bytes([head, function | 0x80, code])
    else:
        values = [registers[number] for number in range(at, at + many)]
        body = struct.pack(f">BBB{many}H", head, function, 2 * many, *values)
    whole = body + crc(body)
    return bytes([*whole[:3], whole[3] ^ 0x10, *whole[4:]]) if unit.damaged else whole


def requests(written: bytes) -> tuple[bytes, bytes]:
    """A request has 8 bytes. One that is damaged goes with all that is there, as a silence follows it."""
    if len(written) < 8:
        return b"", written
    if written[6:8] == crc(written[:6]):
        return written[:8], written[8:]
    return written, b""


PART = 0.02  # s of silence that part requests here; 1.5 characters on a real line, which the machine's pauses exceed


def modbus_line(
    units: Mapping[int, Unit], *, echo: bool = False, pieces: int = 0, baud: int = 0, link: Path | None = None
) -> Answering:
    """A line with these units on a pseudo-terminal."""
    return Answering(
        lambda request: answer(units, request),
        cut=requests,
        late=lambda request: units[request[0]].late if request[0] in units else 0.0,
        echo=echo,
        pieces=pieces,
        baud=baud,
        link=link,
        part=PART if baud else math.inf,
    )

"""The nouns of boards that have to be asked: what is written to them, and what is in the registers of a Modbus unit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ask:
    """What a board has to be asked. Without one nothing is ever written to its port."""

    start: tuple[bytes, ...] = ()  # written once, after an open
    questions: tuple[bytes, ...] = ()  # in turn; without one the board speaks by itself once it was started
    every: float = 1.0  # s; 0: as fast as answers come
    timeout: float = 1.0  # s
    end: bytes = b""  # what ends an answer; b"", and size 0: the format knows
    size: int = 0  # bytes of an answer


@dataclass(frozen=True, slots=True)
class Register:
    """A value in one register of a Modbus unit, or in several: number * factor + offset."""

    name: str
    at: int
    kind: str = "holding"  # holding | input
    type: str = "i16"  # i16 | u16 | i32 | u32 | f32
    words: str = "big"  # big | little: which word of a longer number comes first
    factor: float = 1.0
    offset: float = 0.0
    unit: str = ""  # "": the board's
    none: tuple[float, ...] = ()  # numbers as they stand there that mean "no value"


@dataclass(frozen=True, slots=True)
class Modbus:
    """A unit on a Modbus line, and what is read of it."""

    unit: int  # 1 … 247
    registers: tuple[Register, ...]
    every: float = 1.0  # s
    timeout: float = 1.0  # s

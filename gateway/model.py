"""The nouns of the street: what one room hands to the next. Values only; of ours it imports asks.py and layouts.py.

bytes -> Frame -> Sample -> Reading (a row of columns) -> Features (columns) -> Message -> broker
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain, repeat
from operator import itemgetter
from typing import NamedTuple, Protocol

from .asks import Ask, Modbus
from .layouts import Crc, Endian, Escapes, Field, Length, Magic

Frame = bytes
"""One record of a board as it came, without its terminator; its time of arrival goes beside it."""


class Why(StrEnum):
    """Why a frame, or one value of a frame, was refused."""

    TOO_LONG = "too_long"
    NOT_A_NUMBER = "not_a_number"
    NOT_FINITE = "not_finite"
    WRONG_UNIT = "wrong_unit"
    WRONG_COLUMNS = "wrong_columns"
    BAD_CHECKSUM = "bad_checksum"
    BAD_FRAME = "bad_frame"
    BAD_NAME = "bad_name"
    ERROR_MARK = "error_mark"
    TOO_MANY_SENSORS = "too_many_sensors"
    TIMEOUT = "timeout"
    SHARED = "shared"
    OVERRUN = "overrun"
    GARBAGE = "garbage"
    EXCEPTION = "exception"
    WRONG_ANSWER = "wrong_answer"


class Drop(StrEnum):
    """Why a reading that had its number was not published."""

    OUT_OF_RANGE = "out_of_range"
    SHED = "shed"
    TOO_LARGE = "too_large"
    REFUSED_BY_BROKER = "refused_by_broker"
    COMPUTE_FAILED = "compute_failed"
    SPOOL_FULL = "spool_full"
    SPOOL_AGE = "spool_age"
    SPOOL_CORRUPT = "spool_corrupt"
    DISK_FULL = "disk_full"


class Quality(StrEnum):
    """What a reading is worth; of several that hold, the first here is told."""

    OUT_OF_RANGE = "out_of_range"
    STUCK = "stuck"
    SPIKE = "spike"
    WARMING_UP = "warming_up"
    OK = "ok"


class Sample(NamedTuple):
    """One value that a board sent. `value` is finite."""

    sensor: str
    value: float
    unit: str  # as published: "°C", "°F", "K", or another quantity's
    count: int | None = None  # type: ignore[assignment]  # the board's own number; hides tuple's count, which nobody calls


class BadValue(NamedTuple):
    """One value that was asked for and does not hold, in a frame whose other values do."""

    sensor: str
    why: Why


class Decoded(NamedTuple):
    """What one frame held: the samples asked for, and those of them that do not hold."""

    samples: list[Sample]
    bad: list[BadValue]


class Stretch(NamedTuple):
    """What several frames in turn held, by columns: none with a fault, and as many values in each, of one count."""

    frames: int
    columns: list[Sequence[float]]  # as long each
    takes: Sequence[tuple[str, str]]  # of each column its sensor and unit
    named: Sequence[Sequence[tuple[str, str]]] = ()  # instead, of each frame, where each names its sensor
    counts: Sequence[int] | None = None  # of each frame, where it has a number of its own

    @property
    def samples(self) -> list[Sample]:
        """Frame by frame, as Decoded has them; made anew each time."""
        each = []
        for place, column in enumerate(self.columns):
            takes = [of[place] for of in self.named] or repeat(self.takes[place])
            parted = map(itemgetter(0), takes), column, map(itemgetter(1), takes), self.counts or repeat(None)
            each.append(map(tuple.__new__, repeat(Sample), zip(*parted, strict=False)))
        return list(chain.from_iterable(zip(*each, strict=True)))


HEAD = 64
"""Bytes that are kept of what was refused or is noise, for whoever has to find out."""


class Refusal(NamedTuple):
    """A frame that was no good."""

    why: Why
    data: bytes = b""  # what was refused, cut to HEAD


class Noise(NamedTuple):
    """Text that is expected and no data: banners, prompts, blank lines, the half line after an open."""

    data: bytes = b""


class Format(Protocol):
    """One kind of board. Pure: no I/O, no clock; raises on no bytes whatever. Called one frame at a time, in order.

    It may have more, which is looked for: `stretch`, to read many frames of one shape at once; `framing`, how its bytes
    are cut, if not into lines; `checked` and `binary`, as Intake has them. What is found out of a board that is not
    known, for its table: `guessed`, `decimal`, `after`, `unsaid`, as Auto has them.
    """

    @property
    def name(self) -> str:
        """The format's name in the configuration; of `auto` what it has found, once it has."""
        ...

    def decode(self, frame: Frame) -> Decoded | Refusal | Noise:
        """What `frame` holds."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """How the readings of one sensor become features. Sensors with equal plans are computed together."""

    scale: tuple[float, float] = (20.0, 80.0)  # what `normalized` maps to 0…1
    window_s: float | None = 60.0  # the window in seconds, or None when it is a count
    window_n: int = 10_000  # the window in readings; with window_s, the most that it may hold
    use: tuple[str, ...] = ("mean", "std", "min", "max")
    range: tuple[float, float] | None = None  # plausible values, bounds inside, in whatever unit
    out_of_range: str = "flag"  # flag | drop | clamp
    stuck: float = 0.0  # s unchanged before quality says so; 0 = never
    spike: float = 0.0  # times the median absolute deviation; 0 = never
    custom: tuple[str, ...] = ()  # features of the user's own, "module:function"
    own_range: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # without `range`: the sensor's, by unit


@dataclass(frozen=True, slots=True)
class Treatment:
    """What is done with a sensor's values before they are readings; nothing as it stands here.

    In this order: points, gain, offset, in the board's unit; then the unit is converted.
    """

    name: str = ""  # what the sensor is called; "": as the board calls it
    unit: str = ""  # as published; "": the board's
    points: tuple[tuple[float, float], ...] = ()  # (what the board says, what is true), the first ever larger
    gain: float = 1.0
    offset: float = 0.0


ALARMS = (None, "above", "below")
"""What a sensor's alarm can say of a reading."""


@dataclass(slots=True)
class Features:
    """Computed readings of one sensor and one unit, as columns of equal length in the order of `seq`."""

    board: str
    sensor: str
    unit: str
    keys: tuple[str, ...]  # of `columns`: normalized, feature, then those of the plan, then the user's own
    seq: array[int]
    wall: array[float]  # when the bytes arrived; s since 1970, UTC
    mono: array[float]  # the same, s of the monotonic clock since the start
    value: array[float]
    count: list[int | None]  # the board's own numbers
    n: array[int]  # readings in the window
    quality: bytes  # indexes into Quality
    columns: list[array[float]]  # NaN = no value
    unset: bool = False  # the machine's clock had not been set when the bytes arrived
    alarm: bytes = b""  # indexes into ALARMS; empty where there is nothing to say of any

    def __len__(self) -> int:
        return len(self.seq)

    def cut(self, first: int, last: int) -> Features:
        """The rows first…last - 1, in columns of their own."""
        part = slice(first, last)
        return Features(
            self.board, self.sensor, self.unit, self.keys, self.seq[part], self.wall[part], self.mono[part],
            self.value[part], self.count[part], self.n[part], self.quality[part],
            [column[part] for column in self.columns], self.unset, self.alarm[part],
        )  # fmt: skip

    def extend(self, more: Features) -> None:
        """Appends later readings of the same sensor, unit and keys."""
        if self.alarm or more.alarm:
            self.alarm = (self.alarm or bytes(len(self))) + (more.alarm or bytes(len(more)))
        self.seq += more.seq
        self.wall += more.wall
        self.mono += more.mono
        self.value += more.value
        self.count += more.count
        self.n += more.n
        self.quality += more.quality
        for ours, theirs in zip(self.columns, more.columns, strict=True):
            ours += theirs


@dataclass(frozen=True, slots=True)
class FormatOptions:
    """What the formats take; a format reads those that are its own."""

    columns: tuple[str, ...] = ()  # names in order; "" skips one
    unit: tuple[str, ...] = ()  # none, one for all, or one a column
    also: tuple[str, ...] = ()  # names of quantities that are no temperature and are wanted all the same
    none: tuple[str | float, ...] = ()  # values that mean "no value", exact
    separator: str = "auto"
    header: bool | str = "auto"
    decimal: str = "auto"
    line_end: str = ""  # of text: the character that ends a line; "": CR, LF or both
    records: str = ""
    after: str = ""
    pattern: str = ""  # of regex and block: named groups are columns
    start: str | None = None  # of block: how its first and its last line begin; "" = an empty line
    end: str | None = None
    timeout: float = 5.0  # s without a byte, after which a block is bad
    base: int = 10  # of the numbers: 10 | 16
    framing: str | Escapes | None = None  # fixed | stx-etx | length | cobs | slip | hdlc | hex, or bytes of its own
    size: int | Length | None = None  # bytes
    magic: Magic | None = None
    crc: Crc | None = None
    endian: Endian = "little"
    fields: tuple[Field, ...] = ()
    max_sensors: int = 256  # of the board: so many names in lines are worth remembering


@dataclass(frozen=True, slots=True)
class Port:
    """Where a board is, and how its line is set."""

    path: str  # a path, or socket://host:port
    baud: int = 115_200  # 0: to be found by listening
    serial: str = "8N1"
    dtr: bool | None = None  # None: as the system does
    rts: bool | None = None
    settle: float = 0.0  # s; what arrives in this time after an open is noise


@dataclass(frozen=True, slots=True)
class Board:
    """One [[boards]] table, checked and complete."""

    name: str
    port: Port
    format: str = "auto"
    options: FormatOptions = field(default_factory=FormatOptions)
    tags: tuple[tuple[str, str], ...] = ()
    max_line: int = 4000  # bytes
    max_sensors: int = 256
    silent: float | None = None  # s; None: the larger of 30 s and 5 usual intervals
    on_silence: tuple[str, ...] = ("reopen",)  # what may be tried then: reopen | dtr
    ask: Ask | None = None
    modbus: Modbus | None = None

    @property
    def asked(self) -> bool:
        """Whether something is written to its port."""
        return self.ask is not None or self.modbus is not None


class Chunk(NamedTuple):
    """When some bytes arrived: by the wall clock (s since 1970, UTC) and by the monotonic one."""

    wall: float
    mono: float


Take = Callable[[str, list[Sample], Chunk], None]
"""Where ingest puts its samples: (board, samples, when they arrived)."""

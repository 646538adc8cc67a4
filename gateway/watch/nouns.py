"""What a gateway says at its broker, as values: readings, and the documents of itself, of boards and of alarms."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

LARGEST = sys.float_info.max


@dataclass(frozen=True, slots=True)
class Place:
    """Whose a topic is, as its levels say. kind: status | features | last | alarm."""

    kind: str
    board: str = ""
    sensor: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading. time: s since 1970, by the gateway's clock. message: as it came."""

    board: str
    sensor: str
    run: str
    seq: int
    time: float
    value: float
    unit: str
    quality: str
    features: Mapping[str, float | None]
    condensed: int
    replayed: bool
    clock: str
    alarm: str
    message: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """What a gateway tells of itself. time: s since 1970, by its clock; spool: bytes, oldest (s), hours_left."""

    state: str
    reason: str
    run: str
    version: str = ""
    started: float | None = None
    time: float | None = None
    clock: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    dropped: int = 0
    balanced: bool | None = None
    boards: Mapping[str, int] = field(default_factory=dict)
    connected: bool | None = None
    reconnects: int = 0
    spool_bytes: int | None = None
    spool_oldest: float | None = None
    hours_left: float | None = None
    workers: int | None = None
    faults: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BoardTold:
    """What is told of a board. sensors: by topic level (name, state, s of the last reading, unit)."""

    board: str
    state: str
    reason: str = ""
    since: float | None = None
    port: str = ""
    baud: int = 0
    format: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    refused: int = 0
    faults: Mapping[str, str] = field(default_factory=dict)
    sensors: Mapping[str, tuple[str, str, float | None, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlarmTold:
    """The state of a sensor's alarm: above | below | ""."""

    state: str
    since: float | None
    value: float | None


def is_number(value: object) -> TypeGuard[float]:
    """Whether `value`, out of JSON, is a number that a float can hold."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST  # which no NaN is

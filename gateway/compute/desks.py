"""The boards' readings that wait for a batch, and whose turn it is. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .batching import Batch, batch
from .sensors import Sensor


@dataclass(slots=True)
class Desk:
    """One board's sensors, and its readings that wait."""

    sensors: dict[str, Sensor] = field(default_factory=dict)
    ready: dict[Sensor, None] = field(default_factory=dict)  # those with waiting readings, first come first
    waiting: int = 0
    computing: int = 0
    since: float = 0.0  # when the oldest waiting reading came
    turn: int = 0  # its place in the queue


def in_turn(desks: Iterable[Desk]) -> list[Desk]:
    """Those that may have a batch: something waits, and nothing of theirs is under way."""
    return sorted((desk for desk in desks if desk.ready and not desk.computing), key=lambda desk: desk.turn)


def taken(desks: Mapping[str, Desk], those: Iterable[Desk], most: int) -> Batch:
    """A batch of at most `most` readings that wait at `those`, which are some of `desks`: it is under way now."""
    made = batch((sensor for desk in those for sensor in desk.ready), most)
    for entry in made.entries:
        desk = desks[entry.sensor.board]
        desk.waiting -= len(entry.rows)
        desk.computing += len(entry.rows)
        del desk.ready[entry.sensor]
        if entry.sensor.fresh:
            desk.ready[entry.sensor] = None  # the others' turn is first
    for name in made.boards:
        desk = desks[name]
        desk.since = min((sensor.fresh[0].t for sensor in desk.ready), default=0.0)
    return made

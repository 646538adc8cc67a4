"""What is remembered of what was announced, from one run to the next: boards, their sensors, and the topics. Pure.

A sensor is announced when it has first spoken. After a restart it still is, and is unavailable until it speaks again;
one that was not heard for a week in which its board was is forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from .nouns import Board, Sensor
from .spelling import said

MOST = 2000  # sensors in all: Home Assistant has some 8 entities of each
LONGEST = 200  # bytes of the name of a board or sensor; longer ones are what noise makes up
MOST_KEYS = 32
WEEK = 7  # days
VERSION = 1


class Slot(NamedTuple):
    """A sensor at its place. hardware: the board's own name for it; day: when it was heard last, days since 1970."""

    sensor: Sensor
    hardware: str
    day: int


@dataclass(slots=True)
class Known:
    """boards: the sensors of each, by their places, None where one has left. topics: those that may be retained."""

    boards: dict[str, list[Slot | None]] = field(default_factory=dict)
    topics: set[str] = field(default_factory=set)
    left_out: int = 0  # sensors that find no room
    changed: bool = False  # since it was kept last
    _at: dict[tuple[str, str], int] = field(default_factory=dict)  # (board, sensor) -> its place, -1: none
    _sensors: int = 0

    @property
    def sensors(self) -> int:
        """How many there are."""
        return self._sensors

    def see(self, board: str, sensor: Sensor, hardware: str, day: int) -> bool:
        """A sensor has spoken. Gives whether that is news. The name under which it was known before goes."""
        at = self._at.get((board, sensor.name))
        slots = self.boards.setdefault(board, [])
        sensor = replace(sensor, keys=sensor.keys[:MOST_KEYS])
        if at is None:
            at = self._place(board, sensor, hardware, slots)
        if at < 0:
            return False
        before = slots[at]
        slots[at] = after = Slot(sensor, hardware, max(day, before.day if before else 0))
        self.changed |= after != before
        return before is None or before.sensor != sensor

    def _place(self, board: str, sensor: Sensor, hardware: str, slots: list[Slot | None]) -> int:
        """Where a sensor that is new goes: to the place of the one that it was before, to a free one, or nowhere."""
        own = [at for at, slot in enumerate(slots) if slot is not None and slot.hardware == hardware]
        if own and (before := slots[own[0]]) is not None:
            at = own[0]
            del self._at[board, before.sensor.name]
        elif self._sensors >= MOST or max(len(said(name).encode()) for name in (board, sensor.name)) > LONGEST:
            at = -1
            self.left_out += 1
        else:
            self._sensors += 1
            at = slots.index(None) if None in slots else len(slots)
            slots[at:] = slots[at:] or [None]
        self._at[board, sensor.name] = at
        return at

    def keep(self, boards: Iterable[str], may_come: Callable[[str], bool]) -> bool:
        """Takes in the boards that are read, and forgets those that are not and will not be. Gives whether that is
        news. may_come: whether a board that is not read now may be found again.
        """
        now = set(boards)
        over = [name for name in self.boards if name not in now and not may_come(name)]
        fresh = [name for name in now if name not in self.boards and len(said(name).encode()) <= LONGEST]
        for name in over:
            self._sensors -= sum(slot is not None for slot in self.boards.pop(name))
            self._at = {key: at for key, at in self._at.items() if key[0] != name}
        if over:
            self._make_room()
        self.boards |= {name: [] for name in sorted(fresh)}
        self.changed |= bool(over or fresh)
        return bool(over or fresh)

    def watch(self, alarmed: Callable[[str, str], bool]) -> bool:
        """Asks anew whether an alarm watches each. Gives whether that is news. alarmed: of (board, sensor)."""
        found = False
        for board, slots in self.boards.items():
            for at, slot in enumerate(slots):
                if slot is not None and (alarm := alarmed(board, slot.sensor.name)) != slot.sensor.alarm:
                    slots[at], found = slot._replace(sensor=replace(slot.sensor, alarm=alarm)), True
        self.changed |= found
        return found

    def absent(self, boards: Collection[str]) -> list[str]:
        """Those that are known and are not among `boards`, which are read."""
        return [name for name in self.boards if name not in boards]

    def forget_silent(self) -> bool:
        """Forgets sensors that were not heard for a week, and others of their boards were. Gives whether there were."""
        found = False
        for board, slots in self.boards.items():
            newest = max((slot.day for slot in slots if slot), default=0)
            for at, slot in enumerate(slots):
                if slot is not None and newest - slot.day > WEEK:
                    slots[at], found = None, True
                    del self._at[board, slot.sensor.name]
                    self._sensors -= 1
        if found:
            self._make_room()
        self.changed |= found
        return found

    def _make_room(self) -> None:
        """Those that found none are placed, or counted, as they speak the next time."""
        self._at = {key: at for key, at in self._at.items() if at >= 0}
        self.left_out = 0

    def listed(self, kind: Callable[[str], str]) -> list[Board]:
        """The boards as they are announced. kind: of a board, by its name."""
        return [
            Board(name, tuple(slot.sensor if slot else None for slot in slots), kind(name))
            for name, slots in self.boards.items()
        ]

    def text(self) -> str:
        """As it is kept in a file, from now on."""
        self.changed = False
        boards = {said(board): [_kept(slot) for slot in slots] for board, slots in self.boards.items()}
        document = {"version": VERSION, "topics": sorted(self.topics), "boards": boards}
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _kept(slot: Slot | None) -> list[Any] | None:
    if slot is None:
        return None
    sensor, hardware, day = slot
    names = [said(sensor.name), said(hardware), said(sensor.unit), sensor.quantity]
    return [*names, sensor.alarm, day, [said(key) for key in sensor.keys]]


def known(found: Any) -> Known:
    """What `Known.text` has kept. found: its JSON; whatever is not as that writes it is left out."""
    out = Known()
    if not isinstance(found, dict) or found.get("version") != VERSION:
        return out
    out.topics = set(filter(_is_topic, _list(found.get("topics"))))
    boards = found.get("boards")
    for board, kept in boards.items() if isinstance(boards, dict) else ():
        slots = out.boards[board] = [_slot(one) for one in _list(kept)[: MOST - out.sensors]]
        for at, slot in enumerate(slots):
            if slot is not None and (board, slot.sensor.name) not in out._at:
                out._at[board, slot.sensor.name] = at
                out._sensors += 1
            else:
                slots[at] = None
    out.forget_silent()
    return out


def _slot(kept: Any) -> Slot | None:
    match kept:
        case [str(name), str(hardware), str(unit), str(quantity), bool(alarm), int(day), [*keys]]:
            if all(isinstance(key, str) for key in keys) and len(name.encode(errors="replace")) <= LONGEST:
                return Slot(Sensor(name, unit, quantity, tuple(keys[:MOST_KEYS]), alarm), hardware, day)
    return None


def _list(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def _is_topic(topic: Any) -> bool:
    """Whether it is one of ours: what stands in a file is not to clear anything else."""
    if not isinstance(topic, str) or not topic.isprintable() or set(topic) & set("+#"):
        return False
    return "/device/gateway-" in topic and topic.endswith("/config")

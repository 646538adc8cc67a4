"""What the subscriber has heard of one phase: readings that came once, twice, late or never, and how long they took.

While readings come, messages are only kept, so that nobody waits for the subscriber; they are read afterwards. Pure.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from ..demo.judge import Seen
from .heard import Heard, features
from .right import Course

ROWS = b"],["  # stands between two rows, and in no message of one reading


@dataclass(eq=False, slots=True)
class Sensor:
    """What was heard of one sensor."""

    seen: Seen = field(default_factory=Seen)
    latest: dict[bool, tuple[int, float]] = field(default_factory=dict)  # seq and value of the latest, replayed or not
    course: Course = field(default_factory=Course)
    fresh: list[Heard] = field(default_factory=list)  # whose features were not looked at yet

    def wrong(self) -> int:
        """How many of the fresh ones have a feature that is not right."""
        fresh, self.fresh = sorted(self.fresh, key=lambda one: one.seq), []
        return sum(not self.course.right(one) for one in fresh)


class Count:
    """Readings by their messages. A reading belongs to a phase by its value: the time at which it was written.

    read: (topic, payload) of a message -> its readings; raises ValueError, KeyError or TypeError where it has none.
    """

    def __init__(self, read: Callable[[bytes, bytes], Iterable[Heard]] = features) -> None:
        self.heard = 0  # messages of all phases
        self._read = read
        self._sensors: dict[tuple[str, str], Sensor] = {}
        self._kept: list[tuple[bytes, bytes, float]] = []
        self.begin(math.inf)

    def begin(self, at: float) -> None:
        """From now on only readings count that were written at `at` (s, monotonic) or later."""
        self.look()
        self._began = self.last = at
        self.arrived = 0  # readings since then, roughly: those of before and those that came twice are among them
        self.duplicates = 0
        self.replayed = 0  # had been on the disk
        self.disordered = 0  # came behind a later one of their sensor, as live as they, or as replayed
        self.wrong = 0  # have a feature that is not right; and messages that cannot be read
        self.took = array("d")  # s from its line to the subscriber, of each reading

    def take(self, topic: bytes, payload: bytes, now: float) -> None:
        """A message of readings has come. now: s, monotonic."""
        self.heard += 1
        self.arrived += 1 + payload.count(ROWS)
        self._kept.append((topic, payload, now))

    @property
    def boards(self) -> int:
        """How many were heard."""
        self._read_kept()
        return len({board for board, _ in self._sensors})

    @property
    def received(self) -> int:
        """Different readings of this phase."""
        self._read_kept()
        return len(self.took)

    def look(self) -> None:
        """Reads all that has come so far, and looks at its features."""
        self._read_kept()
        for sensor in self._sensors.values():
            try:
                self.wrong += sensor.wrong()
            except (KeyError, TypeError):
                self.wrong += 1

    def _read_kept(self) -> None:
        kept, self._kept = self._kept, []
        for topic, payload, now in kept:
            try:
                for one in self._read(topic, payload):
                    self._one(one, now)
            except (ValueError, KeyError, TypeError):
                self.wrong += 1

    def _one(self, one: Heard, now: float) -> None:
        sensor = self._sensors.setdefault((one.board, one.sensor), Sensor())
        if one.seq and not sensor.seen.see(one.seq):
            self.duplicates += one.value >= self._began
            return
        if one.features:
            sensor.fresh.append(one)
        seq, value = sensor.latest.get(one.replayed, (0, 0.0))
        late = one.seq < seq or one.value < value
        if not late:
            sensor.latest[one.replayed] = one.seq, one.value
        if one.value >= self._began:
            self.took.append(now - one.value)
            self.last = now
            self.disordered += late
            self.replayed += one.replayed


def shares(took: Sequence[float]) -> dict[str, float | None]:
    """The latency (ms) that 50, 99 and 99.9 % do not exceed, by nearest rank; None without any."""
    ordered = sorted(took)
    return {
        name: round(1000 * ordered[max(0, math.ceil(share * len(ordered)) - 1)], 3) if ordered else None
        for name, share in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))
    }


def middle(values: Sequence[float | None]) -> float | None:
    """The median of those that are there."""
    there = [value for value in values if value is not None]
    return median(there) if there else None

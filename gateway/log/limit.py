"""How much the log may say: few lines a second, few bytes an hour, and never less than the newest of each kind.

A kind is an event of one board, port, sensor or feature. What is held back is counted, and the count stands in the
kind's next line. Pure: the time is an argument, s of a monotonic clock.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

Event = Mapping[str, Any]


class Bucket:
    """Allows `capacity` at once and `rate` a second. What was spent beyond that is paid back first."""

    def __init__(self, capacity: float, rate: float) -> None:
        self.capacity, self.rate = capacity, rate
        self.level, self.at = capacity, 0.0

    def fill(self, now: float) -> None:
        """Brings the level up to `now`."""
        self.level = min(self.capacity, self.level + (now - self.at) * self.rate)
        self.at = now

    def wait(self, needed: float) -> float:
        """s from the last fill until `needed` is there."""
        return max(0.0, (needed - self.level) / self.rate)


@dataclass(slots=True)
class Kind:
    """What waits of one kind: the newest event, and how many before it were not told."""

    event: Event | None = None
    held: int = 0
    told: float = float("-inf")  # when the last one was


class Limit:
    """Events in, events out: at most 10 in any second, 1 MB in any hour, and one of each kind in `apart` seconds."""

    def __init__(self, *, burst: int = 5, rate: float = 5.0, apart: float = 10.0, kinds: int = 1000) -> None:
        self.lines = Bucket(burst, rate)
        self.bytes = Bucket(60_000, 250)  # an hour at this rate is 0.9 MB
        self.apart, self.most = apart, kinds
        self.kinds: OrderedDict[Hashable, Kind] = OrderedDict()  # the one that was told longest ago comes first

    def offer(self, event: Event) -> None:
        """Takes an event in; it replaces one of its kind that still waits."""
        kind = self.kinds.get(key := self._key(event))
        if kind is None:
            kind = self.kinds[key] = Kind()
        kind.held += kind.event is not None
        kind.event = event

    def take(self, now: float) -> tuple[Hashable, dict[str, Any]] | None:
        """The next event that may be told at `now`, with the number of those held back; the gateway's own go first."""
        self.lines.fill(now)
        self.bytes.fill(now)
        if self.lines.level < 1 or self.bytes.level < 1:
            return None
        return self._next(lambda kind: now - kind.told >= self.apart, now)

    def rest(self) -> tuple[Hashable, dict[str, Any]] | None:
        """The next event that waits, whatever the limits: for the end of the run."""
        return self._next(lambda kind: True, float("inf"))

    def spent(self, size: int) -> None:
        """A line of so many bytes was written."""
        self.lines.level -= 1
        self.bytes.level -= size

    def lost(self, key: Hashable, told: Mapping[str, Any]) -> None:
        """The line of an event that was taken could not be written: it counts as held back."""
        self.kinds[key].held += 1 + told.get("held", 0)

    def wait(self, now: float) -> float | None:
        """s until something may be told; None when nothing waits."""
        told = [kind.told for kind in self.kinds.values() if kind.event is not None]
        if not told:
            return None
        self.lines.fill(now)
        self.bytes.fill(now)
        return max(self.lines.wait(1), self.bytes.wait(1), min(told) + self.apart - now, 0.0)

    def _key(self, event: Event) -> Hashable:
        """The event's kind. With too many kinds, those of one event are one."""
        key = (event["event"], *(str(event.get(name, "")) for name in ("board", "port", "sensor", "feature")))
        return key if key in self.kinds or len(self.kinds) < self.most else (event["event"],)

    def _next(self, ripe: Callable[[Kind], bool], now: float) -> tuple[Hashable, dict[str, Any]] | None:
        ready = [(key, kind) for key, kind in self.kinds.items() if kind.event is not None and ripe(kind)]
        if not ready:
            return None
        key, kind = min(ready, key=lambda item: "board" in (item[1].event or ()))
        event = dict(kind.event or {}) | ({"held": kind.held} if kind.held else {})
        kind.event, kind.held, kind.told = None, 0, now
        self.kinds.move_to_end(key)
        return key, event

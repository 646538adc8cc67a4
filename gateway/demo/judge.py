"""The demo's independent subscriber: what arrived against what the boards wrote. Pure: no client, no clock."""

from __future__ import annotations

import json
import math
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..watch.nouns import is_number
from ..watch.table import FEATURES, RECENT, Row

UNPAIRED = 10_000  # readings of a sensor that wait for their other half, at most
FINENESS = 1.01  # a latency is known to 1 %


class Latencies:
    """How long readings took, in s; bounded, however many there are."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()  # how many took FINENESS**key µs

    def add(self, seconds: float) -> None:
        """One more; less than 1 µs is 1 µs."""
        self._buckets[round(math.log(max(seconds * 1e6, 1.0), FINENESS))] += 1

    def quantile(self, share: float) -> float | None:
        """The latency (s) that `share` of them do not exceed, by nearest rank; None without any."""
        rank = max(1, math.ceil(share * self._buckets.total()))
        for bucket in sorted(self._buckets):
            rank -= self._buckets[bucket]
            if rank <= 0:
                return FINENESS**bucket / 1e6
        return None


@dataclass(slots=True)
class Seen:
    """Which numbers of a sequence from 1 were seen; bounded by what is missing."""

    received: int = 0  # different ones
    highest: int = 0
    holes: list[tuple[int, int]] = field(default_factory=list)  # first and last of what is missing below `highest`

    @property
    def missing(self) -> int:
        """How many below the highest were not seen."""
        return self.highest - self.received

    def see(self, number: int) -> bool:
        """Notes `number`; whether it is new."""
        if number > self.highest:
            if number > self.highest + 1:
                self.holes.append((self.highest + 1, number - 1))
            self.highest = number
        else:
            place = next((i for i, (first, last) in enumerate(self.holes) if first <= number <= last), None)
            if place is None:
                return False
            first, last = self.holes[place]
            parts = ((first, number - 1), (number + 1, last))
            self.holes[place : place + 1] = [part for part in parts if part[0] <= part[1]]
        self.received += 1
        return True


@dataclass(slots=True)
class Stream:
    """What is known of one sensor."""

    seen: Seen = field(default_factory=Seen)
    latest: Mapping[str, Any] = field(default_factory=dict)
    at: float = 0.0  # when that arrived
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    wrote: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=UNPAIRED))  # (value, when)
    came: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=UNPAIRED))

    def pair(self, latencies: Latencies) -> None:
        """Finds which arrived reading is which written one: the values are equal, and both are in order.

        What a reading overtakes was lost. Among equal neighbours a lost one cannot be told from the next.
        """
        while self.wrote and self.came:
            value, written = self.wrote.popleft()
            if value == self.came[0][0]:
                latencies.add(self.came.popleft()[1] - written)


class Judge:
    """Hears all that the gateway `gateway` publishes and all that the boards say they wrote.

    sensors: of each board. Times are s of one monotonic clock that all processes of this machine share. The latency
    of a reading runs from the return of the write that put the last byte of its line on the port until the subscriber
    has its message: port, decoding, features, broker and network are in it. A reading is a different one by (board,
    sensor, run, seq), and counts only in the run that the gateway's status named. What anybody else publishes on the
    broker, which is open to this machine, is not counted.
    """

    def __init__(self, gateway: str, sensors: Mapping[str, Sequence[str]]) -> None:
        self.streams = {(board, sensor): Stream() for board, names in sensors.items() for sensor in names}
        self.received = self.duplicates = 0  # different readings, and those that came again
        self.latencies = Latencies()
        self.status: Mapping[str, Any] = {}  # the gateway's newest document
        self.status_at = 0.0
        self.began: float | None = None  # when the first reading was written
        self.strays = 0  # readings of sensors that no board has
        self.stray = ""  # the last such sensor
        self._gateway = gateway

    @property
    def missing(self) -> int:
        """Readings that a later one of their sensor has overtaken."""
        return sum(stream.seen.missing for stream in self.streams.values())

    def hear(self, topic: str, payload: bytes, at: float) -> None:
        """A message, and when it arrived."""
        _, _, kind = topic.rpartition("/")
        if kind not in ("features", "status"):
            return
        try:
            message = json.loads(payload)
        except (ValueError, RecursionError):
            return
        if not isinstance(message, dict) or message.get("gateway") != self._gateway:
            return
        if kind == "status":
            if isinstance(message.get("run"), str) and message["run"] == self.status.get("run", message["run"]):
                self.status, self.status_at = message, at
        elif message.get("run") == self.status.get("run"):
            self._reading(message, at)

    def _reading(self, message: Mapping[str, Any], at: float) -> None:
        board, sensor, seq, value = (message.get(key) for key in ("board", "sensor", "seq", "value"))
        if type(seq) is not int or seq < 1 or not is_number(value):
            return
        stream = self.streams.get((str(board), str(sensor)))
        if stream is None:
            self.strays += 1
            self.stray = f"{board}/{sensor}"
        elif not stream.seen.see(seq):
            self.duplicates += 1
        else:
            self.received += 1
            stream.latest, stream.at = message, at
            stream.recent.append(value)
            stream.came.append((value, at))
            stream.pair(self.latencies)

    def wrote(self, line: bytes) -> None:
        """A line of the boards' log: a JSON object with board, sensor, value, and mono, when it was written."""
        entry = json.loads(line)
        if self.began is None:
            self.began = entry["mono"]
        stream = self.streams[entry["board"], entry["sensor"]]
        stream.wrote.append((entry["value"], entry["mono"]))
        stream.pair(self.latencies)

    def rows(self, now: float) -> list[Row]:
        """Each sensor, board by board."""
        return [_row(board, sensor, stream, now) for (board, sensor), stream in self.streams.items()]


def _row(board: str, sensor: str, stream: Stream, now: float) -> Row:
    if not stream.latest:
        return Row(board, sensor)
    features = {key: number for key in FEATURES if is_number(number := stream.latest.get(key))}
    return Row(
        board,
        sensor,
        unit=str(stream.latest.get("unit", "")),
        quality=str(stream.latest.get("quality", "")),
        recent=tuple(stream.recent),
        age=max(0.0, now - stream.at),
        value=stream.latest["value"],
        features=features,
    )

"""What is known of a gateway, its boards and its sensors; bounded. Pure.

Times called `at` and `now` are s of a monotonic clock of ours, those called `wall` s since 1970.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from .nouns import BoardTold, Reading, Told
from .seen import Seen

RUNS, RECENT = 4, 40  # runs of a sensor that are kept, and values that are kept to be drawn
LATE, PACE = 1000, 5  # readings whose latency is kept, and s over which the rate is taken
SURE = 3  # readings that contradict a document


@dataclass(slots=True)
class Stream:
    """What is known of one sensor."""

    board: str
    sensor: str
    order: tuple[tuple[str | int, ...], tuple[str | int, ...]]  # among the sensors
    unit: str = ""
    state: str = ""  # as its board's document has it: ok | failed | silent
    alarm: str = ""
    quality: str = ""
    value: float | None = None
    features: Mapping[str, float | None] = field(default_factory=dict)
    time: float | None = None  # of the newest reading, by the gateway's clock
    at: float | None = None  # when that arrived; None: it was there when we came
    late: float | None = None  # s that it took, by two clocks
    received: int = 0
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    runs: dict[str, Seen] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        """Readings that newer ones have overtaken."""
        return sum(seen.missing for seen in self.runs.values())

    def seen(self, run: str) -> Seen:
        """Those of a run; of the oldest nothing is known any more when there are too many."""
        if run not in self.runs:
            if len(self.runs) == RUNS:
                del self.runs[next(iter(self.runs))]
            self.runs[run] = Seen()
        return self.runs[run]

    def show(self, reading: Reading, at: float | None, late: float | None) -> None:
        """The newest reading is this."""
        self.board, self.sensor, self.unit = reading.board, reading.sensor, reading.unit
        self.value, self.features, self.quality = reading.value, reading.features, reading.quality
        self.time, self.at, self.late = reading.time, at, late


@dataclass(slots=True)
class Board:
    """What is known of one board. told: without its sensors."""

    told: BoardTold
    at: float
    speaks: int = 0  # readings since, that came when it was said to be away


@dataclass(slots=True)
class Gateway:
    """What is known of one gateway. name: as it calls itself, or its topic level."""

    name: str
    told: Told | None = None
    at: float = 0.0  # when that came
    boards: dict[str, Board] = field(default_factory=dict)
    streams: dict[tuple[str, str], Stream] = field(default_factory=dict)
    received: int = 0  # different readings
    duplicates: int = 0
    missing: int = 0
    strangers: int = 0  # readings of a run that is not this gateway's
    beyond: int = 0  # messages of sensors and boards for which there was no room
    rubbish: int = 0  # messages that it never wrote
    worst: str = ""  # the topic of the last one
    late: deque[float] = field(default_factory=lambda: deque(maxlen=LATE))
    pace: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=PACE + 1))  # (second, readings in it)
    speaks: int = 0  # readings of its run since `told` came
    other: str = ""  # another run that speaks
    others: int = 0  # how often, in a row

    @property
    def run(self) -> str:
        """The run that is here: the one that speaks, whatever somebody may have written into the document."""
        if self.told is None or self.others >= SURE:
            return self.other
        return self.told.run

    @property
    def state(self) -> str:
        """online | offline | "" (nothing is known). Who speaks is not offline, whatever a document says."""
        if self.told is None:
            return "online" if self.others else ""
        return "online" if self.doubt else self.told.state

    @property
    def doubt(self) -> str:
        """A sentence when the document is not to be believed."""
        if self.told is None:
            return ""
        if self.others >= SURE:
            return f"its status document is of another run ({self.told.run}) than its readings: not written by it"
        if self.told.state == "offline" and self.speaks >= SURE:
            return "its status document says offline, but it speaks: not written by it"
        return ""

    def rate(self, now: float) -> float:
        """Readings a second, over the last whole seconds of which we heard all."""
        first = self.pace[0][0] if self.pace else int(now)
        start = max(first + 1, int(now) - PACE)
        if start >= int(now):
            return float(sum(count for _, count in self.pace))
        return sum(count for second, count in self.pace if start <= second < int(now)) / (int(now) - start)

    def board_state(self, level: str) -> str:
        """online | silent | offline | lent | "" (nothing is known)."""
        board = self.boards.get(level)
        if board is None:
            return ""
        return "online" if board.speaks >= SURE else board.told.state


def natural(name: str) -> tuple[str | int, ...]:
    """By which names are put in order, numbers in them by their size: S9 before S10."""
    parts = re.split(r"([0-9]{1,15})", name.casefold())
    return tuple(int(part) if i % 2 else part for i, part in enumerate(parts))

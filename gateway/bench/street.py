"""`gateway bench street`: simulated boards through the whole gateway into a broker and back from a subscriber."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from ..compute.cores import cores
from .count import middle, shares
from .noise import hint, load
from .shown import progress, table
from .whole import Phase, street

RATES = (0.0, 1_000.0, 5_000.0)  # readings/s of all boards together; 0 is as fast as they are read
SECONDS = 3.0  # of a phase
HEAD = ("", "readings/s", "CPU s per 100,000", "half", "99 %", "99.9 %", "memory", "lost", "spread")


async def bench_street(rounds: int, seconds: float, boards: int) -> Told:
    """Measures at most `rounds` rounds of all rates, and begins none after `seconds`. Raises Failed, OSError."""
    before, done = load(), 0
    phases: dict[float, list[Phase]] = {rate: [] for rate in RATES}
    with progress() as said:
        said("starting boards, broker, gateway and subscriber")
        async with street(boards) as whole:
            end = time.monotonic() + seconds
            while done < rounds and (not done or time.monotonic() < end):
                for rate, made in phases.items():
                    said(f"round {done + 1} of {rounds}: {pace(rate)}")
                    made.append(await whole.phase(rate, SECONDS))
                done += 1
    rows = [Row(rate, made) for rate, made in phases.items()]
    noise = hint(before, cores(), [row.spread for row in rows])
    return Told(whole.broker.name, boards, done, before, noise, rows)


def pace(rate: float) -> str:
    """How fast the boards talk, for a person."""
    return f"{rate:,.0f} readings/s" if rate else "full speed"


@dataclass(frozen=True, slots=True)
class Row:
    """The phases of one rate; what it says of them are medians, but all that was lost."""

    rate: float
    phases: Sequence[Phase]

    @property
    def rates(self) -> list[float]:
        """Readings/s that arrived, by phase."""
        return [phase.received / phase.seconds if phase.seconds else 0.0 for phase in self.phases]

    @property
    def costs(self) -> list[float | None]:
        """CPU s of the gateway for 100,000 readings, by phase."""
        return [1e5 * phase.cpu / phase.received if phase.received else None for phase in self.phases]

    @property
    def spread(self) -> float:
        """How far the phases' costs lie apart, as a share of their median."""
        there = [cost for cost in self.costs if cost]
        return (max(there) - min(there)) / median(there) if there else 0.0

    @property
    def lost(self) -> int:
        """Readings of all phases that did not arrive."""
        return sum(phase.lost for phase in self.phases)

    def document(self) -> dict[str, Any]:
        """As `--json` has it."""
        latencies = [shares(phase.took) for phase in self.phases]
        cost = middle(self.costs)
        return {
            "rate": self.rate or None,
            "sent": sum(phase.sent for phase in self.phases),
            "received": sum(phase.received for phase in self.phases),
            "lost": self.lost,
            "duplicates": sum(phase.duplicates for phase in self.phases),
            "readings_per_s": round(median(self.rates), 1),
            "cpu_s_per_100000": None if cost is None else round(cost, 3),
            "latency_ms": {key: middle([one[key] for one in latencies]) for key in ("p50", "p99", "p999")},
            "memory_bytes": max(phase.memory for phase in self.phases),
            "spread": round(self.spread, 3),
        }


@dataclass(frozen=True, slots=True)
class Told:
    """What was measured."""

    broker: str
    boards: int
    rounds: int
    load: float  # before
    noise: str
    rows: Sequence[Row]

    def document(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "broker": self.broker,
            "boards": self.boards,
            "rounds": self.rounds,
            "load": round(self.load, 2),
            "noise": self.noise or None,
            "lost": sum(row.lost for row in self.rows),
            "rows": [row.document() for row in self.rows],
        }

    def lines(self) -> list[str]:
        """For a person."""
        cells = []
        for row in self.rows:
            made = row.document()
            cost = "–" if made["cpu_s_per_100000"] is None else f"{made['cpu_s_per_100000']:.2f}"
            memory = f"{made['memory_bytes'] / 1e6:.0f} MB"
            late = ["–" if ms is None else f"{ms:,.1f} ms" for ms in made["latency_ms"].values()]
            numbers = [f"{made['readings_per_s']:,.0f}", cost, *late, memory, f"{row.lost:,}", f"{row.spread:.0%}"]
            cells.append([pace(row.rate), *numbers])
        many = f"{self.boards} board{'s' * (self.boards != 1)}"
        rounds = f"medians of {self.rounds} round{'s' * (self.rounds != 1)}"
        head = f"{many} of one sensor, broker: {self.broker}; {rounds}; CPU and memory are the gateway's"
        return [head, "", *table(HEAD, cells), *([f"hint: {self.noise}"] if self.noise else [])]

    def trouble(self) -> list[str]:
        """What makes it a failure, a sentence each."""
        return [
            f"{row.lost:,} of {sum(phase.sent for phase in row.phases):,} readings are lost at {pace(row.rate)}"
            for row in self.rows
            if row.lost
        ]

"""What `gateway bench street` has measured, for a person and for `--json`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Self

from .carriers import Carrier
from .count import middle, shares
from .paired import ratio
from .shown import table
from .whole import Phase

HEAD = (
    "", "boards", "readings/s", "× pub", "CPU s per 100,000", "× pub", "half", "99 %", "99.9 %", "memory", "lost",
    "spread",
)  # fmt: skip
ALONE = "mosquitto_pub is not installed, so nothing was measured beside the gateway (Debian: mosquitto-clients)"
BESIDE = "pub: as many mosquitto_pub -l -q 1 in the same rounds, which send the lines as they are"


def pace(rate: float) -> str:
    """How fast the boards talk, for a person."""
    return f"{rate:,.0f} readings/s" if rate else "full speed"


@dataclass(frozen=True, slots=True)
class Row:
    """The phases of one rate; what it says of them are medians, but all that was lost. other: what ran beside it."""

    carrier: Carrier
    boards: int
    rate: float
    phases: Sequence[Phase]
    other: Row | None = None

    def beside(self, other: Row) -> Self:
        """The same, measured beside `other`, round by round."""
        return dataclasses.replace(self, other=other)

    @property
    def rates(self) -> list[float]:
        """Readings/s that arrived, by phase."""
        return [phase.received / phase.seconds if phase.seconds else 0.0 for phase in self.phases]

    @property
    def costs(self) -> list[float | None]:
        """CPU s of the carrier for 100,000 readings, by phase."""
        return [1e5 * phase.cpu / phase.received if phase.received else None for phase in self.phases]

    @property
    def times(self) -> dict[str, float | None]:
        """Times as many readings/s and as much CPU as the other took: medians of the ratios within the rounds."""
        if self.other is None:
            return {}
        own, other = self, self.other
        return {"readings_per_s": ratio(own.rates, other.rates), "cpu": ratio(own.costs, other.costs)}

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
            "carrier": self.carrier.name,
            "payload": self.carrier.payload,
            "boards": self.boards,
            "rate": self.rate or None,
            "sent": sum(phase.sent for phase in self.phases),
            "received": sum(phase.received for phase in self.phases),
            "lost": self.lost,
            "duplicates": sum(phase.duplicates for phase in self.phases),
            "replayed": sum(phase.replayed for phase in self.phases),
            "out_of_order": sum(phase.disordered for phase in self.phases),
            "wrong": sum(phase.wrong for phase in self.phases),
            "readings_per_s": round(median(self.rates), 1),
            "cpu_s_per_100000": None if cost is None else round(cost, 3),
            "times_mosquitto_pub": {key: None if x is None else round(x, 3) for key, x in self.times.items()} or None,
            "latency_ms": {key: middle([one[key] for one in latencies]) for key in ("p50", "p99", "p999")},
            "memory_bytes": max(phase.memory for phase in self.phases),
            "spread": round(self.spread, 3),
        }

    def cells(self) -> list[str]:
        """A row of the table."""
        made = self.document()
        cost, times = made["cpu_s_per_100000"], self.times
        late = ["–" if ms is None else f"{ms:,.1f} ms" for ms in made["latency_ms"].values()]
        return [
            f"{self.carrier.name}, {self.carrier.payload}, {pace(self.rate)}", f"{self.boards}",
            f"{made['readings_per_s']:,.0f}", _times(times.get("readings_per_s")),
            "–" if cost is None else f"{cost:.2f}", _times(times.get("cpu")),
            *late, f"{made['memory_bytes'] / 1e6:.0f} MB", f"{self.lost:,}", f"{self.spread:.0%}",
        ]  # fmt: skip

    def trouble(self) -> list[str]:
        """What is not as it has to be, a sentence each."""
        made = self.document()
        what = {"lost": "are lost", "out_of_order": "came out of order", "wrong": "have a wrong feature"}
        where = f"{self.carrier.name}, {self.carrier.payload}, {self.boards} boards"
        return [
            f"{made[key]:,} of {made['sent']:,} readings {words} at {pace(self.rate)} ({where})"
            for key, words in what.items()
            if made[key]
        ]


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


@dataclass(frozen=True, slots=True)
class Told:
    """What was measured. beside: whether `mosquitto_pub` was there to be measured beside the gateway."""

    broker: str
    rounds: int
    load: float  # before
    noise: str
    beside: bool
    rows: Sequence[Row]

    def document(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "broker": self.broker,
            "beside": "mosquitto_pub" if self.beside else None,
            "rounds": self.rounds,
            "load": round(self.load, 2),
            "noise": self.noise or None,
            "hint": None if self.beside else ALONE,
            "lost": sum(row.lost for row in self.rows),
            "rows": [row.document() for row in self.rows],
        }

    def lines(self) -> list[str]:
        """For a person."""
        rounds = f"medians of {self.rounds} round{'s' * (self.rounds != 1)}"
        head = f"boards of one sensor, broker: {self.broker}; {rounds}; CPU and memory are the named program's"
        hints = [f"hint: {text}" for text in (self.noise, "" if self.beside else ALONE) if text]
        return [head, *([BESIDE] if self.beside else []), "", *table(HEAD, [row.cells() for row in self.rows]), *hints]

    def trouble(self) -> list[str]:
        """What makes it a failure, a sentence each."""
        return [sentence for row in self.rows for sentence in row.trouble()]

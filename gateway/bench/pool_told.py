"""What `gateway bench pool` says: a table with ratios for a person, the same as a document. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .paired import Way
from .pool_ways import COLUMNS, LOOP, NUMPY
from .shown import table

HEAD = ("", "batch", "records/s", "to founding", "to loop", "to numpy", "spread")


@dataclass(frozen=True, slots=True)
class Told:
    """The ways of both transforms; the first of each is the founding pool, with which the others are compared."""

    light: Sequence[Way]
    heavy: Sequence[Way]
    workers: int
    rounds: int
    load: float  # before
    noise: str  # "" when the machine was quiet

    def document(self) -> dict[str, Any]:
        """As `--json` prints it. What was not equal has no document."""
        return {
            "workers": self.workers,
            "rounds": self.rounds,
            "load": round(self.load, 2),
            "noise": self.noise or None,
            "equal": True,
            "best_batch": {"light": _best(self.light).batch, "heavy": _best(self.heavy).batch},
            "light": [_row(way, self.light) for way in self.light],
            "heavy": [_row(way, self.heavy) for way in self.heavy],
        }

    def lines(self) -> list[str]:
        """For a person."""
        out = [f"{self.workers} processes, medians of {self.rounds} paired rounds, all results equal to the last digit"]
        for what, ways in (("light: both founding formulas", self.light), ("heavy: 100 rounds", self.heavy)):
            out += ["", what, *table(HEAD, [_cells(way, ways) for way in ways])]
        best = [
            f"{_best(ways).batch:,} for the {what} work"
            for what, ways in (("light", self.light), ("heavy", self.heavy))
        ]
        out += ["", f"The gateway's pool is fastest here with batches of {' and '.join(best)}."]
        return [*out, f"hint: {self.noise}"] if self.noise else out

    def trouble(self) -> list[str]:
        """Nothing: what is not equal raises."""
        return []


def _best(ways: Sequence[Way]) -> Way:
    return max((way for way in ways if way.name == COLUMNS), key=lambda way: way.rate)


def _ratios(way: Way, ways: Sequence[Way]) -> list[float]:
    """To the founding pool, to the plain loop and to bare numpy."""
    loop, numpy = (next(way for way in ways if way.name == name) for name in (LOOP, NUMPY))
    return [way.ratio(to) for to in (ways[0], loop, numpy)]


def _row(way: Way, ways: Sequence[Way]) -> dict[str, Any]:
    ratios = dict(zip(("to_founding", "to_loop", "to_numpy"), _ratios(way, ways), strict=True))
    return {
        "way": way.name,
        "batch": way.batch,
        "records_per_s": round(way.rate),
        **{key: round(ratio, 4) for key, ratio in ratios.items()},
        "spread": round(way.spread, 3),
    }


def _cells(way: Way, ways: Sequence[Way]) -> list[str]:
    batch = "" if way.batch is None else f"{way.batch:,}"
    return [way.name, batch, f"{way.rate:,.0f}", *map(_times, _ratios(way, ways)), f"{way.spread:.0%}"]


def _times(ratio: float) -> str:
    return f"{ratio:,.0f} ×" if ratio >= 10 else f"{ratio:.2f} ×" if ratio >= 0.1 else f"{ratio:.4f} ×"

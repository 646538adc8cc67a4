"""`gateway bench size`: how many boards at how many readings a second this machine carries, at half of its cores."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from ..compute.cores import cores
from .carriers import gateway
from .count import shares
from .noise import hint, load
from .shown import progress, table
from .sizing import BOARDS, BUDGET, RATE, Carried, Point, carried
from .whole import Phase, Street, street

SHARE = 0.5  # of the cores, for the gateway
PLUGGED = 32  # boards
LEAST, SECONDS, SILENCE = 250.0, 3.0, 2.0  # readings/s of the first phase; s of each; s of silence
KEPT_UP = 0.9  # of the rate has to arrive in the time, or it is too much
LATE = 1.0  # s at p99, above which it is too much as well
EACH = (1.0, 10.0, 100.0, 500.0)  # readings/s of a board, for the table; a line of 115,200 baud carries some 700
WHY = {BUDGET: f"{SHARE:.0%} of the cores", RATE: "no higher rate was kept up", BOARDS: "more were not reckoned"}
HEAD = ("readings/s a board", "boards", "readings/s", "99 % within", "what ends it")


async def bench_size(rounds: int, seconds: float) -> Told:
    """Measures a ladder of rates at most `rounds` times, and not again after `seconds`. Raises Failed, OSError."""
    before, budget, end = load(), SHARE * cores(), time.monotonic() + seconds
    with progress() as said:
        said(f"starting {PLUGGED} boards, broker, gateway and subscriber")
        async with street(PLUGGED, gateway()) as whole:
            said("listening to the silence")
            idle = await whole.silence(SILENCE)
            ladder = [[phase] for phase in await _climb(whole, budget - idle, said)]
            done = 1
            while done < rounds and time.monotonic() < end:
                for place, phases in enumerate(ladder):
                    said(f"round {done + 1} of {rounds}: {LEAST * 2**place:,.0f} readings/s")
                    phases.append(await whole.phase(LEAST * 2**place, SECONDS))
                done += 1
    steps = [Step(LEAST * 2**place, idle, phases) for place, phases in enumerate(ladder)]
    noise = hint(before, cores(), [step.spread for step in steps])
    return Told(whole.broker.name, cores(), done, before, noise, idle, steps)


async def _climb(whole: Street, budget: float, said: Callable[[str], None]) -> list[Phase]:
    """Phases of ever doubled rates, up to the first that takes more than `budget` (cores) or is not kept up."""
    phases: list[Phase] = []
    while True:
        rate = LEAST * 2 ** len(phases)
        said(f"trying {rate:,.0f} readings/s")
        phases.append(await whole.phase(rate, SECONDS))
        step = Step(rate, 0.0, phases[-1:])
        if step.cpu > budget or not step.kept_up:
            return phases


@dataclass(frozen=True, slots=True)
class Step:
    """The phases of one rate. idle: cores that silence takes."""

    rate: float
    idle: float
    phases: Sequence[Phase]

    @property
    def cpu(self) -> float:
        """Cores that the readings take, the median of the phases."""
        return max(0.0, median(self._cores()) - self.idle)

    @property
    def p99(self) -> float:
        """ms, the median of the phases; 0 when nothing has arrived."""
        return median(shares(phase.took)["p99"] or 0.0 for phase in self.phases)

    @property
    def kept_up(self) -> bool:
        """Whether they arrived at the rate at which they were to be sent, and soon."""
        rate = median(phase.received / phase.seconds if phase.seconds else 0.0 for phase in self.phases)
        return rate >= KEPT_UP * self.rate and self.p99 <= 1000 * LATE

    @property
    def lost(self) -> int:
        """Readings that did not arrive."""
        return sum(phase.lost for phase in self.phases)

    @property
    def spread(self) -> float:
        """How far the phases lie apart, as a share of their median."""
        used = self._cores()
        return (max(used) - min(used)) / median(used) if median(used) else 0.0

    def _cores(self) -> list[float]:
        return [phase.cpu / phase.seconds if phase.seconds else 0.0 for phase in self.phases]


@dataclass(frozen=True, slots=True)
class Told:
    """What was measured, and what follows."""

    broker: str
    cores: int
    rounds: int
    load: float  # before
    noise: str
    idle: float  # cores
    steps: Sequence[Step]

    def table(self) -> list[Carried]:
        """How many boards, for each rate of a board; [] when not even the first rate was kept up."""
        good = [step for step in self.steps if step.kept_up]
        points = [Point(step.rate, step.cpu) for step in good]
        return [
            carried(rate, points, idle=self.idle, boards=PLUGGED, budget=SHARE * self.cores)
            for rate in (EACH if good else ())
        ]

    def document(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "cores": self.cores,
            "share": SHARE,
            "broker": self.broker,
            "rounds": self.rounds,
            "load": round(self.load, 2),
            "noise": self.noise or None,
            "lost": sum(step.lost for step in self.steps),
            "boards_measured": PLUGGED,
            "cores_in_silence": round(self.idle, 4),
            "measured": [
                {
                    "readings_per_s": step.rate, "cores": round(step.cpu + self.idle, 4), "p99_ms": step.p99,
                    "kept_up": step.kept_up, "lost": step.lost, "spread": round(step.spread, 3),
                }
                for step in self.steps
            ],
            "table": [
                {"rate": one.rate, "boards": one.boards, "readings_per_s": one.rate * one.boards, "limit": one.limit}
                for one in self.table()
            ],
        }  # fmt: skip

    def lines(self) -> list[str]:
        """For a person."""
        measured = [
            [f"{step.rate:,.0f}", f"{step.cpu + self.idle:.2f}", f"{step.p99:,.0f} ms", "yes" if step.kept_up else "no"]
            for step in self.steps
        ]
        rounds = f"medians of {self.rounds} round{'s' * (self.rounds != 1)}"
        out = [f"{PLUGGED} boards on {self.cores} cores, broker: {self.broker}, {rounds}; cores are the gateway's", ""]
        out += table(("readings/s", "cores", "99 % within", "kept up"), measured)
        out += ["", f"carried with {SHARE:.0%} of the cores for the gateway, reckoned from the above:", ""]
        out += table(HEAD, [self._cells(one) for one in self.table()])
        return [*out, f"hint: {self.noise}"] if self.noise else out

    def _cells(self, one: Carried) -> list[str]:
        total = one.rate * one.boards
        late = next((step.p99 for step in self.steps if step.rate >= total), self.steps[-1].p99)
        more = "over " if one.limit == BOARDS else ""
        return [f"{one.rate:g}", f"{more}{one.boards:,}", f"{total:,.0f}", f"{late:,.0f} ms", WHY[one.limit]]

    def trouble(self) -> list[str]:
        """What makes it a failure, a sentence each."""
        lost = [f"{step.lost:,} readings are lost at {step.rate:,.0f} readings/s" for step in self.steps if step.lost]
        slow = f"not even {LEAST:.0f} readings/s were kept up: is the machine busy?"
        return lost if self.table() else [*lost, slow]

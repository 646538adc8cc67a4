"""Whether a reading's cost grows with ports, sensors or windows: CPU seconds of the gateway and its workers.

    python -m tests.scaling [ports] [sensors] [windows] [--rounds N] [--seconds S] [--rates HZ …]

Streets as `gateway bench street` has them, all of a table at once; in each round each of them talks for S seconds
while the others are silent, at HZ readings/s of all its boards together, 0 being as fast as they are read. What is told
is CPU s for 100,000 readings, the median of the rounds, and how much more that is than the table's first row: the
median of the ratios within the rounds. Windows are full before the first round.
"""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from gateway.bench.carriers import PLAIN, Carrier, running
from gateway.bench.heard import Heard, features
from gateway.bench.paired import ratio
from gateway.bench.shown import table
from gateway.bench.whole import SENDER, street

MANY = 'on_silence = []\nformat = "csv"\ncolumns = ["sensor", "value"]\nheader = false\nmax_sensors = 10_000\n'
WIDE, NARROW = 10_000, 100  # readings in a window
BAD = ("are lost", "came out of order", "have a wrong feature")
MOST = 60  # s of a window that is filled


@dataclass(frozen=True)
class Case:
    """One street: what it is called, how many boards it has and what the gateway's tables say."""

    name: str
    boards: int = 4
    sensors: int = 0  # of each board; 0 is one, which has no name
    more: str = ""  # of gateway.toml
    fill: int = 0  # readings before the first round
    costs: dict[float, list[float | None]] = field(default_factory=dict)  # CPU s for 100,000, by rate

    def carrier(self, program: Sequence[str] = ("gateway",)) -> Carrier:
        """The gateway. program: as carriers.gateway has it."""
        board = MANY if self.sensors else PLAIN
        read = bare if self.more else features
        return Carrier("gateway", "reading", b"/features", read, running(program, "reading", board, self.more))

    def talk(self) -> tuple[str, ...]:
        """Who speaks as the boards."""
        return ("tests.many", str(self.sensors)) if self.sensors else SENDER


def bare(topic: bytes, payload: bytes) -> Iterator[Heard]:
    """Readings whose features are not looked at, since they are not those of the sample; their order is."""
    for one in features(topic, payload):
        yield one._replace(features={})


def ports() -> list[list[Case]]:
    """As many readings in all from ever more ports."""
    return [[Case(f"{boards} ports", boards) for boards in (4, 16, 64)]]


def sensors() -> list[list[Case]]:
    """As many readings in all from ever more sensors behind as many ports."""
    return [[Case(f"{10 * each} sensors", 5, 2 * each, fill=50 * each) for each in (1, 100, 1000)]]


def windows() -> list[list[Case]]:
    """Windows that are short and long, a table for each of the features that need them."""
    four, every = ("mean", "std", "min", "max"), '[[sensors]]\nmatch = "*"\nspike = 8\n'
    made = {"mean, std, min, max": (four, ""), "slope": (("slope",), ""), "median": (("median",), "")}
    made |= {"mean, std, min, max and spike": (four, every)}
    return [
        [
            Case(f"{name} over {size:,}", 1, more=f"[features]\nwindow = {size}\nuse = {list(use)}\n{more}", fill=size)
            for size in (NARROW, WIDE)
        ]
        for name, (use, more) in made.items()
    ]


async def measured(cases: list[Case], rounds: int, seconds: float, rates: Sequence[float]) -> list[str]:
    """Fills in what each of them costs; gives what was not as it has to be."""
    bad = []
    async with contextlib.AsyncExitStack() as stack:
        streets = [await stack.enter_async_context(street(case.boards, case.carrier(), case.talk())) for case in cases]
        for case, one in zip(cases, streets, strict=True):
            if case.fill:
                await one.phase(0.0, MOST, case.fill)
        for turn in range(rounds):
            pairs = list(zip(cases, streets, strict=True))
            for pace in rates:
                for case, one in pairs if turn % 2 == 0 else pairs[::-1]:
                    phase = await one.phase(pace, seconds)
                    bad += [
                        f"{case.name}: {count:,} of {phase.sent:,} readings {what}"
                        for count, what in zip((phase.lost, phase.disordered, phase.wrong), BAD, strict=True)
                        if count
                    ]
                    case.costs.setdefault(pace, []).append(1e5 * phase.cpu / phase.received if phase.received else None)
    return bad


def told(cases: list[Case]) -> list[str]:
    """The table."""
    paces = list(cases[0].costs)
    head = ["", *(word for pace in paces for word in (f"CPU s, {pace:,.0f}/s" if pace else "CPU s, full speed", "×"))]
    return table(head, [[case.name, *_cells(case, cases[0])] for case in cases])


def _cells(case: Case, first: Case) -> Iterator[str]:
    for pace, costs in case.costs.items():
        known, more = [cost for cost in costs if cost is not None], ratio(costs, first.costs[pace])
        yield f"{median(known):.2f}" if known else "none came"
        yield "" if more is None else f"{more:.2f}"


def main() -> int:
    """The command; gives its exit code."""
    subjects = {"ports": ports, "sensors": sensors, "windows": windows}
    parser = argparse.ArgumentParser(prog="python -m tests.scaling", description=__doc__.splitlines()[0])
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"of {', '.join(subjects)} (all)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="(5)")
    parser.add_argument("--seconds", type=float, default=5.0, metavar="S", help="a phase (5)")
    parser.add_argument(
        "--rates", type=float, nargs="*", default=[0.0, 1000.0], metavar="HZ",
        help="readings/s of all boards, 0: full speed (0 1000)",
    )  # fmt: skip
    given = parser.parse_args()
    bad = []
    for subject in given.subjects or subjects:
        for cases in subjects[subject]():
            bad += asyncio.run(measured(cases, given.rounds, given.seconds, given.rates))
            print("\n".join(told(cases)), end="\n\n", flush=True)
    print("\n".join(bad), end="\n" if bad else "", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

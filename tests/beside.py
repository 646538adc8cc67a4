"""What a heavy custom feature costs those whom it does not cover, in latency.

    python -m tests.beside [--rate HZ] [--seconds S] [--rounds N]

The street of `gateway bench street`, four boards; the first has a feature of its own that computes for a quarter of a
second a call, so that its lane is always full. Round by round it runs with that feature and without; the figures are
those of the other three boards: half, 99 % and 99.9 % of their readings come within so many ms.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gateway.bench.brokers import Broker
from gateway.bench.carriers import PLAIN, Carrier, gateway, running
from gateway.bench.count import middle, shares
from gateway.bench.heard import Heard, features
from gateway.bench.shown import table
from gateway.bench.whole import Failed, street

BOARDS = 4
KEYS = ("p50", "p99", "p999")
COVERED = "b1"
MORE = f'\n[[sensors]]\nmatch = "{COVERED}/*"\ncustom = ["own:heavy"]\n'
HEAVY = """
import time

def heavy(times, values, new):
    end = time.monotonic() + 0.25
    while time.monotonic() < end:
        values * values
    return values[-new:]
"""


def others(topic: bytes, payload: bytes) -> Iterator[Heard]:
    """The readings of a message; those of the board that has the feature are dated back, so that they do not count."""
    for one in features(topic, payload):
        yield Heard(one.board, one.sensor, 0.0 if one.board == COVERED else one.value)


def carrier(*, heavy: bool) -> Carrier:
    """The gateway, with the feature or without."""

    def commands(broker: Broker, ports: Path, boards: int) -> list[list[str]]:
        ports.with_name("own.py").write_text(HEAVY)
        return running(("gateway",), "reading", PLAIN, MORE if heavy else "")(broker, ports, boards)

    return replace(gateway(), read=others, commands=commands)


async def round_of(rate: float, seconds: float, *, heavy: bool) -> dict[str, float | None]:
    """The latencies of one round. Raises Failed, also when a reading of the others is lost."""
    async with street(BOARDS, carrier(heavy=heavy)) as whole:
        phase = await whole.phase(rate, seconds)
        if phase.received < (lines := phase.sent - -(-phase.sent // BOARDS)):
            raise Failed(f"of {lines} readings of the others {phase.received} arrived")
        return shares(phase.took)


def main() -> int:
    """The command; gives its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.beside", description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, default=1000.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    told: dict[bool, list[dict[str, float | None]]] = {False: [], True: []}
    for number in range(given.rounds):
        for heavy in (False, True) if number % 2 else (True, False):
            told[heavy].append(asyncio.run(round_of(given.rate, given.seconds, heavy=heavy)))
    rows = [
        ["with a heavy feature beside" if heavy else "without", *(_text([one[key] for one in rounds]) for key in KEYS)]
        for heavy, rounds in told.items()
    ]
    print("\n".join(table(["", "half", "99 %", "99.9 %"], rows)))
    return 0


def _text(found: list[float | None]) -> str:
    """The median of rounds."""
    one = middle(found)
    return "-" if one is None else f"{one:.1f} ms"


if __name__ == "__main__":
    sys.exit(main())

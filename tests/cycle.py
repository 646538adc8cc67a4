"""What one turn of the street costs the gateway's loop when nothing else runs: readings in, a batch, messages, answers.

    python -m tests.cycle [--boards N] [--lines N] [--turns N] [--web off|on|looked]

In each turn every board says so many lines; what comes of them goes through all of the loop's own code, with the
worker's part called in its place, and a broker that acknowledges at once; no kernel, no port, no other process. So
these are the µs of code that runs again and again. In a street most of it has to be fetched anew at each wake-up:
compare with the CPU that `gateway bench street` tells.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from gateway.bench.shown import table
from gateway.compute.batch import answer
from gateway.config import load
from gateway.ingest.link import State
from gateway.publish.broker import Limits
from gateway.publish.client import Where
from gateway.publish.packets import Ack
from gateway.service import Service

STEPS = (
    "lines are read",
    "a batch is written",
    "a worker computes",
    "messages are written",
    "answers are taken, and what waited is written",
)


class Pool:
    """Holds one task, for whoever wants to be the worker."""

    def __init__(self) -> None:
        self.free, self.task = 1, (b"", lambda data: None)

    def give(self, data: bytes, answered: Callable[[bytes], None], failed: object) -> None:
        """As the pool has it."""
        self.free, self.task = 0, (data, answered)


class Wire:
    """Takes whatever is written, and never waits."""

    room, empty = 1 << 30, True

    def write(self, data: bytes) -> None:
        """As the wire has it."""

    def be_patient(self, patient: bool) -> None:
        """As the wire has it."""


class Connection:
    """One to a broker without limits."""

    def __init__(self) -> None:
        self.wire, self.limits, self.where = Wire(), Limits(), Where("", 1883, "", v5=True)


class Turn:
    """A gateway that is not started, with `boards` that have spoken."""

    def __init__(self, folder: Path, boards: int, web: str = "off") -> None:
        file = folder / "gateway.toml"
        ports = (f'[[boards]]\nname = "b{n}"\nport = "/dev/ttyUSB{n}"\nformat = "plain"\n' for n in range(boards))
        file.write_text(f'[gateway]\nid = "g"\nstate_dir = "{folder}/state"\n' + "".join(ports))
        service = Service(load(file))
        self.stage: Any = next(part for part in vars(service.stage).values() if hasattr(part, "_dispatch"))
        self.pool = self.stage.pool = Pool()
        self.publisher: Any = service.publisher
        self.publisher._connection = connection = Connection()
        self.publisher._outbox.opened(connection.limits, v5=True)
        self.readers: list[Any] = [service.boards.made(board)._reader for board in service.config.boards]
        for reader in self.readers:
            reader._state, reader._baud = State.ONLINE, reader.hearing.baud
            reader._received(b"\n")  # the first line of a port is half a line
        if web != "off":
            shown: Any = service.showing.web()
            shown._turn(on=True)
            shown._rings.look(looked_at=web == "looked")

    def run(self, lines: bytes) -> list[float]:
        """One turn; µs of each step."""
        at = [time.perf_counter()]
        for reader in self.readers:
            reader._received(lines)
        at.append(time.perf_counter())
        self.stage._dispatch()
        at.append(time.perf_counter())
        (task, answered), self.pool.free = self.pool.task, 1
        result = answer(task)
        at.append(time.perf_counter())
        answered(result)
        at.append(time.perf_counter())
        flights = self.publisher._outbox.window.flights
        while flights:
            self.publisher._acked([Ack(number, 0) for number in flights])
        at.append(time.perf_counter())
        return [1e6 * (after - before) for before, after in pairwise(at)]


async def turns(boards: int, lines: int, count: int, web: str = "off") -> list[list[float]]:
    """µs of each step of so many turns, after some to warm up."""
    with tempfile.TemporaryDirectory(prefix="cycle-") as folder:
        turn = Turn(Path(folder), boards, web)
        took = []
        for number in range(count + count // 5):
            took.append(turn.run(b"".join(b"%.4f\n" % (20 + (number + line) % 1000 / 100) for line in range(lines))))
            await asyncio.sleep(0)
        return took[count // 5 :]


def main() -> int:
    """The command; gives its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.cycle", description=__doc__.splitlines()[0])
    parser.add_argument("--boards", type=int, default=2)
    parser.add_argument("--lines", type=int, default=1)
    parser.add_argument("--turns", type=int, default=2000)
    parser.add_argument("--web", choices=("off", "on", "looked"), default="off", help="whether there is a page, open")
    given = parser.parse_args()
    took = asyncio.run(turns(given.boards, given.lines, given.turns, given.web))
    middle = [median(column) for column in zip(*took, strict=True)]
    readings = given.boards * given.lines
    rows = [[step, f"{us:.0f}", f"{us / readings:.1f}"] for step, us in zip(STEPS, middle, strict=True)]
    rows.append(["all", f"{sum(middle):.0f}", f"{sum(middle) / readings:.1f}"])
    print("\n".join(table([f"{readings} readings a turn", "µs", "a reading"], rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

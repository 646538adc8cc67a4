"""A long outage on a whole street of real processes, a live count, and a verdict.

    python -m tests.outage [--minutes M] [--rate HZ] [--boards N] [--seed S]

Boards on pseudo-terminals, `gateway run`, mosquitto with a persistent subscriber that drops nothing (tests/ears.py).
Mosquitto is stopped for so long, and started again. All that the boards wrote has to arrive, in order, marked where it
had been on the disk; what is live is fresh at once; the disk is emptied faster than it was filled. One JSON line with
the figures; exit code 1 when anything of this does not hold.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simulators import Board
from tests.brokers import Mosquitto
from tests.ears import Ears
from tests.faults.scene import KEEPS, KINDS
from tests.flood import pss
from tests.street import configuration, running, until

SENSORS = 2  # of a board
STEADY = 5.0  # s before
QUIET = ("log_type none", "log_type error", "log_type warning")  # mosquitto would log each message
FRESH = 2.0  # s until what is live arrives again
TIMES = 5.0  # the live rate, at which the disk is emptied
EACH = 60  # bytes of a reading on the disk
MOST = 256.0  # MB on the disk; max_bytes where nothing is said
GROWTH = 64.0  # MB of PSS
UNDER_WAY = 2.0  # s; what was taken that shortly before the outage, or its end, need not have been on the disk
LOOK = 1.0  # s between two looks at the disk and the memory


class Street:
    """Boards, gateway, broker and subscriber; and what they take."""

    def __init__(self, stack: contextlib.ExitStack, folder: Path, *, rate: float, boards: int, seed: int) -> None:
        self.broker = Mosquitto(folder, [*KEEPS, *QUIET])
        self.broker.start()
        stack.callback(self.broker.kill)
        self.ears = stack.enter_context(Ears(self.broker.port))
        self.boards: dict[str, Board] = {}
        for place in range(boards):
            name, kind, each = f"b{place}", KINDS[place % len(KINDS)], rate / boards / SENSORS
            board = Board(name=name, kind=kind, sensors=SENSORS, rate=each, seed=seed)
            self.boards[name] = stack.enter_context(board)
        ports = {name: board.path for name, board in self.boards.items()}
        self.gateway = stack.enter_context(running(folder, configuration(self.broker.port, ports)))
        self.memory: dict[str, list[int]] = {}  # bytes of PSS, in each part of the course
        self.most = 0  # bytes in the state directory
        self._state = folder / "state"

    @property
    def written(self) -> int:
        """Readings that the boards have put out."""
        return sum(board.written.readings for board in self.boards.values())

    def disk(self) -> int:
        """Bytes in the state directory."""
        size = 0
        for file in self._state.iterdir():
            with contextlib.suppress(FileNotFoundError):  # SQLite takes its journal away
                size += file.stat().st_size
        self.most = max(self.most, size)
        return size

    def watch(self, part: str, over: Callable[[], Any], patience: float, told: Callable[[str], None]) -> None:
        """Until `over` or for so long, whatever is first: looks at the disk and the memory, and tells how it stands."""
        began = time.monotonic()
        while time.monotonic() - began < patience and not over():
            disk = self.disk()
            self.memory.setdefault(part, []).append(pss(self.gateway.process.pid))
            heard, took = self.ears.heard, time.monotonic() - began
            told(
                f"{part} {took:.0f} s: {self.written} written, {heard['live']} live and {heard['replayed']} replayed"
                f" arrived, {heard['doubled']} twice, {disk / 1e6:.1f} MB on the disk,"
                f" {self.memory[part][-1] / 1e6:.0f} MB in memory, {heard['wrong']} wrong"
            )
            with contextlib.suppress(AssertionError):
                until(over, "the next look", max(0.0, min(LOOK, began + patience - time.monotonic())))


def outage(
    folder: Path,
    *,
    seconds: float,
    rate: float,
    boards: int,
    seed: int,
    told: Callable[[str], None],
    times: float = TIMES,
) -> tuple[dict[str, Any], list[str]]:
    """The whole run. Gives its figures, and a sentence for each thing that is not as promised.

    times: the live rate, at least, at which the disk is emptied. Raises AssertionError where it does not come to that.
    """
    with contextlib.ExitStack() as stack:
        street = Street(stack, folder, rate=rate, boards=boards, seed=seed)
        ears = street.ears
        until(lambda: len(ears.heard["arrived"]) == boards * SENSORS, "readings of all sensors", 30)
        street.watch("before", lambda: False, STEADY, told)
        street.broker.stop()
        down, gone, wrote = time.monotonic(), time.time(), street.written
        street.watch("outage", lambda: False, seconds, told)
        meanwhile, lasted, lying = street.written - wrote, time.monotonic() - down, street.disk()
        street.broker.start()
        back, at = time.monotonic(), time.time()
        fresh = {}
        for what in ("live", "last"):
            until(lambda what=what: ears.heard["oldest"][what] >= at, f"every sensor's newest of {what}", 30)
            fresh[what] = time.monotonic() - back
        least = meanwhile - UNDER_WAY * rate  # came from the disk for sure
        emptied = lambda: ears.heard["spooled"] == 0 and ears.heard["replayed"] >= least  # noqa: E731
        street.watch("drain", emptied, 60 + seconds, told)
        for board in street.boards.values():
            board.stop()
            board.wait_done()
        load = os.getloadavg()[0]
        street.watch("after", lambda: ears.arrived >= street.written and street.disk() < lying, 60, told)
        street.watch("at rest", lambda: False, STEADY, told)
        written = {
            f"{name}/{sensor}": count
            for name, board in street.boards.items()
            for sensor, count in board.written.sensors.items()
        }
        code, heard = street.gateway.stop(12), ears.heard
    figures = {
        "seed": seed,
        "outage_s": round(lasted, 1),
        "written": sum(written.values()),
        "written_in_outage": meanwhile,
        "live": heard["live"],
        "replayed": heard["replayed"],
        "doubled": heard["doubled"],
        "missing": sum(written.values()) - sum(heard["arrived"].values()),
        "fresh_s": round(max(fresh.values()), 2),
        **drain(heard["replayed"], heard["replayed_at"] - back, meanwhile / lasted),
        "load": round(load, 1),  # of the machine, at the drain's end: who shares it makes it slower
        "bytes_each": round(lying / max(1, heard["replayed"]), 1),
        "most_mb": round(street.most / 1e6, 1),
        "left_mb": round(street.disk() / 1e6, 2),
        "memory_mb": {part: round(max(looks) / 1e6, 1) for part, looks in street.memory.items()},
    }
    whole, marked = heard["arrived"] == written, heard["unmarked"] <= gone  # what came before lay at the broker
    promised = {
        f"all that was written: {figures['missing']} are missing, {heard['gaps']} has come": whole,
        f"{least:.0f} readings from the disk at least": heard["replayed"] >= least,
        "a mark at what was on the disk": marked,
        f"exit code {code}": code == 0,
        **bounds(figures, times),
    }
    return figures, [*heard["sentences"], *(what for what, holds in promised.items() if not holds)]


def drain(readings: int, seconds: float, live: float) -> dict[str, float]:
    """How fast the disk was emptied, from the broker's return on. live: readings/s meanwhile."""
    rate = readings / seconds if seconds > 0 else 0.0
    return {
        "live_per_s": round(live),
        "drain_s": round(seconds, 1),
        "drain_per_s": round(rate),
        "drain_times": round(rate / live, 1),
    }


def bounds(figures: dict[str, Any], times: float) -> dict[str, bool]:
    """What the figures may be at most, or at least: a sentence each, and whether it holds."""
    grown = max(figures["memory_mb"].values()) - figures["memory_mb"]["before"]
    return {
        f"fresh within {FRESH:g} s": figures["fresh_s"] <= FRESH,
        f"the disk is emptied at {times:g} times the live rate": figures["drain_times"] >= times,
        f"{EACH} bytes a reading on the disk": figures["bytes_each"] <= EACH,
        f"{MOST:g} MB on the disk at most": figures["most_mb"] <= MOST,
        f"memory grows by {GROWTH:g} MB at most, not {grown:.0f}": grown <= GROWTH,
    }


def teller() -> Callable[[str], None]:
    """Says how it stands: always anew in one line of a terminal, and elsewhere a line a minute."""
    if sys.stderr.isatty():
        return lambda line: print(f"\r{line}\033[K", end="", file=sys.stderr, flush=True)
    said: dict[str, float] = {}

    def tell(line: str) -> None:
        part = line.split()[0]
        if time.monotonic() - said.get(part, -60.0) >= 60:
            said[part] = time.monotonic()
            print(line, file=sys.stderr, flush=True)

    return tell


def main() -> int:
    """The command; gives its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.outage", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=1000.0, help="readings a second, of all boards")
    parser.add_argument("--boards", type=int, default=4)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="outage-"))
    print(f"seed {given.seed}, files in {folder}", file=sys.stderr, flush=True)
    try:
        figures, wrong = outage(
            folder, seconds=60 * given.minutes, rate=given.rate, boards=given.boards, seed=given.seed, told=teller()
        )
        print(f"\n{json.dumps(figures)}")
    except AssertionError as error:
        wrong = [str(error)]
    for text in wrong:
        print(f"WRONG: {text}")
    print("not as promised" if wrong else "as promised: nothing was lost")
    if not wrong:
        shutil.rmtree(folder)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())

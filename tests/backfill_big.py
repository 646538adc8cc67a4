"""A large archive through `gateway backfill`, beside what the live street does on the same machine in the same minutes.

    python -m tests.backfill_big [--readings 10000000] [--boards 4] [--lines 1] [--kills 1] [--folder DIR] [--no-live]

Makes captures of so many readings, one a line, so many lines a piece, a few a board. Measures the live street at full
speed before and after, as `gateway bench street` does, and the backfill in between; then has another one killed
(kill -9) half-way, begun again, and compared with the first byte by byte. Exit code 1 when a reading is missing, is
there twice, or is another one.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from gateway.bench import tree
from gateway.bench.carriers import gateway
from gateway.bench.whole import street

from .street import ROOT

CAPTURES = 4  # of a board
STREET, SECONDS = 4, 5.0  # boards of the live street, and for how long they talk
EVERY = 0.138  # s between lines
START = "2026-11-{day}T00:00:00Z"


def made(folder: Path, readings: int, boards: int, lines: int) -> int:
    """Writes the captures, if they are not there; gives how many readings they have."""
    each = readings // (boards * CAPTURES)
    for board in range(boards):
        chance = random.Random(board)
        for number in range(CAPTURES):
            file = folder / f"board{board}-{number}.jsonl"
            if not file.exists():
                file.write_text("".join(_lines(chance, f"board{board}", number, each, lines)))
    return each * boards * CAPTURES


def _lines(chance: random.Random, board: str, number: int, each: int, lines: int) -> Any:
    head = {"capture": 1, "board": board, "started": START.format(day=21 + number), "whole": True}
    yield json.dumps(head) + "\n"
    value = 50.0
    for first in range(0, each, lines):
        texts = []
        for _ in range(min(lines, each - first)):
            value = min(80.0, max(20.0, value + chance.gauss(0, 0.2)))
            texts.append(f"{value:.3f}\\n")
        yield f'{{"at": {(first + lines) * EVERY:.3f}, "text": "{"".join(texts)}"}}\n'


def live(told: dict[str, list[float]]) -> None:
    """Measures the live street at full speed, a few seconds for each kind of message."""

    async def measured(payload: str) -> float:
        async with street(STREET, gateway(payload)) as one:
            phase = await one.phase(0.0, SECONDS)
            assert phase.received == phase.sent
            return phase.received / phase.seconds

    for payload in ("reading", "rows"):
        told.setdefault(payload, []).append(asyncio.run(measured(payload)))


def command(folder: Path, out: Path) -> list[str]:
    """The command that is measured."""
    return [sys.executable, "-m", "gateway", "backfill", str(folder), "-o", str(out), "--json"]


def measured(folder: Path, out: Path) -> tuple[dict[str, Any], float, int]:
    """One backfill: its summary, its CPU seconds, and the most memory of all its processes at once (PSS), bytes."""
    most, over = 0, threading.Event()
    before = os.times()
    with subprocess.Popen(command(folder, out), cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:

        def look() -> None:
            nonlocal most
            while not over.wait(0.25):
                most = max(most, tree.pss(process.pid))

        looks = threading.Thread(target=look)
        looks.start()
        text, _ = process.communicate()
        over.set()
        looks.join()
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return json.loads(text), cpu, most


def killed(folder: Path, out: Path, seconds: float, kills: int) -> dict[str, Any]:
    """A backfill that is killed so often on its way; gives the last summary."""
    for _ in range(kills):
        with subprocess.Popen(command(folder, out), cwd=ROOT, stdout=subprocess.DEVNULL) as process:
            try:
                process.wait(seconds / (kills + 1))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
    return measured(folder, out)[0]


def files(out: Path) -> dict[str, bytes]:
    """All of Parquet."""
    return {str(file.relative_to(out)): file.read_bytes() for file in out.rglob("part-*.parquet")}


def main() -> int:
    """The command; gives its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.backfill_big", description=__doc__.splitlines()[0])
    parser.add_argument("--readings", type=int, default=10_000_000)
    parser.add_argument("--boards", type=int, default=4)
    parser.add_argument("--lines", type=int, default=1, help="of a piece, as one read of a port gives them")
    parser.add_argument("--kills", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the captures are kept")
    parser.add_argument("--no-live", action="store_true")
    given = parser.parse_args()
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="backfill-") as name:
        folder = given.folder or Path(name, "captures")
        folder.mkdir(exist_ok=True)
        readings = made(folder, given.readings, given.boards, given.lines)
        if not given.no_live:
            live(rates)
        began = time.monotonic()
        told, cpu, memory = measured(folder, Path(name, "once"))
        seconds = time.monotonic() - began
        if not given.no_live:
            live(rates)
        rate = readings / seconds
        print(f"{readings:,} readings in {seconds:.1f} s: {rate:,.0f}/s, {1e5 * cpu / readings:.2f} CPU s per 100,000")
        print(f"{memory / 1e6:,.0f} MB for all processes at most; load {os.getloadavg()[0]:.1f}")
        for payload, found in rates.items():
            middle = statistics.mean(found)
            print(f"live, payload {payload}: {middle:,.0f} readings/s; {rate / middle:.1f} x")
        right = told["readings"] == told["rows"] == readings and not told["failed"]
        if given.kills:
            last = killed(folder, Path(name, "again"), seconds, given.kills)
            same = files(Path(name, "again")) == files(Path(name, "once"))
            print(f"killed {given.kills} times: {last['skipped']} captures were done; the same files: {same}")
            right = right and same and last["captures"] + last["skipped"] == given.boards * CAPTURES
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())

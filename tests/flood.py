"""A flood of hostile bytes beside a clean board, on a whole street of real processes.

    python -m tests.flood [--bytes 1e9] [--seconds 0] [--seed N] [--formats auto,csv,kv,json,plain]

One hostile board a format writes as fast as it is read (tests/pour.py), until so many bytes are out or the time is
over. Meanwhile: the ledger balances in every document, the clean board loses nothing and is as quick as before, memory
does not grow, nothing is said on the way that looks like a bug. One JSON document with the figures; exit code 1 when
anything of this does not hold.
"""

import argparse
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.faults import lag, rules, tree
from tests.faults.judge import share
from tests.faults.scene import Scene
from tests.pour import GOOD, GOODBYES
from tests.street import ROOT, until

GROWTH = 20_000_000  # bytes of PSS
SLOWEST, TIMES = 0.1, 2.0  # s at p99, or so many times the latency before, whichever is more
ON_THE_WAY = 4  # processes on a reading's way, each as late on a busy machine as one that does nothing
EACH = "max_sensors = 64"  # what is kept of a sensor is meant to be kept, and no growth
STEADY = 5.0  # s before
LOOK = 0.5  # s between two looks at the memory


def pss(pid: int) -> int:
    """Bytes in memory of a process and its descendants, what they share counted once."""
    size = 0
    for one in tree.family(pid):
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            size += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return size


class Memory:
    """What a gateway takes, looked at from time to time."""

    def __init__(self, pid: int) -> None:
        self.looks: list[int] = []
        self._pid, self._over = pid, threading.Event()
        threading.Thread(target=self._watch, name="pss", daemon=True).start()

    def _watch(self) -> None:
        while not self._over.wait(LOOK):
            self.looks.append(pss(self._pid))

    def stop(self) -> list[int]:
        """Bytes at each look; there are no more looks."""
        self._over.set()
        return self.looks


@contextlib.contextmanager
def pouring(folder: Path, formats: list[str], most: float, seconds: float, seed: int) -> Iterator[dict[str, Any]]:
    """The hostile boards, plugged in and waiting for a line on their input."""
    each = most / len(formats)
    with contextlib.ExitStack() as stack:
        boards = {}
        for name in formats:
            command = [sys.executable, "-m", "tests.pour", str(folder / name), name, str(each), str(seconds), str(seed)]
            board = stack.enter_context(
                subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            stack.callback(board.kill)
            assert board.stdout is not None and board.stdout.readline() == "ready\n"
            boards[name] = board
        yield boards


def flood(
    folder: Path, *, most: float = 0, seconds: float = 0, seed: int, formats: list[str], slowest: float = SLOWEST
) -> dict[str, Any]:
    """The whole run; gives its figures. Raises AssertionError for what does not hold. slowest: s at p99."""
    with pouring(folder, formats, most, seconds, seed) as hostile:
        tables = "".join(
            f'[[boards]]\nname = "hostile-{name}"\nport = "{folder / name}"\nformat = "{name}"\n{EACH}\n'
            for name in formats
        )
        scene = Scene(
            folder,
            boards=("clean",),
            sensors=2,
            rate=50,
            extra=f"{tables}[features]\nwindow = 20\n",
            topics=("gateway/gw/clean/#", "gateway/gw/+/status", "gateway/gw/status"),
        )
        try:
            return _flooded(scene, hostile, seed, slowest)
        finally:
            scene.close()


def _flooded(scene: Scene, hostile: dict[str, Any], seed: int, slowest: float) -> dict[str, Any]:
    scene.steady()
    scene.spend(STEADY)
    scene.steady_to = time.monotonic()
    before = pss(scene.pid)
    memory = Memory(scene.pid)
    written = {}
    with scene.fault():
        for board in hostile.values():
            board.stdin.write("go\n")
            board.stdin.flush()
        for name, board in hostile.items():
            written[name] = json.loads(board.stdout.readline())["written"]
    took = scene.healed - scene.began
    scene.prove(lambda: sum(written.values()) > 100_000, f"{written} bytes were poured in")
    for name, size in written.items():
        status = f"hostile-{name}"
        scene.until(lambda size=size, status=status: scene.status(status).get("bytes") == size, f"{name} is read", 60)
        found = scene.status(status)
        assert found["readings"] >= GOODBYES // 2, f"{name}: the good lines at the end were not read: {found}"
    looks = memory.stop()
    grown = max(looks) - before
    kept = [key for key in scene.judge.readings if key[0] == "clean"]
    figures = {
        "seed": seed,
        "mb": round(sum(written.values()) / 1e6, 1),
        "seconds": round(took, 1),
        "mb_per_s": round(sum(written.values()) / 1e6 / took, 2),
        "pss_before_mb": round(before / 1e6, 1),
        "pss_grown_mb": round(grown / 1e6, 1),
        "pss_mb": [round(look / 1e6, 1) for look in looks[:: max(1, len(looks) // 20)]],  # over the time
        "frames": sum(scene.status(f"hostile-{name}")["frames"] for name in written),
        "hostile_readings": sum(scene.status(f"hostile-{name}")["readings"] for name in written),
        "clean_readings": len(kept),
    }
    print(json.dumps(figures), flush=True)
    assert grown < GROWTH, f"memory has grown by {grown / 1e6:.1f} MB"
    scene.boards["clean"].stop()
    scene.boards["clean"].wait_done()
    rules.arrived(scene, 0)
    assert scene.gateway.stop() == 0
    rules.balanced(scene, 0, ())
    waited = share(scene.judge.latencies({"clean"}, scene.began, scene.healed), 0.99)
    usual = share(scene.judge.latencies({"clean"}, scene.steady_from, scene.steady_to), 0.99)
    late, beside = (
        share(lag.read(scene.folder / file, scene.began, scene.healed)[0], 0.99) for file in ("gateway.lag", "idle.lag")
    )
    figures |= {"p99_before_ms": usual, "p99_ms": waited, "loop_late_ms": late, "idle_late_ms": beside}
    figures |= {key: round(1e3 * value, 1) for key, value in figures.items() if key.endswith("_ms")}
    limit = max(slowest, TIMES * usual) + ON_THE_WAY * beside
    assert waited <= limit, f"the clean board waited longer than {limit:.3f} s: {figures}"
    until(lambda: not tree.family(scene.pid)[1:], "all processes have ended")
    return figures


def main() -> int:
    """The command; gives its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.flood", description=__doc__.splitlines()[0])
    parser.add_argument("--bytes", type=float, default=1e9)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--formats", default=",".join(GOOD))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flood-") as folder:
        try:
            figures = flood(
                Path(folder), most=given.bytes, seconds=given.seconds, seed=given.seed, formats=given.formats.split(",")
            )
        except AssertionError as error:
            print(f"seed {given.seed}: {error}", file=sys.stderr)
            return 1
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())

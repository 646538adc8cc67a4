"""What docs/examples/consumer.py takes to write a reading, by itself and as several that share the work.

    python -m tests.scale.consumers [--members 2] [--gateways 200] [--rate 40]

Light gateways (tests/fleet.py) of one process send for ten seconds; then the members go on until all of it is in the
database. A line of JSON: how many that were, how long it took, and CPU a reading.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.fleet import started
from tests.scale.broker import cpu_of, quiet
from tests.street import ROOT, until

CONSUMER = ROOT / "docs" / "examples" / "consumer.py"


def member(database: Path, number: int, port: int) -> subprocess.Popen[bytes]:
    """One of them, subscribed."""
    command = [sys.executable, str(CONSUMER), str(database), str(number), "127.0.0.1", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    assert process.stderr is not None and b"Success" in process.stderr.readline()
    return process


def written(database: Path) -> int:
    """Readings in it."""
    with contextlib.closing(sqlite3.connect(database, timeout=60)) as open_:
        return int(open_.execute("SELECT count(*) FROM readings").fetchone()[0])


def measured(options: argparse.Namespace) -> dict[str, object]:
    """The figures."""
    with quiet() as (broker, _), tempfile.TemporaryDirectory() as name:
        database = Path(name) / "readings.db"
        members = [member(database, number, broker.port) for number in range(options.members)]
        began, before = time.monotonic(), [cpu_of(one.pid) for one in members]
        fleet = started(broker.port, options.gateways, "--rate", str(options.rate), "--seconds", str(options.seconds))
        acknowledged = json.loads(fleet.communicate()[0].splitlines()[-1])["acknowledged"]
        until(lambda: written(database) >= acknowledged, "all is written", 300)
        took = time.monotonic() - began
        cpu = sum(cpu_of(one.pid) - had for one, had in zip(members, before, strict=True))
        for one in members:
            one.kill()
            one.communicate()
    return {
        "members": options.members, "readings": acknowledged, "seconds": round(took, 1),
        "us_a_reading": round(1e6 * cpu / acknowledged),
    }  # fmt: skip


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    about = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m tests.scale.consumers", description=about)
    parser.add_argument("--members", type=int, default=1)
    parser.add_argument("--gateways", type=int, default=200)
    parser.add_argument("--rate", type=float, default=40.0, help="readings/s of each gateway")
    parser.add_argument("--seconds", type=float, default=10.0)
    return parser.parse_args(given)


if __name__ == "__main__":
    print(json.dumps(measured(arguments())), flush=True)

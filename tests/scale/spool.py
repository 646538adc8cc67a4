"""What readings take on a gateway's disk while its broker is away.

    python -m tests.scale.spool [--sensors 4] [--together 1] [--parcels 3600]

The spool itself on a file system in memory, given the features of so many sensors, so many readings of each at a time,
as once a second while nothing is acknowledged. A line of JSON: bytes of all its files, and of these a reading.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
from pathlib import Path

from gateway.publish.spool.filing import Saved
from gateway.publish.spool.spool import Spool
from tests.fleet import KEYS
from tests.made import features

LIMIT = 256_000_000


def parcel(sensors: int, first: int, count: int) -> list[Saved]:
    """The next readings of each sensor: temperatures with two decimals, and the features of the sample."""
    seq = range(first, first + count)
    made = []
    for number in range(sensors):
        value = [round(random.gauss(40, 5), 2) for _ in seq]
        columns = [[round(one / 60, 4) for one in value] for _ in KEYS[:2]]
        columns += [[random.gauss(40, 5) for _ in seq] for _ in KEYS[2:4]]
        columns += [[30.25 + number for _ in seq], [50.5 + number for _ in seq]]  # the least and the most stay
        made.append(Saved(features(seq, sensor=f"S{number}", keys=KEYS, value=value, columns=columns), {}, "run", {}))
    return made


def size(folder: Path) -> int:
    """Bytes of all files in it."""
    return sum(one.stat().st_size for one in folder.iterdir())


async def measured(sensors: int, together: int, parcels: int) -> dict[str, object]:
    """The figures."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        nobody = lambda *_, **__: None  # noqa: E731
        spool = Spool(
            Path(name), LIMIT, 1e9, "boot", inherited=nobody, dropped=nobody, clock_set=lambda: True, event=nobody
        )
        await spool.open()
        for place in range(parcels):
            await spool.keep([], parcel(sensors, 1 + place * together, together), [])
            await spool.tend()
        taken, readings = size(Path(name)), sensors * together * parcels
        held = spool.held("bench")
        await spool.close([], 5)
    assert held == readings
    return {
        "sensors": sensors, "together": together, "readings": readings, "mb": round(taken / 1e6, 2),
        "bytes_a_reading": round(taken / readings, 1),
    }  # fmt: skip


def main() -> None:
    """Measures, and prints."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale.spool", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sensors", type=int, default=4)
    parser.add_argument("--together", type=int, default=1, help="readings of a sensor at a time")
    parser.add_argument("--parcels", type=int, default=3600)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(measured(options.sensors, options.together, options.parcels))), flush=True)


if __name__ == "__main__":
    main()

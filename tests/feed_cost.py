"""What the page costs the gateway's loop: µs a reading for the rings, and µs a look for who looks.

    chrt -r 1 python -m tests.feed_cost [--sensors N]

The rings are fed whether somebody looks or not; values go out four times a second, documents once, a scrape when it is
asked for. Each figure is the best of many, which other programs on the machine disturb least.
"""

import argparse
import time
from array import array
from collections.abc import Callable

from gateway.bench.shown import table
from gateway.feed.feeder import Feeder
from gateway.feed.rings import Rings
from gateway.model import Features
from gateway.telling.status import SensorLook
from tests.looks import board, look
from tests.webs import Made

REPEATS = 200
KEYS = ("normalized", "feature", "mean", "std", "min", "max")


def piece(sensor: str, rows: int, at: float) -> Features:
    """So many computed readings of a sensor, a hundredth of a second apart."""
    mono = array("d", [at + 0.01 * n for n in range(rows)])
    return Features(
        "bench", sensor, "°C", KEYS, array("q", range(rows)), mono[:], mono, array("d", range(rows)), [None] * rows,
        array("q", range(rows)), bytes(rows), [mono[:] for _ in KEYS],
    )  # fmt: skip


def best(call: Callable[[float], object]) -> float:
    """µs of the quickest of many calls, each some milliseconds of the street later."""
    took = []
    for n in range(REPEATS):
        began = time.perf_counter()
        call(n)
        took.append(time.perf_counter() - began)
    return 1e6 * min(took)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.feed_cost", description=__doc__.splitlines()[0])
    parser.add_argument("--sensors", type=int, default=256)
    count = parser.parse_args().sensors
    names = [f"S{n}" for n in range(count)]
    rows = []
    for each in (1, 5, 20, 100):
        rings = Rings(lambda board, sensor: True)
        batches = [[piece(name, each, 0.002 * n) for name in names] for n in range(REPEATS)]
        us = best(lambda n, rings=rings, batches=batches: rings.feed(batches[int(n)]))
        rows.append([f"rings, {each} readings a sensor and batch", f"{us:.0f}", f"{us / count / each:.2f} a reading"])
    made = Made()
    sensors = {name: SensorLook("ok", 90, 1_795_000_000.5, "°C") for name in names}
    width = 4
    parts = [dict(list(sensors.items())[at : at + width]) for at in range(0, count, width)]
    made.look = look(*(board(f"b{n}", sensors=part) for n, part in enumerate(parts)))
    made.rings.feed([piece(name, 1, 1.0) for name in names])
    feeder = Feeder(made.sources(), made.rings)
    feeder.look(True)

    def values(n: float) -> None:
        made.rings.changed = set(made.rings.all())
        feeder.values()

    def documents(n: float) -> None:
        feeder._told = {}
        feeder.documents()

    for what, call in (
        ("values of all sensors, 4 a second", values),
        (f"documents of {len(parts)} boards, 1 a second", documents),
        ("a scrape", lambda n: feeder.answer({"ask": 1, "what": "snapshot"})),
        ("an hour of a sensor", lambda n: feeder.answer({"ask": 1, "what": "history", "id": 1})),
    ):
        us = best(call)
        rows.append([what, f"{us:.0f}", f"{us / count:.2f} a sensor"])
    print("\n".join(table([f"{count} sensors", "µs", ""], rows)))


if __name__ == "__main__":
    main()

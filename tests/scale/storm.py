"""How a fleet comes back after its broker: killed, away for a while, started again with nothing.

    python -m tests.scale.storm [--gateways 200] [--rate 4] [--away 20] [--tls]

Light gateways (tests/fleet.py) of one process, which go on reading meanwhile, and a subscriber of all. A line of JSON:
seconds from the broker's start until half of them and all of them are connected, and until all that they had read
until then is acknowledged.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time

from gateway.tls import Tls
from tests.fleet import Light
from tests.scale.broker import cpu_of, quiet
from tests.scale.readings import subscribers
from tests.waiting import until

LOOK = 0.02  # s
STEADY = 5.0  # s before


async def storm(options: argparse.Namespace) -> dict[str, object]:
    """The figures."""
    with quiet(tls=options.tls) as (broker, authority):
        tls = Tls(authority) if authority else None
        lights = [Light(f"light-{number}", broker.port, tls=tls) for number in range(options.gateways)]
        feeding = asyncio.ensure_future(_feed(lights, options.rate))
        await until(lambda: all(map(_there, lights)), 60)
        await asyncio.sleep(STEADY)
        broker.kill()
        await asyncio.sleep(options.away)
        broker.start()
        began, cpu = time.monotonic(), cpu_of(broker.pid)
        owed = {one: one.account.readings for one in lights}
        backlog = sum(readings - one.account.acknowledged for one, readings in owed.items())
        half = there = None
        with subscribers(broker.port, options.subscribers, authority):
            while there is None or any(one.account.acknowledged < readings for one, readings in owed.items()):
                await asyncio.sleep(LOOK)
                if there is None:
                    count, now = sum(_there(one) for one in lights), round(time.monotonic() - began, 2)
                    half = now if half is None and count >= len(lights) / 2 else half
                    there = now if count == len(lights) else None
            took, cpu = time.monotonic() - began, cpu_of(broker.pid) - cpu
        feeding.cancel()
        await asyncio.gather(*(one.stop() for one in lights))
    return {
        "gateways": options.gateways, "tls": options.tls, "readings_per_s": options.gateways * options.rate,
        "away_s": options.away, "backlog": backlog, "half_s": half, "online_s": there, "drained_s": round(took, 2),
        "broker_cpu_s": round(cpu, 2),
    }  # fmt: skip


def _there(one: Light) -> bool:
    return bool(one.publisher.look()["connected"])


async def _feed(lights: list[Light], rate: float) -> None:
    """Each reads so many a second, in turn over the second."""
    began, place = time.monotonic(), 0
    while True:
        while place < (time.monotonic() - began) * rate / 4 * len(lights):
            lights[place % len(lights)].read(1)
            place += 1
        await asyncio.sleep(LOOK)


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale.storm", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gateways", type=int, default=200)
    parser.add_argument("--rate", type=float, default=4.0, help="readings/s of each gateway")
    parser.add_argument("--away", type=float, default=20.0, help="s for which there is no broker")
    parser.add_argument("--subscribers", type=int, default=1)
    parser.add_argument("--tls", action="store_true")
    return parser.parse_args(given)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(storm(arguments()))), flush=True)

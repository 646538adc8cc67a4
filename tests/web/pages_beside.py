"""What open pages cost the street: the latency of readings and the CPU of the gateway, with pages and with none.

    python -m tests.web.pages_beside [--pages N] [--boards N] [--rate HZ] [--seconds S] [--rounds N]

The street of `gateway bench street` with a page; in each round it talks for S seconds while nobody looks and for S
seconds while N pages do, in turn first. The pages are a program of their own at the lowest priority, since they are on
other machines; what is told is the median of the rounds, and of the ratios within them. CPU is that of the gateway, its
workers and its web process, for 100,000 readings. `--pages 0` tells how much of all that is noise.
"""

import argparse
import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from gateway.bench.brokers import Broker
from gateway.bench.carriers import PLAIN, Carrier, gateway, running
from gateway.bench.count import shares
from gateway.bench.paired import ratio
from gateway.bench.shown import table
from gateway.bench.whole import Failed, Phase, street
from tests.faults import tree
from tests.webs import Stream

KEYS = ("p50", "p99", "p999")
HEARD = b"+"  # what the pages say when all of them are told


def carrier(port: int) -> Carrier:
    """A gateway with a page there."""

    def commands(broker: Broker, ports: Path, boards: int) -> list[list[str]]:
        more = f'\n[web]\nlisten = "127.0.0.1:{port}"\n'
        return running(("gateway",), "reading", PLAIN, more)(broker, ports, boards)

    return replace(gateway(), commands=commands)


def as_in_life() -> None:
    """The web process has the lower priority that it gives itself, also where `chrt` has made the street quick."""
    for pid in tree.family(os.getpid()):
        if Path(f"/proc/{pid}/comm").read_text() == "gateway-web\n":
            os.sched_setscheduler(pid, os.SCHED_OTHER, os.sched_param(0))


@contextlib.asynccontextmanager
async def looking(port: int, pages: int) -> AsyncIterator[None]:
    """So many pages are open, and told all."""
    command = [sys.executable, "-m", "tests.web.pages_beside", "--looks", str(port), "--pages", str(pages)]
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    try:
        if await child.stdout.read(1) != HEARD:
            raise Failed("the pages were told nothing")
        yield
    finally:
        child.kill()
        await child.wait()


async def look(port: int, pages: int) -> None:
    """Opens so many pages and reads what they are told, for ever."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))  # whatever `chrt` has made of the street
    os.nice(19)

    async def one() -> None:
        page = await Stream.open(port)
        await page.next("documents")
        heard.release()
        while True:
            await page.next()

    heard = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as group:
        for _ in range(pages):
            group.create_task(one())
        for _ in range(pages):
            await heard.acquire()
        os.write(1, HEARD)
        await asyncio.get_running_loop().create_future()


async def rounds_of(boards: int, pages: int, rate: float, seconds: float, rounds: int) -> dict[bool, list[Phase]]:
    """The phases of all rounds, with pages (True) and without. Raises Failed."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    told: dict[bool, list[Phase]] = {False: [], True: []}
    async with street(boards, carrier(port)) as whole:
        as_in_life()
        for number in range(rounds):
            for looked_at in (False, True) if number % 2 else (True, False):
                async with looking(port, pages) if looked_at else contextlib.nullcontext():
                    phase = await whole.phase(rate, seconds)
                if phase.lost:
                    raise Failed(f"{phase.lost} readings are lost")
                told[looked_at].append(phase)
    return told


def main() -> int:
    """The command; gives its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.web.pages_beside", description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=10)
    parser.add_argument("--boards", type=int, default=4)
    parser.add_argument("--rate", type=float, default=1000.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--looks", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.looks is not None:
        asyncio.run(look(given.looks, given.pages))
        return 0
    try:
        told = asyncio.run(rounds_of(given.boards, given.pages, given.rate, given.seconds, given.rounds))
    except Failed as error:
        print(f"it was not measured: {error}", file=sys.stderr)
        return 1
    found = {
        looked_at: {
            **{key: [shares(phase.took)[key] for phase in phases] for key in KEYS},
            "cpu": [1e5 * phase.cpu / phase.sent for phase in phases],
        }
        for looked_at, phases in told.items()
    }
    rows = []
    for key, name, unit in (
        ("p50", "half of the readings within", "ms"), ("p99", "99 %", "ms"), ("p999", "99.9 %", "ms"),
        ("cpu", "CPU for 100,000", "s"),
    ):  # fmt: skip
        without, looked_at = found[False][key], found[True][key]
        times = ratio(looked_at, without)
        rows.append([name, _text(without, unit), _text(looked_at, unit), "-" if times is None else f"{times:.2f}"])
    print("\n".join(table(["", "no page", f"{given.pages} pages", "times"], rows)))
    return 0


def _text(found: list[float | None], unit: str) -> str:
    known = sorted(one for one in found if one is not None)
    return f"{known[len(known) // 2]:.1f} {unit}" if known else "-"


if __name__ == "__main__":
    sys.exit(main())

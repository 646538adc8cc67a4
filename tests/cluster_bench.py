"""What a Dask cluster is worth to a gateway, on this machine: `python -m tests.cluster_bench [heavy|way|kill]`.

heavy   calls a second of a feature that takes 50 ms (it sleeps, so that this machine's cores set no bound), with 0 to 8
        workers, and the share of them that came in time
way     what batches of built-in features take here, and on the cluster there and back, by their readings
kill    how old the oldest reading was when it left while the scheduler was killed, and what the bridge takes of memory
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.compute.cluster import letters
from gateway.compute.custom.left import taken
from gateway.compute.room import Remote
from gateway.model import Plan
from tests.clusters import DaskCluster
from tests.houses import House, housed
from tests.waiting import until

SECONDS = 6.0


@asynccontextmanager
async def joined(
    folder: Path, plan: Plan, workers: int, deadline: float = 5.0
) -> AsyncIterator[tuple[House, DaskCluster]]:
    """A house with a cluster that has so many workers."""
    cluster = DaskCluster(folder)
    cluster.start(workers)
    try:
        async with housed(folder, plan, Remote(cluster.address), deadline) as house:
            if workers:
                await house.connected(workers)
            yield house, cluster
    finally:
        cluster.close()


async def heavy(folder: Path, workers: int) -> str:
    """Eighty sensors at two readings a second: a hundred and sixty calls a second, eight times what one process can."""
    async with joined(folder, Plan(window_s=None, window_n=5, custom=("own:slow",)), workers, 1.0) as (house, _):

        async def some(seconds: float) -> None:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                house.take("a", [float(k) for k in range(80)])
                await asyncio.sleep(0.5)

        await some(6.0)
        before, at = len(house.out), time.monotonic()
        await some(SECONDS)
        took, out = time.monotonic() - at, house.out[before:]
        values = [value for piece in out for value in piece.columns[piece.keys.index("slow")]]
        good = sum(value == value for value in values)
        return f"{workers} workers: {good / took:5.0f} values/s in time, {good / len(values):4.0%} of what came"


async def way(folder: Path) -> list[str]:
    """Each size a few times, one after the other, here and there."""
    out = []
    async with joined(folder, Plan(), 1) as (house, _):
        seen = house.room.cluster
        assert seen is not None
        for readings in (1, 20, 200, 2000, 4096):
            took: dict[bool, list[float]] = {False: [], True: []}
            for k in range(24):
                elsewhere = k % 2 == 1
                seen.takes = lambda *of, elsewhere=elsewhere, **more: elsewhere  # type: ignore[method-assign]
                at = time.perf_counter()
                house.take("a", [float(n % 50) for n in range(readings)])
                await until(lambda: sum(map(len, house.out)) == house.sent)
                took[elsewhere].append(time.perf_counter() - at)
            here, there = (statistics.median(took[one][2:]) for one in (False, True))
            out.append(
                f"{readings:5d} readings: here {here * 1e3:6.1f} ms ({here / readings * 1e6:7.1f} µs a reading), "
                f"there {there * 1e3:6.1f} ms ({there / readings * 1e6:7.1f} µs)"
            )
    return out


async def kill(folder: Path) -> list[str]:
    """All batches on the cluster, then no scheduler."""
    async with joined(folder, Plan(), 2) as (house, cluster):
        house.all_goes()
        for _ in range(100):
            house.take("a", [1.0, 2.0])
            await asyncio.sleep(0.02)
        steady, house.latest = house.latest, 0.0
        assert cluster.scheduler is not None and house.room.cluster is not None
        cluster.kill(cluster.scheduler)
        at = time.monotonic()
        while house.look["state"] == letters.CONNECTED:
            house.take("a", [1.0, 2.0])
            await asyncio.sleep(0.02)
        noticed = time.monotonic() - at
        await until(lambda: sum(map(len, house.out)) == house.sent)
        process = house.room.cluster._carrier._process
        assert process is not None
        return [
            f"steady: the oldest reading was {steady * 1e3:.0f} ms old when it left",
            f"killed: noticed after {noticed * 1e3:.0f} ms, the oldest was {house.latest * 1e3:.0f} ms old",
            f"bridge: {taken(process.pid) / 1e6:.0f} MB (PSS)",
        ]


def main(what: str) -> None:
    """Prints the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if what in ("heavy", ""):
            for workers in (0, 1, 2, 4, 8):
                (part := folder / f"heavy-{workers}").mkdir()
                print(asyncio.run(heavy(part, workers)), flush=True)
        for kind, measure in (("way", way), ("kill", kill)):
            if what in (kind, ""):
                (part := folder / kind).mkdir()
                print("\n".join(asyncio.run(measure(part))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")

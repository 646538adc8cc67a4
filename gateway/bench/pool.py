"""`gateway bench pool`: the founding benchmark in its three ways and in the gateway's own, on this machine.

Every way gets the same values, and what comes of them has to be the plain loop's, to the last rounded digit.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from ..compute import columns
from ..compute.columns import Columns, Transform
from ..compute.cores import cores
from . import founding, pool_ways
from .founding import Record
from .noise import hint, load
from .paired import Way, measure
from .pool_told import Told
from .shown import progress

LIGHT, LIGHT_BATCHES = 20_000, (20, 200)  # records; the first batch is the founding one, with which all is compared
HEAVY, HEAVY_BATCHES = 1_600, (50,)
ONE_A_CALL = 10  # of so many records one, where each is a call
CALLS, CALL_TIMES = (1, 20, 200, 2_000), 5  # batch sizes that a caller of the library may name
BATCHES = (100, 1_000, 4_000, 16_000, 64_000)  # of columns
ROUNDS, FEW_ROUNDS = 100, (3, 5)  # after all of them nearly every value is the same number, after few it is not


@dataclass(frozen=True, slots=True)
class Pools:
    """All processes that take part."""

    workers: int
    standard: ProcessPoolExecutor
    bare: ProcessPoolExecutor
    ours: Columns


async def bench_pool(rounds: int, seconds: float, size: float = 1.0) -> Told:
    """Measures at most `rounds` rounds, and begins none after `seconds`. Raises Unequal; OSError when nothing starts.

    size: of the work; 1 is some seconds a round. However it ends, no process is left.
    """
    workers, before = cores(), load()
    with founding.executor(workers) as standard, founding.executor(workers) as bare:  # before there is any thread
        pools = Pools(workers, standard, bare, Columns(workers))
        try:
            with progress() as said:
                said("starting the processes")
                await pools.ours.pool.start()
                light = _light(pools, max(200, int(LIGHT * size)))
                said("comparing at few rounds")
                await _compared(pools, max(50, int(HEAVY * size)))
                heavy = _heavy(pools, max(50, int(HEAVY * size)), ROUNDS)
                done = await measure([*light, *heavy], rounds, seconds, said)
        finally:
            await pools.ours.pool.stop()
    noise = hint(before, workers, [way.spread for way in (*light, *heavy)])
    return Told(light, heavy, workers=workers, rounds=done, load=before, noise=noise)


def made_up(n: int) -> list[Record]:
    """Records of eight sensors, as boards send them."""
    dice = random.Random(n)
    return [
        {"sensorId": f"S{k % 8 + 1}", "timestamp": k, "value": round(dice.uniform(15, 95), 2), "unit": "°C"}
        for k in range(n)
    ]


def _light(pools: Pools, n: int) -> list[Way]:
    """Both founding formulas of n records, scale [20, 80]."""
    records, work = made_up(n), founding.light
    due, some = work(records, 0), n // ONE_A_CALL
    many, many_due = records * CALL_TIMES, due * CALL_TIMES
    made = [_column(due, key) for key in ("normalized", "feature")]
    times = {100: 1, 1_000: 8}
    return [
        *[pool_ways.standard(pools.standard, work, records, 0, due, size) for size in LIGHT_BATCHES],
        pool_ways.standard(pools.standard, work, records[:some], 0, due[:some], 1),
        pool_ways.loop(work, records, 0, due),
        *[pool_ways.call(many, many_due, size) for size in CALLS],
        *_columns(pools, columns.founding(20.0, 80.0), _column(records, "value"), made, times, 32),
    ]


def _heavy(pools: Pools, n: int, rounds: int) -> list[Way]:
    """All rounds of n records."""
    records, work = made_up(n), founding.heavy
    due, some = work(records, rounds), n // ONE_A_CALL
    made = [_column(due, "processed")]
    return [
        *[pool_ways.standard(pools.standard, work, records, rounds, due, size) for size in HEAVY_BATCHES],
        pool_ways.standard(pools.standard, work, records[:some], rounds, due[:some], 1),
        pool_ways.loop(work, records, rounds, due),
        *_columns(pools, columns.heavy(rounds), _column(records, "value"), made, {100: 5}, 40),
    ]


def _columns(
    pools: Pools, by: Transform, values: array[float], due: list[array[float]], times: Mapping[int, int], usual: int
) -> list[Way]:
    """The gateway's pool, and the same work without one. times: the values so often for each worker, by batch size."""
    ours = [
        pool_ways.columns(pools.ours, by, values, due, times.get(size, usual) * pools.workers, size) for size in BATCHES
    ]
    return [*ours, pool_ways.numpy(pools.bare, pools.workers, by, values, due, usual * pools.workers)]


async def _compared(pools: Pools, n: int) -> None:
    """Raises Unequal when any way of the heavy work differs at few rounds."""
    for few in FEW_ROUNDS:
        for way in _heavy(pools, n, few):
            await way.run()


def _column(records: Sequence[Record], key: str) -> array[float]:
    return array("d", [record[key] for record in records])

"""A real Dask cluster of processes on loopback: it computes what is computed here, and may go at any time."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.compute.room import Remote
from gateway.model import Plan
from tests.clusters import DaskCluster
from tests.faults.tree import alive
from tests.houses import housed
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.xdist_group("dask")]

USE = ("mean", "std", "min", "max", "range", "median", "slope", "rate", "ewma", "zscore")


async def test_features_are_those_of_the_pool(
    tmp_path: Path, dask: Callable[..., DaskCluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All features, windows over time, three boards, a user's own with two keys: equal to the last bit."""
    for module in ("batches", "calls"):  # so that all of it is the cluster's, also on a busy machine
        monkeypatch.setattr(f"gateway.compute.cluster.{module}.PATIENCE", 60.0)
    cluster = dask()
    cluster.start(2)
    plan = Plan(window_s=3.0, use=USE, spike=6.0, stuck=2.0, custom=("own:last",))
    async with (
        housed(tmp_path, plan, None, 60.0) as alone,
        housed(tmp_path, plan, Remote(cluster.address), 60.0) as joined,
    ):
        await joined.connected(2)
        joined.all_goes()
        both = (alone, joined)
        for k in range(200):
            for board in "abc":
                values = [20 + (k * 7 % 13) / 3, float(k // 50), 1e6 * (k % 17 == 0)][: 1 + k % 3]
                for house in both:
                    house.take(board, values, at=k * 0.1)
            if k % 5 == 0:
                await until(lambda: all(sum(map(len, house.out)) == house.sent for house in both), 30.0)
        await until(lambda: all(sum(map(len, house.out)) == house.sent for house in both))
        here, there = (
            {key: {name: [*map(repr, column)] for name, column in one.items()} for key, one in house.columns().items()}
            for house in both
        )
        assert here == there
        assert joined.look["batches"] > 100 and joined.look["returned"] == 0


async def test_kills_lose_nothing_and_are_over_within_two_seconds(
    tmp_path: Path, dask: Callable[..., DaskCluster]
) -> None:
    """A worker is killed, one is stopped, the scheduler is killed and comes back: each reading leaves once, in order,
    within 2 s, and what the cluster can compute it computes again."""
    cluster = dask()
    cluster.start(3)
    async with housed(tmp_path, Plan(window_s=None, window_n=20), Remote(cluster.address)) as house:
        await house.connected(3)
        house.all_goes()
        feeding = True

        async def feed() -> None:
            k = 0
            while feeding:
                for board in "abcd":
                    house.take(board, [float(k), float(-k)])
                k += 1
                await asyncio.sleep(0.02)

        async def some(holds: Callable[[], object], within: float) -> None:
            before = house.look["batches"]
            await until(holds, within)
            await until(lambda: house.look["batches"] > before + 20, 60.0)

        feeder = asyncio.create_task(feed())
        await some(lambda: True, 10.0)
        cluster.kill(cluster.workers[0])
        await some(lambda: house.look["workers"] == 2, 10.0)
        cluster.workers[1].send_signal(signal.SIGSTOP)
        await some(lambda: house.look["workers"] == 1, 20.0)
        cluster.workers[1].send_signal(signal.SIGCONT)
        await some(lambda: house.look["workers"] == 2, 20.0)
        assert cluster.scheduler is not None
        cluster.kill(cluster.scheduler)
        await until(lambda: house.look["state"] == "away", 2.0)
        before, batches = sum(map(len, house.out)), house.look["batches"]
        await until(lambda: sum(map(len, house.out)) > before + 200, 10.0)
        assert house.look["batches"] == batches  # all of it here
        assert house.look["reason"].endswith(": batches are computed here")
        for worker in cluster.workers:
            cluster.kill(worker)
        cluster.start(2)
        await some(lambda: house.look["workers"] == 2, 60.0)
        feeding = False
        await feeder
        await until(lambda: sum(map(len, house.out)) == house.sent, 4.0)
        for (_, sensor), columns in house.columns().items():
            assert columns["seq"] == list(range(1, len(columns["seq"]) + 1))
            assert columns["max" if sensor == "S0" else "min"] == [
                (k if sensor == "S0" else -k) for k in range(len(columns["seq"]))
            ]
        assert house.latest < 2.0
        assert [name for name, _ in house.events][-2:] == ["cluster.lost", "cluster.recovered"]


async def test_a_scheduler_that_is_frozen_is_as_one_that_has_gone(
    tmp_path: Path, dask: Callable[..., DaskCluster]
) -> None:
    """Stopped and not dead: readings leave within 2 s, and when it goes on it is used again."""
    cluster = dask()
    cluster.start(1)
    async with housed(tmp_path, Plan(), Remote(cluster.address)) as house:
        await house.connected()
        house.all_goes()
        assert cluster.scheduler is not None
        cluster.scheduler.send_signal(signal.SIGSTOP)
        for k in range(100):
            house.take("a", [float(k)])
            await asyncio.sleep(0.02)
        await until(lambda: sum(map(len, house.out)) == 100, 2.0)
        assert house.latest < 2.0
        await until(lambda: house.look["state"] == "away", 4.0)
        cluster.scheduler.send_signal(signal.SIGCONT)
        await house.connected()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
async def test_a_bridge_that_ends_is_replaced(
    tmp_path: Path, dask: Callable[..., DaskCluster], number: signal.Signals
) -> None:
    """The process that knows Dask is killed, or stopped: readings leave within 2 s, and another one takes its place."""
    cluster = dask()
    cluster.start(1)
    async with housed(tmp_path, Plan(), Remote(cluster.address)) as house:
        await house.connected()
        house.all_goes()
        assert house.room.cluster is not None
        carrier = house.room.cluster._carrier
        first = carrier._process
        assert first is not None
        first_pid = first.pid
        os.kill(first_pid, number)
        for k in range(100):
            house.take("a", [float(k)])
            await asyncio.sleep(0.02)
        await until(lambda: sum(map(len, house.out)) == 100, 2.0)
        assert house.latest < 2.0
        await until(lambda: carrier._process is not None and carrier._process.pid != first_pid, 20.0)
        await house.connected()
        assert not alive(first_pid)
        assert house.look["reason"] is None
    assert [name for name, _ in house.events if name.startswith("cluster.")][-2:] == [
        "cluster.lost", "cluster.recovered",
    ]  # fmt: skip

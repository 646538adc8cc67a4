"""A real Dask cluster of processes on loopback: it computes what is computed here, and may go at any time."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gateway
from gateway.compute.room import Custom, Remote, Room
from gateway.model import Chunk, Features, Plan, Sample
from tests.certificates import Authority
from tests.clusters import DaskCluster
from tests.faults.tree import alive
from tests.street import ROOT
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.xdist_group("dask")]

SOURCE = """
import os, time
import numpy as np

def last(times, values, new):
    return {"twice": 2 * values[-new:], "held": np.arange(len(times) - new, len(times))}

def slow(times, values, new):
    time.sleep(0.05)
    return values[-new:]

def crash(times, values, new):
    os.abort()

def pid(times, values, new):
    return np.full(new, os.getpid())
"""
USE = ("mean", "std", "min", "max", "range", "median", "slope", "rate", "ewma", "zscore")


class House:
    """A room, with a cluster or without, and what came out of it. plan: of all sensors."""

    def __init__(self, folder: Path, plan: Plan, remote: Remote | None, deadline: float = 5.0) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.out: list[Features] = []
        self.latest = 0.0
        (folder / "own.py").write_text(SOURCE)
        self.room = Room(
            lambda board, sensor: plan, self._emit, lambda board, why, readings: pytest.fail(why),
            workers=1, linger=0.0, custom=Custom(plan.custom, folder, deadline),
            event=lambda name, **fields: self.events.append((name, fields)), remote=remote,
        )  # fmt: skip
        self.began, self.sent = 0.0, 0

    def _emit(self, pieces: list[Features]) -> None:
        now = self.room.now()
        self.latest = max([self.latest, *(now - piece.mono[0] for piece in pieces)])
        self.out += pieces

    async def start(self) -> None:
        await self.room.start()
        self.began = self.room.began

    def take(self, board: str, values: list[float], at: float | None = None) -> None:
        """One piece with a value of each of some sensors; at: s since the start, the present when None."""
        t = asyncio.get_running_loop().time() if at is None else self.began + at
        self.room.take(board, [Sample(f"S{k}", value, "°C") for k, value in enumerate(values)], Chunk(0.0, t))
        self.sent += len(values)

    @property
    def look(self) -> dict[str, Any]:
        found: dict[str, Any] = self.room.look()["cluster"]
        return found

    async def connected(self, workers: int = 1) -> None:
        await until(lambda: (self.look["state"], self.look["workers"]) == ("connected", workers), 60.0)

    def all_goes(self) -> None:
        """Whatever it costs."""
        cluster = self.room.cluster
        assert cluster is not None
        cluster.takes = lambda kind, readings, wait, feature=None: bool(cluster.free) and cluster._able(feature)  # type: ignore[method-assign]

    def columns(self) -> dict[tuple[str, str], dict[str, list[float]]]:
        """All that came of each sensor, in the order in which it came."""
        found: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for piece in self.out:
            one = found[piece.board, piece.sensor]
            for key, column in zip(piece.keys, piece.columns, strict=True):
                one[key] += column
            one["seq"] += piece.seq
            one["n"] += piece.n
            one["quality"] += piece.quality
        return found

    def told(self, name: str) -> list[dict[str, Any]]:
        return [fields for event, fields in self.events if event == name]


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Callable[..., DaskCluster]]:
    """Makes clusters, and ends them."""
    made: list[DaskCluster] = []

    def make(**options: Any) -> DaskCluster:
        folder = tmp_path / f"dask-{len(made)}"
        folder.mkdir()
        made.append(DaskCluster(folder, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


async def test_features_are_those_of_the_pool(
    tmp_path: Path, dask: Callable[..., DaskCluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All features, windows over time, three boards, a user's own with two keys: equal to the last bit."""
    for module in ("batches", "calls"):  # so that all of it is the cluster's, also on a busy machine
        monkeypatch.setattr(f"gateway.compute.cluster.{module}.PATIENCE", 60.0)
    cluster = dask()
    cluster.start(2)
    plan = Plan(window_s=3.0, use=USE, spike=6.0, stuck=2.0, custom=("own:last",))
    houses = [House(tmp_path, plan, None, 60.0), House(tmp_path, plan, Remote(cluster.address), 60.0)]
    for house in houses:
        await house.start()
    await houses[1].connected(2)
    houses[1].all_goes()
    for k in range(200):
        for board in "abc":
            for house in houses:
                house.take(board, [20 + (k * 7 % 13) / 3, float(k // 50), 1e6 * (k % 17 == 0)][: 1 + k % 3], at=k * 0.1)
        if k % 5 == 0:
            await until(lambda: all(sum(map(len, house.out)) == house.sent for house in houses), 30.0)
    await until(lambda: all(sum(map(len, house.out)) == house.sent for house in houses))
    here, there = (house.columns() for house in houses)
    assert {key: {name: [repr(x) for x in column] for name, column in one.items()} for key, one in here.items()} == {
        key: {name: [repr(x) for x in column] for name, column in one.items()} for key, one in there.items()
    }
    assert houses[1].look["batches"] > 100 and houses[1].look["returned"] == 0
    for house in houses:
        await house.room.stop(4.0)


async def test_kills_lose_nothing_and_are_over_within_two_seconds(
    tmp_path: Path, dask: Callable[..., DaskCluster]
) -> None:
    """A worker is killed, one is stopped, the scheduler is killed and comes back: each reading leaves once, in order,
    within 2 s, and what the cluster can compute it computes again."""
    cluster = dask()
    cluster.start(3)
    house = House(tmp_path, Plan(window_s=None, window_n=20), Remote(cluster.address))
    await house.start()
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
    await house.room.stop(4.0)


async def test_a_scheduler_that_is_frozen_is_as_one_that_has_gone(
    tmp_path: Path, dask: Callable[..., DaskCluster]
) -> None:
    """Stopped and not dead: readings leave within 2 s, and when it goes on it is used again."""
    cluster = dask()
    cluster.start(1)
    house = House(tmp_path, Plan(), Remote(cluster.address))
    await house.start()
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
    await house.room.stop(4.0)


async def test_another_version_is_not_used(tmp_path: Path, dask: Callable[..., DaskCluster]) -> None:
    """Workers with another gateway, or with none, are told of, and what they would compute is computed here; one with
    ours is used beside them."""
    root = Path(gateway.__file__).parent
    other, none = tmp_path / "other", tmp_path / "none"
    other.mkdir()
    none.mkdir()
    (none / "gateway.py").write_text("raise ModuleNotFoundError('No module named gateway')")
    (other / "gateway").mkdir()
    for file in root.iterdir():
        if file.name not in ("__init__.py", "__pycache__"):
            (other / "gateway" / file.name).symlink_to(file)
    (other / "gateway/__init__.py").write_text('__version__ = "0.0.1"\n')
    cluster = dask()
    cluster.start()
    cluster.add(env={"PYTHONPATH": str(other)})
    cluster.add(env={"PYTHONPATH": str(none)})
    house = House(tmp_path, Plan(), Remote(cluster.address))
    await house.start()
    await until(lambda: "has no gateway" in (house.look["reason"] or "") and "0.0.1" in house.look["reason"], 60.0)
    look = house.look
    assert (look["state"], look["workers"]) == ("version", 0)
    assert f"has gateway 0.0.1 and not {gateway.__version__}" in look["reason"]
    assert f"has no gateway {gateway.__version__} that answers (ModuleNotFoundError" in look["reason"]
    house.take("a", [1.0])
    await until(lambda: house.out)
    cluster.add()
    await house.connected()
    assert "2 of 3 workers that cannot do all" in house.look["reason"]
    house.all_goes()
    house.take("a", [2.0])
    await until(lambda: len(house.out) == 2)
    assert house.look["batches"] == 1 and house.look["returned"] == 0
    await house.room.stop(4.0)


async def test_tls(tmp_path: Path, dask: Callable[..., DaskCluster]) -> None:
    """With certificates of one CA on both sides it computes; a gateway with another CA's, or without, is not let in."""
    ours, others = Authority(tmp_path / "ca"), Authority(tmp_path / "others")
    (cert, key), (mine, my_key) = ours.issue("cluster"), others.issue("mine")
    files = ("--tls-ca-file", str(ours.certificate), "--tls-cert", str(cert), "--tls-key", str(key))
    cluster = dask(scheme="tls", tls=files)
    cluster.start(1)
    own = ours.issue("gateway")
    house = House(tmp_path, Plan(), Remote(cluster.address, ours.certificate, *own))
    strange = House(tmp_path, Plan(), Remote(cluster.address, others.certificate, mine, my_key))
    plain = House(tmp_path, Plan(), Remote(cluster.address.replace("tls:", "tcp:")))
    for one in (house, strange, plain):
        await one.start()
    await house.connected()
    house.all_goes()
    house.take("a", [1.0])
    await until(lambda: house.out)
    assert house.look["batches"] == 1 and house.look["returned"] == 0
    for one in (strange, plain):
        await until(lambda one=one: one.look["state"] == "away", 30.0)  # type: ignore[misc]
        assert "cannot be reached" in one.look["reason"]
    for one in (house, strange, plain):
        await one.room.stop(4.0)


async def test_a_feature_that_crashes_is_quarantined_and_the_worker_stays(
    tmp_path: Path, dask: Callable[..., DaskCluster]
) -> None:
    """It ends its own process there: two misses, and it is not asked any more; the others go on on the same worker."""
    cluster = dask()
    cluster.start(1)
    house = House(tmp_path, Plan(custom=("own:crash", "own:pid")), Remote(cluster.address))
    await house.start()
    await house.connected()
    await until(lambda: house.room.cluster is not None and house.room.cluster._able("own:pid"), 30.0)
    house.all_goes()
    for k in range(4):
        house.take("a", [float(k)])
        await until(lambda k=k: len(house.out) == k + 1)  # type: ignore[misc]
    assert house.room.look()["quarantined"] == ["own:crash"]
    assert "was killed by SIGABRT" in house.told("custom.quarantined")[0]["why"]
    pids = {int(pid) for piece in house.out for pid in piece.columns[piece.keys.index("pid")]}
    assert any(_below(pid, cluster.workers[0].pid) for pid in pids)  # the others are here: both hands were taken
    assert cluster.workers[0].poll() is None and house.look["workers"] == 1
    await house.room.stop(4.0)


async def test_a_feature_that_takes_its_worker_along(
    tmp_path: Path, dask: Callable[..., DaskCluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each worker that had the call ends (as one whose machine runs out of memory): that is the feature's miss too, and
    what it was asked leaves without a value; nothing is lost."""
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    cluster = dask()
    cluster.start()
    killing = tmp_path / "killing"
    killing.mkdir()
    (killing / "sitecustomize.py").write_text(
        "import os\nimport gateway.compute.cluster.kept as kept\nkept.called = lambda *_: os.abort()\n"
    )
    for _ in range(2):
        cluster.add(env={"PYTHONPATH": f"{killing}{os.pathsep}{ROOT}"})
    house = House(tmp_path, Plan(custom=("own:pid",)), Remote(cluster.address), deadline=10.0)
    await house.start()
    await house.connected(2)
    await until(lambda: house.room.cluster is not None and house.room.cluster._able("own:pid"), 60.0)
    house.all_goes()
    house.take("a", [1.0])
    await until(lambda: house.out, 20.0)
    assert [*house.out[0].columns[house.out[0].keys.index("feature")]]
    (missed,) = house.told("custom.missed")
    assert missed["why"] == "ended each worker of the cluster that computed it"
    await house.room.stop(4.0)


async def test_a_worker_that_has_lost_the_modules(tmp_path: Path, dask: Callable[..., DaskCluster]) -> None:
    """It has them again without a word from anybody, and what it was asked meanwhile is computed here."""
    cluster = dask()
    cluster.start()
    forgetful = tmp_path / "forgetful"
    forgetful.mkdir()
    flag = tmp_path / "forget"
    (forgetful / "sitecustomize.py").write_text(
        "import os\nimport gateway.compute.cluster.kept as kept\nreal = kept.called\n"
        f"def called(*told):\n    if os.path.exists({str(flag)!r}):\n        os.unlink({str(flag)!r})\n"
        "        kept._known.clear()\n    return real(*told)\n"
        "kept.called = called\n"
    )
    cluster.add(env={"PYTHONPATH": f"{forgetful}{os.pathsep}{ROOT}"})
    house = House(tmp_path, Plan(custom=("own:pid",)), Remote(cluster.address))
    await house.start()
    able = lambda: house.room.cluster is not None and house.room.cluster._able("own:pid")  # noqa: E731
    await until(able, 60.0)
    house.all_goes()
    flag.touch()
    house.take("a", [1.0])
    await until(lambda: house.out)
    assert not flag.exists() and house.look["returned"] >= 1
    await until(able, 30.0)

    async def there() -> bool:
        """Whether a call is answered on the worker."""
        sent = len(house.out)
        house.take("a", [2.0])
        await until(lambda: len(house.out) > sent)
        piece = house.out[-1]
        return _below(int(piece.columns[piece.keys.index("pid")][0]), cluster.workers[0].pid)

    end = time.monotonic() + 20.0
    while not await there():
        assert time.monotonic() < end
    assert house.told("custom.missed") == []
    await house.room.stop(4.0)


def _below(pid: int, above: int) -> bool:
    while pid > 1:
        if pid == above:
            return True
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return False


async def test_a_heavy_feature_scales_with_workers(tmp_path: Path, dask: Callable[..., DaskCluster]) -> None:
    """Forty-eight calls a second of 50 ms each are more than twice what one process can: with four workers all have
    their values in time, with none many have not; and what is cheap is computed here all the while."""
    cluster = dask()
    cluster.start(4)
    house = House(
        tmp_path, Plan(window_s=None, window_n=5, custom=("own:slow",)), Remote(cluster.address), deadline=1.0
    )
    await house.start()
    await house.connected(4)
    await until(lambda: house.room.cluster is not None and house.room.cluster._able("own:slow"), 30.0)

    async def answered(seconds: float) -> float:
        """The share of readings that had their values in time."""
        before, end = sum(map(len, house.out)), time.monotonic() + seconds
        while time.monotonic() < end:
            house.take("a", [float(k) for k in range(24)])
            await asyncio.sleep(0.5)
        await until(lambda: sum(map(len, house.out)) == house.sent, 4.0)
        values = [value for piece in house.out for value in piece.columns[piece.keys.index("slow")]][before:]
        return sum(value == value for value in values) / len(values)

    for _ in range(5):  # it measures, and this machine may be busy
        if (share := await answered(4.0)) > 0.97:
            break
    assert share > 0.97
    assert cluster.scheduler is not None
    assert house.told("custom.missed") == []
    cluster.kill(cluster.scheduler)
    await until(lambda: house.look["state"] == "away", 2.0)
    assert await answered(4.0) < 0.9
    assert house.room.cluster is not None
    built_in = [kind for kind in house.room.cluster.there._kinds if kind[0] != "own:slow"]  # type: ignore[index]
    assert built_in  # measured there, too
    await house.room.stop(4.0)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
async def test_a_bridge_that_ends_is_replaced(
    tmp_path: Path, dask: Callable[..., DaskCluster], number: signal.Signals
) -> None:
    """The process that knows Dask is killed, or stopped: readings leave within 2 s, and another one takes its place."""
    cluster = dask()
    cluster.start(1)
    house = House(tmp_path, Plan(), Remote(cluster.address))
    await house.start()
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
    await house.room.stop(4.0)
    assert [name for name, _ in house.events if name.startswith("cluster.")][-2:] == [
        "cluster.lost", "cluster.recovered",
    ]  # fmt: skip

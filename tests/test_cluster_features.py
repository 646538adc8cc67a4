"""Users' own features on a real Dask cluster: what crashes there, what is heavy, and modules that have to go along."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.compute.room import Remote
from gateway.model import Plan
from tests.clusters import DaskCluster, patched
from tests.houses import housed
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.xdist_group("dask")]


async def test_a_feature_that_crashes_is_quarantined_and_the_worker_stays(
    tmp_path: Path, dask: Callable[..., DaskCluster]
) -> None:
    """It ends its own process there: two misses, and it is not asked any more; the others go on on the same worker."""
    cluster = dask()
    cluster.start(1)
    async with housed(tmp_path, Plan(custom=("own:crash", "own:pid")), Remote(cluster.address)) as house:
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


async def test_a_feature_that_takes_its_worker_along(
    tmp_path: Path, dask: Callable[..., DaskCluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each worker that had the call ends (as one whose machine runs out of memory): no worker is given it for a while,
    which the status says, and it has its value from here."""
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    cluster = dask()
    cluster.start()
    code = "import os\nimport gateway.compute.cluster.kept as kept\nkept.called = lambda *_: os.abort()\n"
    env = patched(tmp_path / "killing", code)
    for _ in range(2):
        cluster.add(env=env)
    async with housed(tmp_path, Plan(custom=("own:pid",)), Remote(cluster.address), deadline=10.0) as house:
        await house.connected(2)
        await until(lambda: house.room.cluster is not None and house.room.cluster._able("own:pid"), 60.0)
        house.all_goes()
        house.take("a", [1.0])
        await until(lambda: house.out, 20.0)
        assert house.out[0].columns[house.out[0].keys.index("pid")][0] > 0
        assert house.told("custom.missed") == []
        await until(lambda: "does not get own:pid, which ended each worker" in (house.look["reason"] or ""))
        assert not house.room.cluster._able("own:pid")


async def test_a_worker_on_which_a_feature_fails(tmp_path: Path, dask: Callable[..., DaskCluster]) -> None:
    """One has another library than the others: it is named, it does not get that feature any more, and each reading
    has its value all the same, from the others or from here."""
    cluster = dask()
    cluster.start(1)
    cluster.add(env={"BAD": "1"})
    async with housed(tmp_path, Plan(custom=("own:picky",)), Remote(cluster.address)) as house:
        await house.connected(2)
        await until(lambda: house.room.cluster is not None and house.room.cluster._able("own:picky"), 60.0)
        house.all_goes()
        for k in range(20):
            for board in "abcd":  # at once, so that both workers have some
                house.take(board, [float(k)])
            await until(lambda k=k: sum(map(len, house.out)) == 4 * (k + 1))  # type: ignore[misc]
        for columns in house.columns().values():
            assert columns["picky"] == [float(k) for k in range(20)]
        reason = str(house.look["reason"])
        assert "has 1 of 2 workers that cannot do all (tcp://127.0.0.1:" in reason
        assert "cannot compute own:picky: raised RuntimeError" in reason
        assert house.told("custom.missed") == [] and house.look["workers"] == 2
        assert house.told("cluster.lacks")[-1]["why"] == reason
        assert house.look["returned"] <= 2


async def test_a_worker_that_answers_no_bytes(tmp_path: Path, dask: Callable[..., DaskCluster]) -> None:
    """Whatever it gives, that is told at once as nonsense, and each reading has its value from here."""
    cluster = dask()
    cluster.start()
    code = "import gateway.compute.cluster.there as there\nthere.called = lambda *_: 7\n"
    cluster.add(env=patched(tmp_path / "strange", code))
    async with housed(tmp_path, Plan(custom=("own:pid",)), Remote(cluster.address)) as house:
        await until(lambda: house.room.cluster is not None and house.room.cluster._able("own:pid"), 60.0)
        house.all_goes()
        for k in range(3):
            house.take("a", [float(k)])
            await until(lambda k=k: len(house.out) == k + 1)  # type: ignore[misc]
        assert "answered nonsense: batches are computed here" in str(house.look["reason"])
        assert all(piece.columns[piece.keys.index("pid")][0] > 0 for piece in house.out)


async def test_a_worker_that_has_lost_the_modules(tmp_path: Path, dask: Callable[..., DaskCluster]) -> None:
    """It has them again without a word from anybody, and what it was asked meanwhile is computed here."""
    cluster = dask()
    cluster.start()
    flag = tmp_path / "forget"
    code = (
        "import os\nimport gateway.compute.cluster.kept as kept\nreal = kept.called\n"
        f"def called(*told):\n    if os.path.exists({str(flag)!r}):\n        os.unlink({str(flag)!r})\n"
        "        kept._known.clear()\n    return real(*told)\n"
        "kept.called = called\n"
    )
    cluster.add(env=patched(tmp_path / "forgetful", code))
    async with housed(tmp_path, Plan(custom=("own:pid",)), Remote(cluster.address)) as house:
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


async def test_a_heavy_feature_scales_with_workers(tmp_path: Path, dask: Callable[..., DaskCluster]) -> None:
    """Forty-eight calls a second of 50 ms each are more than twice what one process can: with four workers all have
    their values in time, with none many have not; and what is cheap is computed here all the while."""
    cluster = dask()
    cluster.start(4)
    async with housed(
        tmp_path, Plan(window_s=None, window_n=5, custom=("own:slow",)), Remote(cluster.address), deadline=1.0
    ) as house:
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


def _below(pid: int, above: int) -> bool:
    while pid > 1:
        if pid == above:
            return True
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return False

"""Real Dask clusters that are not quite ours: workers of another version, certificates of another CA."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import gateway
from gateway.compute.room import Remote
from gateway.model import Plan
from tests.certificates import Authority
from tests.clusters import DaskCluster
from tests.houses import housed
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.xdist_group("dask")]


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
    async with housed(tmp_path, Plan(), Remote(cluster.address)) as house:
        await until(
            lambda: "has no gateway" in (house.look["reason"] or "") and "has gateway 0.0.1" in house.look["reason"],
            60.0,
        )
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


async def test_tls(tmp_path: Path, dask: Callable[..., DaskCluster]) -> None:
    """With certificates of one CA on both sides it computes; a gateway with another CA's, or without, is not let in."""
    ours, others = Authority(tmp_path / "ca"), Authority(tmp_path / "others")
    (cert, key), (mine, my_key) = ours.issue("cluster"), others.issue("mine")
    files = ("--tls-ca-file", str(ours.certificate), "--tls-cert", str(cert), "--tls-key", str(key))
    cluster = dask(scheme="tls", tls=files)
    cluster.start(1)
    own = ours.issue("gateway")
    plain = Remote(cluster.address.replace("tls:", "tcp:"))
    async with (
        housed(tmp_path, Plan(), Remote(cluster.address, ours.certificate, *own)) as house,
        housed(tmp_path, Plan(), Remote(cluster.address, others.certificate, mine, my_key)) as strange,
        housed(tmp_path, Plan(), plain) as bare,
    ):
        await house.connected()
        house.all_goes()
        house.take("a", [1.0])
        await until(lambda: house.out)
        assert house.look["batches"] == 1 and house.look["returned"] == 0
        for one in (strange, bare):
            await until(lambda one=one: one.look["state"] == "away", 30.0)  # type: ignore[misc]
            assert "cannot be reached" in one.look["reason"]

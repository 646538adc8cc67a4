"""A spool that is opened on a disk that is absent, hangs, or is not ours to write."""

import asyncio

import pytest

from gateway.model import Drop
from gateway.publish.spool import spool as spool_module
from gateway.publish.spool.sql import FULL, READ_ONLY, Trouble
from gateway.publish.spool.store import FILE, Store
from tests.spools import Told, saved

pytestmark = pytest.mark.usefixtures("closed_files")


async def test_a_start_without_the_disk_goes_on_and_catches_up(tmp_path, monkeypatch):
    told = Told()
    spool = told.make(tmp_path)
    await spool.open()
    await spool.keep([], [saved(1, 2)], [])
    await spool.close([], 5)
    real, trouble = Store.__init__, [Trouble(FULL, "no room")]

    def init(self, *given):
        if trouble:
            raise trouble[0]
        real(self, *given)

    monkeypatch.setattr(Store, "__init__", init)
    monkeypatch.setattr(spool_module, "PROBES", 0.0)
    monkeypatch.setattr("gateway.publish.spool.disk.AGAIN", 0.0)
    again = Told()
    spool = again.make(tmp_path)
    await spool.open()
    assert spool.why_shed is Drop.DISK_FULL
    assert again.inherited == {}
    trouble.clear()
    await spool.tend()
    assert again.inherited == {"bench": 2}
    assert [name for name, _ in again.events] == ["spool.failed", "spool.inherited", "spool.recovered"]
    await spool.close([], 5)


async def test_a_file_that_is_not_ours_to_write_ends_the_start(tmp_path, monkeypatch):
    def init(self, *given):
        raise Trouble(READ_ONLY, "denied")

    monkeypatch.setattr(Store, "__init__", init)
    with pytest.raises(Trouble, match="denied"):
        await Told().make(tmp_path).open()


async def test_a_bug_at_the_opening_is_not_hidden(tmp_path, monkeypatch):
    monkeypatch.setattr(Store, "__init__", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        await Told().make(tmp_path).open()


async def test_a_disk_that_hangs_at_the_start_does_not_hang_the_start(tmp_path, monkeypatch):
    import threading

    release, real = threading.Event(), Store.__init__
    monkeypatch.setattr(Store, "__init__", lambda self, *given: (release.wait(20), real(self, *given))[1])
    monkeypatch.setattr(spool_module, "OPENING", 0.1)
    monkeypatch.setattr(spool_module, "SLOW", 0.05)
    told = Told()
    spool = told.make(tmp_path)
    async with asyncio.timeout(5):
        await spool.open()
    assert [name for name, _ in told.events] == ["spool.failed"]
    release.set()
    assert await spool.keep([], [saved(1)], [])
    assert spool.trouble is None
    assert (tmp_path / FILE).exists()
    await spool.close([], 5)

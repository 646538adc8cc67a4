"""The keeper with a disk that refuses or hangs: nothing live waits for it, no order breaks, and it is told."""

import asyncio
import threading

import pytest

from gateway.model import Drop
from gateway.publish import keeper as keeper_module
from gateway.publish.spool import spool as spool_module
from gateway.publish.spool.sql import FAILED, FULL, Trouble
from gateway.publish.spool.store import Store
from tests.keepers import LANES, street

__all__ = ["street"]  # the fixture


async def test_a_disk_that_refuses_changes_nothing(street, monkeypatch):
    s = await street()
    real, refuse = Store.put, [FULL]

    def put(self, new, gone, busy):
        if refuse:
            raise Trouble(refuse[0], "on purpose")
        return real(self, new, gone, busy)

    monkeypatch.setattr(Store, "put", put)
    for _ in range(60):
        s.now += 0.1
        s.come(LANES[0], 1)
        s.come(LANES[2], 1, ready=False)
        await s.look()
    assert s.spool.why_shed is Drop.DISK_FULL
    assert [name for name, _ in s.events] == ["spool.failed"], "told once"
    assert "the disk is full" in s.spool.trouble
    refuse.clear()
    for _ in range(30):
        s.now += 0.1
        await s.look()
    assert [name for name, _ in s.events] == ["spool.failed", "spool.recovered"]
    assert s.spool.trouble is None
    assert s.spool.held("a") == 60
    await s.drain()
    assert set(s.taken.values()) == {1}


async def test_a_disk_that_failed_is_told_to_work_again_when_nothing_is_to_be_written(street, monkeypatch):
    s = await street()
    s.connect()
    monkeypatch.setattr(spool_module, "IDLE", 0.0)

    def fails(store):
        raise Trouble(FAILED, "on purpose")

    await s.spool._try(fails)
    assert s.spool.trouble
    for _ in range(10):
        s.now += 0.1
        await s.look()
    assert [name for name, _ in s.events] == ["spool.failed", "spool.recovered"]


async def test_a_disk_that_hangs_is_told_and_holds_up_nothing_live(street, monkeypatch):
    monkeypatch.setattr(spool_module, "SLOW", 0.05)
    monkeypatch.setattr(keeper_module, "LATE", 0.0)
    s = await street()
    s.come(LANES[0], 10)
    s.now += 1.1
    hanging, real = threading.Event(), Store.put
    monkeypatch.setattr(Store, "put", lambda *given: (hanging.wait(20), real(*given))[1])
    looking = asyncio.ensure_future(s.keeper._look())
    async with asyncio.timeout(5):
        while not s.events:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert s.events[0][0] == "spool.failed"
    assert "stalled" in s.spool.trouble
    s.balanced()
    s.connect()
    s.come(LANES[1], 7)
    s.exchange()
    assert s.accounts["a"].acknowledged == 17, "live readings go on, what waits for the disk among them"
    s.balanced()
    hanging.set()
    await looking
    await s.drain()
    assert [name for name, _ in s.events] == ["spool.failed", "spool.recovered"]
    assert len(s.taken) == 17


@pytest.mark.parametrize("refuses", [True, False])
async def test_a_disk_that_hangs_and_then_refuses_breaks_no_order(street, monkeypatch, refuses):
    """What was on its way to it goes out before what is newer, and once; whatever the disk does in the end."""
    monkeypatch.setattr(keeper_module, "LATE", 0.01)
    s = await street()
    s.connect()
    s.exchange()
    s.come(LANES[0], 10)
    s.now += 1.1
    hanging, real = threading.Event(), Store.put

    def put(*given):
        hanging.wait(20)
        if refuses:
            raise Trouble(FULL, "on purpose")
        return real(*given)

    monkeypatch.setattr(Store, "put", put)
    looking = asyncio.ensure_future(s.keeper._look())
    async with asyncio.timeout(5):
        while not s.box.lanes.waiting:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    s.come(LANES[0], 5)
    s.exchange()
    s.balanced()
    assert s.arrived[LANES[0], False] == list(range(1, 16))
    hanging.set()
    await looking
    monkeypatch.undo()
    await s.drain()
    assert set(s.taken.values()) == {1} and len(s.taken) == 15
    s.in_order()

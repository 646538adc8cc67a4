"""The keeper's end: what is not out by then is on the disk, as far as that takes it."""

import asyncio
import threading

import pytest

from gateway.publish.spool.sql import FULL, Trouble
from gateway.publish.spool.store import Store
from tests.keepers import LANES, street

__all__ = ["street"]  # the fixture


@pytest.mark.parametrize("hangs", [False, True])
async def test_the_end_in_an_outage(street, tmp_path, monkeypatch, hangs):
    s = await street()
    for _ in range(20):
        s.now += 0.1
        s.come(LANES[0], 5)
        s.come(LANES[2], 3, ready=False)
        await s.look()
    left, s.upstream.waiting = s.upstream.waiting, []
    release, real = threading.Event(), Store.put
    if hangs:
        monkeypatch.setattr(Store, "put", lambda *given: (release.wait(20), real(*given))[1])
    over = await s.keeper.finish(left, 0.2 if hangs else 5)
    for one in over:
        s.box.shed(one.board, len(one))
    s.balanced()
    if hangs:
        assert sum(map(len, over)) == 60
        release.set()
    else:
        assert over == []
        assert s.spool.held("a") == 100
        assert s.spool.held("b") == 60
    await s.close()
    if not hangs:
        again = await street()
        assert again.accounts["a"].inherited == 100
        assert again.accounts["b"].inherited == 60
        again.balanced()
        await again.drain()
        assert len(again.taken) == 160
        assert set(again.taken.values()) == {1}


async def test_an_end_that_the_disk_refuses_leaves_the_copies(street, monkeypatch):
    """What was safe before the end is safe after it, where there is no room for what is left."""
    s = await street()
    s.come(LANES[2], 3, ready=False)
    s.now += 1.1
    await s.look()
    assert len(s.spool._holds.copies) == 1
    put = Store.put

    def full(self, new, gone, busy):
        if new:
            raise Trouble(FULL, "there is no room")
        return put(self, new, gone, busy)

    monkeypatch.setattr(Store, "put", full)
    assert len(await s.keeper.finish(s.upstream.waiting, 5)) == 1
    await s.close()
    monkeypatch.setattr(Store, "put", put)
    again = await street()
    assert again.accounts["b"].inherited == 3
    await again.drain()
    assert again.taken == {(*LANES[2], seq): 1 for seq in (1, 2, 3)}


async def test_an_end_in_the_middle_of_a_job_loses_nothing(street, monkeypatch):
    s = await street()
    s.come(LANES[0], 50)
    s.now += 1.1
    waits, real = threading.Event(), Store.put
    monkeypatch.setattr(Store, "put", lambda *given: (waits.wait(20), real(*given))[1])
    running = asyncio.ensure_future(s.keeper.run())
    async with asyncio.timeout(5):
        while s.box.crossing.moving("a") == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait({running})
    asyncio.get_running_loop().call_later(0.1, waits.set)
    assert await s.keeper.finish([], 5) == []
    s.balanced()
    assert s.spool.held("a") == 50

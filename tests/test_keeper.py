"""The keeper: what waits for the broker goes to the disk in time and comes back in order, and all is accounted for."""

import asyncio
import random
from collections import Counter

import pytest

from gateway.model import Drop
from gateway.publish import keeper as keeper_module
from gateway.publish.keeper import BLOCK_ROWS
from gateway.publish.spool import spool as spool_module
from gateway.publish.spool.sql import FAILED, FULL, Trouble
from gateway.publish.spool.store import Store
from tests.conftest import BUDGET
from tests.keepers import AT_RISK, LANES, street

__all__ = ["street"]  # the fixture


async def test_while_the_broker_keeps_up_the_disk_is_not_touched(street, tmp_path):
    s = await street()
    s.connect()
    before = {one: (one.stat().st_mtime_ns, one.stat().st_size) for one in tmp_path.iterdir()}
    for _ in range(50):
        s.now += 0.1
        s.come(LANES[0], 3)
        s.exchange()
        await s.look()
    assert {one: (one.stat().st_mtime_ns, one.stat().st_size) for one in tmp_path.iterdir()} == before
    assert s.accounts["a"].acknowledged == 150


async def test_an_outage_goes_to_the_disk_and_comes_back_in_order(street):
    s = await street()
    for _ in range(100):
        s.now += 0.1
        for lane in LANES:
            s.come(lane, 2)
        await s.look()
        assert s.box.crossing.oldest() > s.now - AT_RISK - 0.2, "nothing is at risk for longer"
    assert s.spool.held("a") > 300
    await s.drain()
    s.in_order()
    assert set(s.taken.values()) == {1}
    assert len(s.taken) == 600
    assert s.arrived[LANES[0], True] == list(range(1, len(s.arrived[LANES[0], True]) + 1))


async def test_a_small_backlog_does_not_wait_for_a_large_one(street):
    """What a board has on the disk comes back beside another's, though that is older and a hundred times as much.

    Also when it gets there while as much of the other's as is read ahead has been read.
    """
    s = await street(limit=64_000_000, most=100_000)
    for _ in range(20):
        s.come(LANES[0], 500)
        s.now += 1.1
        await s.look()
    s.connect()
    await s.look()
    s.cut()
    s.come(LANES[2], 100)
    s.now += 1.1
    await s.look()
    assert (s.spool.held("a"), s.spool.held("b")) == (10_000, 100)
    s.connect()
    for _ in range(2000):
        s.now += 0.1
        s.exchange()
        await s.look()
        if s.accounts["b"].acknowledged == 100:
            break
    assert s.accounts["b"].acknowledged == 100
    assert s.accounts["a"].acknowledged < 5000
    await s.drain(3000)
    s.in_order()


async def test_more_than_a_block_holds_is_cut(street):
    s = await street(limit=64_000_000, most=100_000)
    s.come(LANES[0], 20_000)
    s.come(LANES[1], 5000, ready=False)
    s.now += 1.1
    await s.look()
    assert s.spool.held("a") == 20_000
    assert sum(gone.rows for gone in s.spool._holds.copies.values()) == 5000
    assert max(gone.rows for gone in s.spool._holds.copies.values()) <= BLOCK_ROWS


async def test_only_what_is_left_of_a_block_stays(street):
    s = await street()
    s.come(LANES[0], 200)
    s.now += 1.1
    await s.look()
    s.connect()
    while s.accounts["a"].acknowledged < 30:
        s.now += 0.05
        s.exchange()
        await s.look()
    acknowledged = s.accounts["a"].acknowledged
    s.cut()
    rest = keeper_module.rest_of(s.box.replay.take_all())
    await s.close(rest)
    again = await street()
    assert again.accounts["a"].inherited == 200 - acknowledged
    await again.drain()
    assert min(seq for _, _, seq in again.taken) == acknowledged + 1


async def test_old_readings_are_dropped_and_counted(street, monkeypatch):
    s = await street(max_age=5.0)
    s.spool.start = spool_module.time.monotonic() - 100
    s.come(LANES[0], 40)
    s.now += 90
    s.come(LANES[2], 10)
    s.now += 8
    await s.look()
    s.now += 1
    s.spool._aged = -1e9
    await s.look()
    assert s.accounts["a"].dropped == {Drop.SPOOL_AGE: 40}
    assert s.accounts["b"].dropped.total() in (0, 10)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40 if BUDGET else 6))
async def test_whatever_happens_it_balances(street, monkeypatch, tmp_path, seed):
    dice = random.Random(seed)
    s = await street(
        limit=dice.choice([1_000_000, 8_000_000]), rows=dice.random() < 0.5, most=dice.choice([400, 10_000])
    )
    calm, refusing = False, dice.choice([0.0, 0.0, 0.05, 0.3])
    monkeypatch.setattr(keeper_module, "LATE", dice.choice([0.0, 0.5]))  # 0: each transaction takes too long
    real = Store._put

    def put(self, new, gone, busy):
        if calm or (chance := dice.random()) > 0.2:
            return real(self, new, gone, busy)
        if chance < 0.05:
            real(self, new, gone, busy)  # it has come through, and nobody knows
        raise Trouble(FAILED if chance < 0.12 else FULL, "on purpose")

    monkeypatch.setattr(Store, "_put", put)
    for _ in range(150):
        s.now += dice.choice([0.05, 0.3, 1.2])
        for lane in LANES:
            if dice.random() < 0.6:
                s.come(lane, dice.choice([1, 3, 40]), ready=dice.random() < 0.7)
        if dice.random() < 0.4:
            s.compute()
        if dice.random() < 0.1:
            s.cut() if s.keeper.connected else s.connect()
        s.exchange(dice.choice([0.0, 0.3, 1.0]), dice, refusing)
        s.balanced()
        looking = asyncio.ensure_future(s.look())
        await asyncio.sleep(0)
        if dice.random() < 0.3:  # things happen while the disk is busy
            s.exchange(0.7, dice, refusing)
            s.come(dice.choice(LANES), 2)
            if dice.random() < 0.3:
                s.cut() if s.keeper.connected else s.connect()
        await looking
        stored = await s.spool._disk.run(lambda store: dict(+store.rows))
        held = Counter()
        for lane, rows in s.spool._holds.rows.items():
            held[lane] += rows
        for gone in (*s.spool._holds.copies.values(), *s.spool._holds.gone.values()):
            held[gone.lane] += gone.rows
        for block in s.spool._holds.out.values():
            held[block.lane] += block.rows - block.left
        doubtful = s.spool._holds.gone  # what was to go may have gone with a commit that came through
        assert all(held[lane] >= rows for lane, rows in stored.items())
        assert doubtful or dict(+held) == stored
    calm = True
    await s.drain(3000)
    if not refusing:  # what is refused goes again, behind what was on the wire with it
        s.in_order()
    wanted = sum(account.readings for account in s.accounts.values())
    dropped = sum(account.dropped.total() for account in s.accounts.values())
    assert len(s.taken) == wanted - dropped

"""The keeper: every reading is accounted for and safe in time, whatever the broker, the disk and the stage do."""

import asyncio
import math
import random
import threading
from collections import Counter, defaultdict
from itertools import count

import pytest

from gateway.ledger import imbalances
from gateway.model import Drop
from gateway.publish import keeper as keeper_module
from gateway.publish.broker import Limits
from gateway.publish.keeper import BLOCK_ROWS, Keeper, Keeping
from gateway.publish.packets import Ack
from gateway.publish.spool import disk as disk_module
from gateway.publish.spool import spool as spool_module
from gateway.publish.spool.spool import Spool
from gateway.publish.spool.sql import CORRUPT, FAILED, FULL, Trouble
from gateway.publish.spool.store import Store
from tests.conftest import BUDGET
from tests.made import features
from tests.test_outbox import outbox, sent

LANES = [("a", "S1"), ("a", "S2"), ("b", "S1")]
AT_RISK = 1.0


class Upstream:
    """Readings that no worker has computed yet."""

    def __init__(self):
        self.waiting = []

    def oldest(self):
        return min((f.mono[0] for f in self.waiting), default=float("inf"))

    def firsts(self):
        out = {}
        for f in self.waiting:
            out.setdefault((f.board, f.sensor), f.seq[0])
        return out

    def older(self, cut, beyond):
        out = []
        for f in self.waiting:
            last = sum(t <= cut for t in f.mono)
            first = sum(seq <= beyond.get((f.board, f.sensor), 0) for seq in f.seq)
            out += [f.cut(first, last)] if first < last else []
        return out

    def held(self, board):
        return sum(len(f) for f in self.waiting if f.board == board)


class Street:
    """An outbox, a spool on a real disk and a keeper, with a clock of its own."""

    def __init__(self, folder, *, limit=1_000_000, rows=False, most=10_000, max_age=1e9):
        self.now, self.seq, self.unset_until = 0.0, {lane: count(1) for lane in LANES}, -math.inf
        self.box, self.accounts = outbox(rows=rows, most=most)
        self.events, self.upstream = [], Upstream()
        self.spool = Spool(
            folder, limit, max_age, "boot", inherited=self.inherited, dropped=self.dropped, clock_set=lambda: True,
            event=lambda name, **fields: self.events.append((name, fields)),
        )  # fmt: skip
        self.box.watched(self.spool.done, lambda: self.spool.why_shed)
        self.box.crossing.uncopied, self.box.crossing.promoted = self.spool.uncopied, self.spool.promoted
        keeping = Keeping(self.spool, self.upstream, AT_RISK, lambda: self.now, lambda board, sensor: {"t": board})
        self.keeper = Keeper(self.box, keeping, run="run", pump=lambda: None, unset_until=lambda: self.unset_until)
        self.wire, self.taken, self.arrived, self.closed = {}, Counter(), defaultdict(list), False

    def inherited(self, board, readings):
        self.accounts[board].inherited += readings

    def dropped(self, board, reason, readings):
        self.accounts[board].dropped[reason] += readings

    def come(self, lane, rows, *, ready=True):
        """Readings of a sensor; not ready: they wait in the stage."""
        if not rows:
            return
        seq = [next(self.seq[lane]) for _ in range(rows)]
        made = features(seq, board=lane[0], sensor=lane[1], mono=[self.now] * rows)
        self.accounts[lane[0]].values += rows
        self.accounts[lane[0]].readings += rows
        if ready and not any((f.board, f.sensor) == lane for f in self.upstream.waiting):
            self.box.put([made], unset_until=self.unset_until, now=self.now)
        else:
            self.upstream.waiting.append(made)

    def compute(self):
        """What waited in the stage is ready."""
        waiting, self.upstream.waiting = self.upstream.waiting, []
        self.box.put(waiting, unset_until=self.unset_until, now=self.now)

    def connect(self):
        self.keeper.connected = True
        self.box.opened(Limits(receive=20), v5=True)

    def cut(self):
        self.keeper.connected = False
        self.box.closed(0.0, cut=False)
        self.wire.clear()

    def exchange(self, share=1.0, dice=random, refusing=0.0):
        """Sends what may go, and has the broker take a share of what it has not answered, or refuse some of that."""
        if not self.keeper.connected:
            return
        for publish in sent(self.box, now=self.now):
            self.wire[publish.packet_id] = publish
            for key, replayed in self.readings(publish):
                self.arrived[key[:2], replayed].append(key[2])
        acks = [Ack(n, 0x97 if dice.random() < refusing else 0) for n in self.wire if dice.random() < share]
        for number, reason in acks:
            publish = self.wire.pop(number)
            if not reason:
                self.taken.update(key for key, _ in self.readings(publish))
        self.box.acked(acks, self.now)

    @staticmethod
    def readings(publish):
        """The readings in a message, and whether they had been on the disk."""
        if not publish.topic.endswith("/features"):
            return
        document = publish.json
        for row in document.get("rows", [None]):
            one = document if row is None else dict(zip(document["columns"], row, strict=True))
            yield (document["board"], document["sensor"], one["seq"]), bool(document.get("replayed"))

    def balanced(self):
        for board in "ab":
            copied = self.box.crossing.copied(board)
            in_flight = self.upstream.held(board) + self.box.held(board) - copied
            assert imbalances(self.accounts[board], in_flight, copied + self.spool.held(board)) == []

    async def close(self, rest=()):
        if not self.closed:
            self.closed = True
            await self.spool.close(rest, 5)

    async def look(self):
        await self.keeper._look()
        self.balanced()

    async def drain(self, within=400):
        """The broker takes all; the spool is empty then."""
        self.compute()
        if not self.keeper.connected:
            self.connect()
        for _ in range(within):
            self.now += 0.1
            self.exchange()
            await self.look()
            if self.box.idle and not self.box.replay.waiting and not self.spool.waiting and not self.spool.untidy:
                break
        assert self.box.idle
        assert not self.spool.waiting

    def in_order(self):
        for seqs in self.arrived.values():
            first = list(dict.fromkeys(seqs))
            assert first == sorted(first)


@pytest.fixture
async def street(tmp_path, monkeypatch):
    """Makes streets; their disks are tried again at once."""
    monkeypatch.setattr(disk_module, "AGAIN", 0.0)
    monkeypatch.setattr(spool_module, "PROBES", 0.0)
    made = []

    async def make(**options):
        made.append(Street(tmp_path, **options))
        await made[-1].spool.open()
        return made[-1]

    yield make
    for one in made:
        await one.close()


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


async def test_what_is_on_the_wire_has_a_copy_and_comes_from_it_after_a_cut(street):
    s = await street()
    s.connect()
    s.come(LANES[0], 30)
    s.exchange(share=0.0)
    s.now += 1.05
    await s.look()
    assert s.box.crossing.copied("a") == 19  # and a document
    assert s.spool.held("a") == 11
    s.exchange(share=0.5, dice=random.Random(1))
    s.balanced()
    s.cut()
    s.balanced()
    assert s.box.crossing.copied("a") == 0
    await s.drain()
    assert sum(s.taken.values()) == 30
    s.in_order()


async def test_many_readings_on_the_wire_keep_a_block_each(street):
    """More small copies of one sensor than the store would join."""
    s = await street()
    s.keeper.connected = True
    s.box.opened(Limits(), v5=True)
    for _ in range(100):
        s.come(LANES[0], 1)
    s.exchange(share=0.0)
    s.now += 1.05
    await s.look()
    assert s.box.crossing.copied("a") == 99
    s.exchange(share=0.3, dice=random.Random(2))
    await s.look()
    s.cut()
    await s.drain()
    assert set(s.taken.values()) == {1}
    assert len(s.taken) == 100


async def test_what_waits_in_the_stage_is_copied_in_time_and_only_once(street):
    s = await street()
    s.connect()
    s.come(LANES[0], 5, ready=False)
    for _ in range(30):
        s.now += 0.1
        s.come(LANES[0], 1)
        await s.look()
    copies = s.spool._holds.copies
    covered = sum(gone.rows for gone in copies.values())
    assert covered >= 5 + 30 - 15
    await s.look()
    assert sum(gone.rows for gone in copies.values()) <= 35
    await s.drain()
    assert not copies
    assert s.taken == {(*LANES[0], seq): 1 for seq in range(1, 36)}


async def test_what_waits_in_the_stage_is_known_to_have_no_time_yet(street):
    """Before the machine's clock is set: else its readings, of 1970, would be too old for the next run."""
    s = await street()
    s.unset_until = 0.5  # set before they are seen to, and after they came
    s.come(LANES[0], 3, ready=False)
    s.come(LANES[1], 2, ready=False)
    s.now += 1.1
    await s.look()
    assert len(s.spool._holds.copies) == 2
    assert await s.keeper.finish(s.upstream.waiting, 5) == []
    s.connect()
    found = [await s.spool.fetch(lambda lane: True) for _ in LANES[:2]]
    assert [block.source.unset for block, _, _ in found] == [True, True]


@pytest.mark.parametrize("moved", [0, 1])
@pytest.mark.parametrize("rows", [False, True])
async def test_what_is_refused_while_it_is_copied_waits_with_what_is_newer(street, monkeypatch, rows, moved):
    """The copy holds only what was on the wire: what has come behind it is in memory, or behind it on the disk."""
    s = await street(rows=rows)
    s.connect()
    s.come(LANES[0], 1)
    refused = [Ack(one.packet_id, 0x97 if one.topic.endswith("/features") else 0) for one in sent(s.box, now=s.now)]
    s.come(LANES[0], moved)
    s.now += 1.1
    kept = s.spool.keep

    async def keep(*parts):
        monkeypatch.undo()
        done = await kept(*parts)
        s.box.acked(refused, s.now)
        s.come(LANES[0], 1)
        return done

    monkeypatch.setattr(s.spool, "keep", keep)
    await s.look()
    s.now += 10
    await s.drain()
    assert s.taken == {(*LANES[0], seq + 1): 1 for seq in range(moved + 2)}
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


async def test_copies_that_the_disk_has_lost_are_made_again(street, monkeypatch, tmp_path):
    s = await street()
    s.connect()
    s.come(LANES[0], 15)
    s.come(LANES[2], 4, ready=False)
    s.exchange(share=0.0)
    s.now += 1.05
    await s.look()
    assert s.box.crossing.copied("a") == 15
    monkeypatch.setattr("gateway.publish.spool.aside._holds", lambda block: False)

    def corrupt(store):
        raise Trouble(CORRUPT, "on purpose")

    await s.spool._try(corrupt)
    await s.look()
    s.balanced()
    monkeypatch.undo()
    s.now += 1.0
    await s.look()
    await s.look()
    assert s.box.crossing.copied("a") == 15
    assert sum(gone.rows for gone in s.spool._holds.copies.values() if gone.lane == LANES[2]) == 4
    s.cut()
    await s.drain()
    assert len(s.taken) == 19
    assert s.accounts["a"].dropped == {}


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


async def test_what_is_refused_after_it_was_copied_goes_before_what_is_newer_on_the_disk(street):
    """A slow broker that refuses at last: the reading comes from its copy, in its order."""
    s = await street()
    s.connect()
    s.come(LANES[0], 1)
    refused = [Ack(one.packet_id, 0x97 if one.topic.endswith("/features") else 0) for one in sent(s.box, now=s.now)]
    s.box.window.limit = 0
    for _ in range(3):
        s.come(LANES[0], 1)
        s.now += 1.1
        await s.look()
    assert s.spool.held("a") >= 2
    assert s.box.crossing.copied("a") == 1
    s.box.acked(refused, s.now)
    s.balanced()
    s.box.window.limit = 20
    await s.drain()
    assert set(s.taken.values()) == {1} and len(s.taken) == 4
    s.in_order()


async def test_a_lane_whose_probe_went_to_the_disk_is_free(street):
    """What was sent alone after a refusal comes from its copy after a cut; what is live goes past the disk again."""
    s = await street()
    s.connect()
    s.come(LANES[0], 1)
    s.box.acked([Ack(one.packet_id, 0x97) for one in sent(s.box, now=s.now)], s.now)
    s.now += 5.5
    assert len(sent(s.box, now=s.now)) == 1
    await s.look()
    assert s.box.crossing.copied("a") == 1
    s.cut()
    await s.drain()
    s.come(LANES[0], 2)
    s.exchange()
    s.exchange()
    assert s.arrived[LANES[0], False] == [2, 3]

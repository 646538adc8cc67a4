"""A street for the keeper's tests: an outbox, a spool on a real disk, and a clock of their own."""

import math
import random
from collections import Counter, defaultdict
from itertools import count

import pytest

from gateway.ledger import imbalances
from gateway.publish.broker import Limits
from gateway.publish.keeper import Keeper, Keeping
from gateway.publish.packets import Ack
from gateway.publish.spool import disk as disk_module
from gateway.publish.spool import spool as spool_module
from gateway.publish.spool.spool import Spool
from tests.made import features
from tests.outboxes import outbox, sent

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

r"""The whole street in memory, against a model: whatever happens to it, no reading is forgotten, doubled or made up.

bytes -> Intake -> Stage (a pool that the test answers for) -> Outbox -> a broker that may lose, refuse and go away
                          \\____ Keeper, Spool: a real file ____/          and at any time kill -9, and a new start
"""

import asyncio
import contextlib
import math
import os
import tempfile
from collections import Counter
from itertools import count
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.compute.stage import Stage
from gateway.compute.wire import Nonsense
from gateway.ingest.formats.json import Json
from gateway.ingest.intake import Intake
from gateway.ledger import Account, imbalances
from gateway.model import Board, Chunk, FormatOptions, Plan, Port, Why
from gateway.publish.broker import Limits
from gateway.publish.keeper import Keeper, Keeping
from gateway.publish.naming import Naming
from gateway.publish.outbox import Outbox
from gateway.publish.packets import Ack
from gateway.publish.spool.spool import Spool
from gateway.publish.spool.sql import Trouble
from tests.brokers import parse_publish
from tests.conftest import BUDGET
from tests.stages import Hands

BOARDS, SENSORS = ("a", "b"), ("S1", "S2")
BOUNDS = (0.0, 100.0)  # what the plan drops is outside
ROOM = 1 << 18
MOST = 10_000 if os.environ.get("GATEWAY_FAULTS") == "full" else 1000


class Loop(asyncio.SelectorEventLoop):
    """A loop whose clock can be put forward."""

    ahead = 0.0

    def time(self):
        """s, monotonic."""
        return super().time() + self.ahead


class Model:
    """What must be true of the street: every reading has a number, and is somewhere."""

    def __init__(self):
        self.frames = Counter()  # by board, in this run
        self.refused = Counter()  # by board and reason, in this run
        self.readings = Counter()  # by board, in this run
        self.made = {}  # number -> what the board and the street have called it
        self.taken = {}  # number -> message, of those that the broker took
        self.lost = Counter()  # by board: what a kill may have cost
        self.dropped = Counter()  # by board: counted in runs before, dropped or condensed

    def reading(self, number, board, sensor, value, run):
        """A board has sent it whole."""
        seq = 1 + sum(1 for one in self.made.values() if one[:2] == (board, sensor) and one[4] == run)
        self.made[number] = board, sensor, value, seq, run
        self.readings[board] += 1

    def take(self, message):
        """The broker has it, perhaps again."""
        number = message["count"]
        assert self.made[number] == tuple(message[key] for key in ("board", "sensor", "value", "seq", "run"))
        self.taken.setdefault(number, message)

    def gone(self, board):
        """Readings of a board that have not come to the broker."""
        return sum(1 for number, made in self.made.items() if made[0] == board and number not in self.taken)

    def killed(self, account, board, in_memory):
        """The run is over. in_memory: readings that were on no disk."""
        self.lost[board] += in_memory
        self.dropped[board] += account.condensed + account.dropped.total()
        self.frames[board] = self.readings[board] = 0
        self.refused = Counter({key: count for key, count in self.refused.items() if key[0] != board})


class Way:
    """The way out: an Outbox, and the packets that it has given."""

    def __init__(self, loop, run, account, rows, every, most):
        self.box = Outbox(Naming("g", "gw", run, rows), account, lambda board: {}, lambda *_: every, most)
        self.under_way = []
        self.limits, self.v5 = Limits(), True
        self._loop = loop

    def open(self, limits, v5):
        """A connection."""
        self.limits, self.v5 = limits, v5
        self.box.opened(limits, v5=v5)

    def close(self, cut):
        """It is lost."""
        self.under_way.clear()
        self.box.closed(0.0, cut=cut)

    def send(self, room):
        """What may go now goes on the wire."""
        for data in self.box.packets(room, self._loop.time()):
            head = 2 if data[1] < 128 else 3 if data[2] < 128 else 4
            self.under_way.append(parse_publish(data[0] & 15, data[head:], 5 if self.v5 else 4, 0))
        return list(self.under_way)

    def answer(self, publish, reason):
        """The broker acknowledges or refuses one."""
        self.under_way.remove(publish)
        self.box.acked([Ack(publish.packet_id, reason)], self._loop.time())

    def landed(self):
        """With QoS 0: all has left."""
        self.under_way.clear()
        self.box.landed()


def messages(publish):
    """The readings in a PUBLISH; none in a document."""
    if not publish.topic.endswith("/features"):
        return []
    document = publish.json
    if "rows" not in document:
        return [document]
    same = {key: value for key, value in document.items() if key not in ("columns", "rows")}
    return [same | dict(zip(document["columns"], row, strict=True)) for row in document["rows"]]


class Street(RuleBasedStateMachine):
    """See the module. Each rule is one thing that happens to a gateway."""

    @initialize(
        rows=st.booleans(),
        every=st.sampled_from([0.0, 0.0, 1e9]),
        waiting=st.sampled_from([5, 20, 10_000]),
        computing=st.sampled_from([3, 10_000]),
        workers=st.integers(1, 3),
        drop=st.booleans(),
        disk=st.booleans(),
    )
    def begin(self, rows, every, waiting, computing, workers, drop, disk):
        """A street without a connection. waiting, computing: what its stages may hold; drop: readings out of range."""
        self.loop = Loop()
        self.model, self.numbers, self.runs = Model(), count(1), count(1)
        self.plan = Plan(window_s=None, window_n=3, range=BOUNDS, out_of_range="drop" if drop else "flag")
        waiting = 10_000 if disk else waiting  # what comes back from the disk has to find room, as it always does
        self.shape = rows, every, waiting, computing, workers
        self.folder = tempfile.TemporaryDirectory(prefix="ledger-") if disk else None
        self.happens(self.start)

    async def start(self):
        """A new run, on what the disk has of those before."""
        rows, every, waiting, computing, workers = self.shape
        self.run = f"run{next(self.runs)}"
        self.accounts = {board: Account() for board in BOARDS}
        self.connected = self.stopped = self.broken = False
        self.way = Way(self.loop, self.run, self.accounts.__getitem__, rows, every, waiting)
        self.stage = Stage(
            lambda board, sensor: self.plan,
            self.computes,
            lambda board, why, readings: self.accounts[board].dropped.update({why: readings}),
            workers=workers,
            most=computing,
        )
        self.stage.pool = self.hands = Hands(workers, self.stage._soon, None)
        self.intakes = {
            board: Intake(
                Board(board, Port("/dev/x"), max_line=200, max_sensors=len(SENSORS)),
                Json(FormatOptions()), self.stage.take, self.accounts[board], lambda: None,
            )
            for board in BOARDS
        }  # fmt: skip
        await self.stage.start()
        self.spool = self.keeper = None
        if self.folder is not None:
            await self.open_disk()
        for board in BOARDS:
            self.intakes[board].feed(b"half a line\n", Chunk(0.0, self.loop.time()))
            self.model.frames[board] += 1

    async def open_disk(self):
        """The spool, and who brings readings to it and back."""
        self.spool = Spool(
            Path(self.folder.name), 1 << 26, 1e9, "boot",
            inherited=self.inherits,
            dropped=lambda board, why, readings: self.accounts[board].dropped.update({why: readings}),
            clock_set=lambda: True,
        )  # fmt: skip
        await self.spool.open()
        disk = self.spool._disk.run

        async def run(job):
            if self.broken:
                raise Trouble("full", "no room")
            return await disk(job)

        self.spool._disk.run = run
        box, spool = self.way.box, self.spool
        box.watched(spool.done, lambda: spool.why_shed)
        box.crossing.uncopied, box.crossing.promoted = spool.uncopied, spool.promoted
        keeping = Keeping(spool, self.stage, 1.0, self.stage.now, lambda *_: {})
        self.keeper = Keeper(box, keeping, run=self.run, pump=lambda: None, unset_until=lambda: -math.inf)

    def inherits(self, board, readings):
        """The spool has found some."""
        self.accounts[board].inherited += readings

    def computes(self, features):
        """The stage's results go on."""
        self.way.box.put(features, now=self.loop.time())

    def in_flight(self, board):
        """As the service counts it."""
        return self.stage.held(board) + self.way.box.held(board) - self.way.box.crossing.copied(board)

    def spooled(self, board):
        """As the publisher counts it."""
        return 0 if self.spool is None else self.way.box.crossing.copied(board) + self.spool.held(board)

    def happens(self, what):
        """Does it within the loop, and lets the loop see what came of it."""

        async def once():
            done = what()
            if asyncio.iscoroutine(done):
                await done
            for _ in range(3):
                await asyncio.sleep(0)

        self.loop.run_until_complete(once())

    def bytes_of(self, board, data):
        """They arrive, in one piece; every line of it is a frame."""
        self.model.frames[board] += data.count(b"\n")
        at = Chunk(1_790_000_000.0 + next(self.numbers), self.loop.time())
        self.happens(lambda: self.intakes[board].feed(data, at))

    # what boards do

    @precondition(lambda self: not self.stopped)
    @rule(board=st.sampled_from(BOARDS), values=st.lists(st.sampled_from([0.0, 21.5, 100.0, -5.0, 1e6]), max_size=8))
    def readings(self, board, values):
        """Good lines of both sensors, in one piece."""
        lines = []
        for value in values:
            for sensor in SENSORS:
                number = next(self.numbers)
                self.model.reading(number, board, sensor, value, self.run)
                lines.append(b'{"sensor":"%s","count":%d,"value":%r}\n' % (sensor.encode(), number, value))
        self.bytes_of(board, b"".join(lines))

    @precondition(lambda self: not self.stopped)
    @rule(
        board=st.sampled_from(BOARDS),
        bad=st.sampled_from([b"{", b'{"S1":NaN}', b"x" * 300, b"{\x00", b'{"S9":1,"S8":1}']),
    )
    def rubbish(self, board, bad):
        """A line that is refused, or one that names sensors for which there is no room."""
        whys = {b"{": Why.BAD_FRAME, b'{"S1":NaN}': Why.NOT_FINITE, b"x" * 300: Why.TOO_LONG, b"{\x00": Why.BAD_FRAME}
        if bad in whys:
            self.model.refused[board, whys[bad]] += 1
        elif not self.model.readings[board]:
            return
        self.bytes_of(board, bad + b"\n")

    @precondition(lambda self: not self.stopped)
    @rule(board=st.sampled_from(BOARDS), half=st.booleans())
    def unplugged(self, board, half):
        """The link breaks, perhaps in mid-line; what comes first after the next open is noise."""
        if half:
            self.intakes[board].feed(b'{"sensor":"S1","count":1,"value":2', Chunk(0.0, self.loop.time()))
            self.model.frames[board] += 1
        self.intakes[board].gap()
        self.bytes_of(board, b'1.5,"value":3}\n')

    # what workers do

    @precondition(lambda self: self.hands.held)
    @rule(which=st.integers(0, 9))
    def computed(self, which):
        """A worker answers; not in the order in which they were asked."""
        self.happens(lambda: self.hands.answer(which % len(self.hands.held)))

    @precondition(lambda self: self.hands.held)
    @rule(which=st.integers(0, 9))
    def failed(self, which):
        """The pool gives a task up, after several workers have died of it."""
        self.happens(lambda: self.hands.fail(which % len(self.hands.held)))

    @precondition(lambda self: self.hands.held)
    @rule(rubbish=st.sampled_from([b"", b"rubbish", b"\x80\x05]q\x00."]))
    def nonsense(self, rubbish):
        """A worker answers nonsense: the pool replaces it, and the task goes to another."""
        task = self.hands.held[0]

        def answers():
            with contextlib.suppress(Nonsense):
                task[1](rubbish)
                raise AssertionError("that was taken for an answer")

        self.happens(answers)
        assert self.hands.held[0] is task

    # what the broker does

    @precondition(lambda self: not self.connected)
    @rule(
        receive=st.sampled_from([None, 1, 3]),
        packet=st.sampled_from([None, None, 150, 400]),
        qos=st.sampled_from([1, 1, 1, 0]),
        v5=st.booleans(),
    )
    def connect(self, receive, packet, qos, v5):
        """A broker with some limits."""
        self.connected = True
        if self.keeper is not None:
            self.keeper.connected = True
        self.way.open(Limits(receive, packet, qos), v5)

    @precondition(lambda self: self.connected)
    @rule(room=st.sampled_from([1, 500, ROOM]))
    def send(self, room):
        """What may leave, leaves."""
        under_way = self.way.send(room)
        if not self.way.limits.qos:
            for publish in under_way:
                self.took(publish)
            self.way.landed()

    @precondition(lambda self: self.way.under_way)
    @rule(which=st.integers(0, 99), reason=st.sampled_from([0, 0, 0, 0, 0, 0x10, 0x87, 0x90, 0x95, 0x97]))
    def answer(self, which, reason):
        """The broker takes or refuses one of those under way."""
        publish = self.way.under_way[which % len(self.way.under_way)]
        if reason < 0x80:
            self.took(publish)
        self.way.answer(publish, reason)

    @precondition(lambda self: self.way.under_way)
    @rule()
    def answer_all(self):
        """It takes all."""
        for publish in list(self.way.under_way):
            self.took(publish)
            self.way.answer(publish, 0)

    @precondition(lambda self: self.connected)
    @rule(heard=st.integers(0, 99), cut=st.booleans())
    def disconnect(self, heard, cut):
        """The connection breaks; the broker has taken the first of what was under way, unanswered."""
        for publish in self.way.under_way[:heard]:
            self.took(publish)
        self.connected = False
        if self.keeper is not None:
            self.keeper.connected = False
        self.way.close(cut)

    def took(self, publish):
        """The broker took a message."""
        for message in messages(publish):
            self.model.take(message)

    @rule()
    def later(self):
        """A minute passes: what was refused is tried again."""
        self.loop.ahead += 60.0

    # what the disk does

    @precondition(lambda self: self.keeper is not None and not self.stopped)
    @rule()
    def keep(self):
        """What is at risk goes to the disk, what lies there comes back."""
        self.happens(lambda: self.keeper._look())

    @precondition(lambda self: self.spool is not None)
    @rule()
    def disk_fails_or_is_mended(self):
        """It refuses every job, or does them again."""
        self.broken = not self.broken

    @precondition(lambda self: self.spool is not None)
    @rule()
    def kill(self):
        """kill -9: memory is gone, and the next run finds what the ledger said was on the disk."""
        said = {board: self.spooled(board) for board in BOARDS}
        for board in BOARDS:
            self.model.killed(self.accounts[board], board, self.in_flight(board))
        self.happens(lambda: self.spool._disk.close(5))
        self.happens(self.start)
        for board in BOARDS:
            assert self.accounts[board].inherited >= said[board], "what was said to be spooled is there"

    @precondition(lambda self: not self.stopped)
    @rule()
    def stop(self):
        """A stop: what no worker answers in time goes to the disk with all that waits; without one it is shed."""
        self.stopped = True
        self.happens(self.ends)
        self.hands.held.clear()  # the workers are gone

    async def ends(self):
        """As the service and the publisher do it."""
        left = await self.stage.stop(0.0)
        for features in left if self.keeper is None else await self.keeper.finish(left, 5.0):
            self.way.box.shed(features.board, len(features))

    # what holds

    @invariant()
    def balances(self):
        """Both laws, board by board, at every moment, and the counts are the model's."""
        for board in BOARDS:
            account = self.accounts[board]
            assert imbalances(account, self.in_flight(board), self.spooled(board)) == []
            assert account.frames == self.model.frames[board]
            assert account.readings == self.model.readings[board]
            for why in (Why.BAD_FRAME, Why.NOT_FINITE, Why.TOO_LONG):
                assert account.refused[why] == self.model.refused[board, why]

    def teardown(self):
        """In the end nothing is in flight: what did not come to the broker is counted, and the rest is in order."""
        if not hasattr(self, "hands"):
            return
        try:
            self.drained()
        finally:
            if self.spool is not None:
                self.loop.run_until_complete(self.spool._disk.close(5))
                self.folder.cleanup()
            self.loop.close()

    def drained(self):
        """Lets everything come to its end, and judges it."""
        self.broken = False
        while self.hands.held:
            self.computed(0)
        if not self.stopped:
            self.stop()
        if self.connected:
            self.disconnect(0, cut=False)
        if self.spool is not None:
            self.kill()  # the rest is the next run's to bring out
        self.connect(None, None, 1, True)
        for _ in range(300):
            self.later()
            if self.keeper is not None:
                self.keep()
            self.send(ROOM)
            self.answer_all()
            if self.way.box.idle and not sum(map(self.spooled, BOARDS)):
                break
        self.balances()
        for board in BOARDS:
            account = self.accounts[board]
            assert self.in_flight(board) == self.spooled(board) == 0
            missing = account.condensed + account.dropped.total() + self.model.dropped[board] + self.model.lost[board]
            assert self.model.gone(board) <= missing, "counted as gone: all that has not come"


Street.TestCase.settings = settings(max_examples=800 if BUDGET else 25, stateful_step_count=50, deadline=None)
TestStreet = Street.TestCase
TestStreet.__doc__ = "Whatever boards, workers and brokers do, the ledger balances and agrees with what was sent."

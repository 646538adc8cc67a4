r"""The whole street in memory, against a model: whatever happens to it, no reading is forgotten, doubled or made up.

bytes -> Intake -> Stage (a pool that the test answers for) -> Outbox -> a broker that may lose, refuse and go away
                          \\____ Keeper, Spool: a real file ____/          and at any time kill -9, and a new start
"""

import asyncio
import contextlib
import tempfile
from itertools import count
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.compute.wire import Nonsense
from gateway.ledger import imbalances
from gateway.model import Chunk, Plan, Why
from gateway.publish.broker import Limits
from tests.conftest import examples
from tests.fuzz.in_memory import BOARDS, SENSORS, Loop, Run, messages
from tests.fuzz.sent_and_taken import Model

BOUNDS = (0.0, 100.0)  # what the plan drops is outside
ROOM = 1 << 18


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
        self.run = Run(self.loop, f"run{next(self.runs)}", self.plan, *self.shape)
        await self.run.begin(self.folder and Path(self.folder.name))
        for board in BOARDS:
            self.run.intakes[board].feed(b"half a line\n", Chunk(0.0, self.loop.time()))
            self.model.frames[board] += 1

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
        self.happens(lambda: self.run.intakes[board].feed(data, at))

    # what boards do

    @precondition(lambda self: not self.run.stopped)
    @rule(board=st.sampled_from(BOARDS), values=st.lists(st.sampled_from([0.0, 21.5, 100.0, -5.0, 1e6]), max_size=8))
    def readings(self, board, values):
        """Good lines of both sensors, in one piece."""
        lines = []
        for value in values:
            for sensor in SENSORS:
                number = next(self.numbers)
                self.model.reading(number, board, sensor, value, self.run.name)
                lines.append(b'{"sensor":"%s","count":%d,"value":%r}\n' % (sensor.encode(), number, value))
        self.bytes_of(board, b"".join(lines))

    @precondition(lambda self: not self.run.stopped)
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

    @precondition(lambda self: not self.run.stopped)
    @rule(board=st.sampled_from(BOARDS), half=st.booleans())
    def unplugged(self, board, half):
        """The link breaks, perhaps in mid-line; what comes first after the next open is noise."""
        if half:
            self.run.intakes[board].feed(b'{"sensor":"S1","count":1,"value":2', Chunk(0.0, self.loop.time()))
            self.model.frames[board] += 1
        self.run.intakes[board].gap()
        self.bytes_of(board, b'1.5,"value":3}\n')

    # what workers do

    @precondition(lambda self: self.run.hands.held)
    @rule(which=st.integers(0, 9))
    def computed(self, which):
        """A worker answers; not in the order in which they were asked."""
        self.happens(lambda: self.run.hands.answer(which % len(self.run.hands.held)))

    @precondition(lambda self: self.run.hands.held)
    @rule(which=st.integers(0, 9))
    def failed(self, which):
        """The pool gives a task up, after several workers have died of it."""
        self.happens(lambda: self.run.hands.fail(which % len(self.run.hands.held)))

    @precondition(lambda self: self.run.hands.held)
    @rule(rubbish=st.sampled_from([b"", b"rubbish", b"\x80\x05]q\x00."]))
    def nonsense(self, rubbish):
        """A worker answers nonsense: the pool replaces it, and the task goes to another."""
        task = self.run.hands.held[0]

        def answers():
            with contextlib.suppress(Nonsense):
                task[1](rubbish)
                raise AssertionError("that was taken for an answer")

        self.happens(answers)
        assert self.run.hands.held[0] is task

    # what the broker does

    @precondition(lambda self: not self.run.connected)
    @rule(
        receive=st.sampled_from([None, 1, 3]),
        packet=st.sampled_from([None, None, 150, 400]),
        qos=st.sampled_from([1, 1, 1, 0]),
        v5=st.booleans(),
    )
    def connect(self, receive, packet, qos, v5):
        """A broker with some limits."""
        self.run.connected = True
        if self.run.keeper is not None:
            self.run.keeper.connected = True
        self.run.way.open(Limits(receive, packet, qos), v5)

    @precondition(lambda self: self.run.connected)
    @rule(room=st.sampled_from([1, 500, ROOM]))
    def send(self, room):
        """What may leave, leaves."""
        under_way = self.run.way.send(room)
        if not self.run.way.limits.qos:
            for publish in under_way:
                self.took(publish)
            self.run.way.landed()

    @precondition(lambda self: self.run.way.under_way)
    @rule(which=st.integers(0, 99), reason=st.sampled_from([0, 0, 0, 0, 0, 0x10, 0x87, 0x90, 0x95, 0x97]))
    def answer(self, which, reason):
        """The broker takes or refuses one of those under way."""
        publish = self.run.way.under_way[which % len(self.run.way.under_way)]
        if reason < 0x80:
            self.took(publish)
        self.run.way.answer(publish, reason)

    @precondition(lambda self: self.run.way.under_way)
    @rule()
    def answer_all(self):
        """It takes all."""
        for publish in list(self.run.way.under_way):
            self.took(publish)
            self.run.way.answer(publish, 0)

    @precondition(lambda self: self.run.connected)
    @rule(heard=st.integers(0, 99), cut=st.booleans())
    def disconnect(self, heard, cut):
        """The connection breaks; the broker has taken the first of what was under way, unanswered."""
        for publish in self.run.way.under_way[:heard]:
            self.took(publish)
        self.run.connected = False
        if self.run.keeper is not None:
            self.run.keeper.connected = False
        self.run.way.close(cut)

    def took(self, publish):
        """The broker took a message."""
        for message in messages(publish):
            self.model.take(message)

    @rule()
    def later(self):
        """A minute passes: what was refused is tried again."""
        self.loop.ahead += 60.0

    # what the disk does

    @precondition(lambda self: self.run.keeper is not None and not self.run.stopped)
    @rule()
    def keep(self):
        """What is at risk goes to the disk, what lies there comes back."""
        self.happens(lambda: self.run.keeper._look())

    @precondition(lambda self: self.run.spool is not None)
    @rule()
    def disk_fails_or_is_mended(self):
        """It refuses every job, or does them again."""
        self.run.broken = not self.run.broken

    @precondition(lambda self: self.run.spool is not None)
    @rule()
    def kill(self):
        """kill -9: memory is gone, and the next run finds what the ledger said was on the disk."""
        said = {board: self.run.spooled(board) for board in BOARDS}
        for board in BOARDS:
            self.model.killed(self.run.accounts[board], board, self.run.in_flight(board))
        self.happens(lambda: self.run.spool._disk.close(5))
        self.happens(self.start)
        for board in BOARDS:
            assert self.run.accounts[board].inherited >= said[board], "what was said to be spooled is there"

    @precondition(lambda self: not self.run.stopped)
    @rule()
    def stop(self):
        """A stop: what no worker answers in time goes to the disk with all that waits; without one it is shed."""
        self.run.stopped = True
        self.happens(self.run.end)
        self.run.hands.held.clear()  # the workers are gone

    # what holds

    @invariant()
    def balances(self):
        """Both laws, board by board, at every moment, and the counts are the model's."""
        for board in BOARDS:
            account = self.run.accounts[board]
            assert imbalances(account, self.run.in_flight(board), self.run.spooled(board)) == []
            assert account.frames == self.model.frames[board]
            assert account.readings == self.model.readings[board]
            for why in (Why.BAD_FRAME, Why.NOT_FINITE, Why.TOO_LONG):
                assert account.refused[why] == self.model.refused[board, why]

    def teardown(self):
        """In the end nothing is in flight: what did not come to the broker is counted, and the rest is in order."""
        if not hasattr(self, "run"):
            return
        try:
            self.drained()
        finally:
            if self.run.spool is not None:
                self.loop.run_until_complete(self.run.spool._disk.close(5))
                self.folder.cleanup()
            self.loop.close()

    def drained(self):
        """Lets everything come to its end, and judges it."""
        self.run.broken = False
        while self.run.hands.held:
            self.computed(0)
        if not self.run.stopped:
            self.stop()
        if self.run.connected:
            self.disconnect(0, cut=False)
        if self.run.spool is not None:
            self.kill()  # the rest is the next run's to bring out
        self.connect(None, None, 1, True)
        for _ in range(300):
            self.later()
            if self.run.keeper is not None:
                self.keep()
            self.send(ROOM)
            self.answer_all()
            if self.run.way.box.idle and not sum(map(self.run.spooled, BOARDS)):
                break
        self.balances()
        for board in BOARDS:
            account = self.run.accounts[board]
            assert self.run.in_flight(board) == self.run.spooled(board) == 0
            missing = account.condensed + account.dropped.total() + self.model.dropped[board] + self.model.lost[board]
            assert self.model.gone(board) <= missing, "counted as gone: all that has not come"


Street.TestCase.settings = settings(max_examples=examples(25, 800), stateful_step_count=50, deadline=None)
TestStreet = Street.TestCase
TestStreet.__doc__ = "Whatever boards, workers and brokers do, the ledger balances and agrees with what was sent."

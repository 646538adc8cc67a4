"""The whole street in memory, against a model: whatever happens to it, no reading is forgotten, doubled or made up.

bytes -> Intake -> Stage (a pool that the test answers for) -> Outbox -> a broker that may lose, refuse and go away
"""

import asyncio
import contextlib
import os
from collections import Counter
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.compute.stage import Stage
from gateway.compute.wire import Nonsense
from gateway.ingest.formats.json import Json
from gateway.ingest.intake import Intake
from gateway.ledger import Account, imbalances
from gateway.model import Board, Chunk, Drop, FormatOptions, Plan, Port, Why
from gateway.publish.broker import Limits
from gateway.publish.naming import Naming
from gateway.publish.outbox import Outbox
from gateway.publish.packets import Ack
from tests.brokers import parse_publish
from tests.conftest import BUDGET
from tests.test_stage import Hands

BOARDS, SENSORS = ("a", "b"), ("S1", "S2")
BOUNDS = (0.0, 100.0)  # what the plan drops is outside
ROOM = 1 << 18
MOST = 10_000 if os.environ.get("GATEWAY_FAULTS") == "full" else 2000


class Model:
    """What must be true of the street, in twenty lines: every reading has a number, and is somewhere."""

    def __init__(self):
        self.frames = Counter()  # by board
        self.refused = Counter()  # by board and reason
        self.out_of_range = Counter()  # by board
        self.made = {}  # number -> (board, sensor, value, seq), of readings
        self.taken = {}  # number -> message, of those that the broker took

    def reading(self, number, board, sensor, value):
        """A board has sent it whole."""
        seq = 1 + sum(1 for one in self.made.values() if one[:2] == (board, sensor))
        self.made[number] = board, sensor, value, seq
        self.out_of_range[board] += not BOUNDS[0] <= value <= BOUNDS[1]

    def take(self, message):
        """The broker has it, perhaps again: then it is the same to the last byte but for what may change."""
        number = message["count"]
        assert self.made[number] == tuple(message[key] for key in ("board", "sensor", "value", "seq"))
        if number in self.taken:
            assert self.taken[number] == message
        else:
            self.taken[number] = message

    def gone(self, board):
        """Readings of a board that have not come to the broker."""
        return sum(1 for number, (one, *_) in self.made.items() if one == board and number not in self.taken)


class Way:
    """The way out: an Outbox, and the packets that it has given."""

    def __init__(self, account, rows, every, most):
        self.box = Outbox(Naming("g", "gw", "run", rows), account, lambda board: {}, lambda *_: every, most)
        self.under_way = []
        self.limits, self.v5 = Limits(), True
        self.now = 0.0

    def open(self, limits, v5):
        """A connection."""
        self.limits, self.v5 = limits, v5
        self.box.opened(limits, v5=v5)

    def close(self, cut):
        """It is lost."""
        self.under_way.clear()
        self.box.closed(cut=cut)

    def send(self, room):
        """What may go now goes on the wire."""
        for data in self.box.packets(room, self.now, None):
            head = 2 if data[1] < 128 else 3 if data[2] < 128 else 4
            self.under_way.append(parse_publish(data[0] & 15, data[head:], 5 if self.v5 else 4, 0))
        return list(self.under_way)

    def answer(self, publish, reason):
        """The broker acknowledges or refuses one."""
        self.under_way.remove(publish)
        self.box.acked([Ack(publish.packet_id, reason)], self.now)

    def landed(self):
        """With QoS 0: all has left."""
        self.under_way.clear()
        self.box.landed()

    def end(self):
        """Nothing more will be sent."""
        self.box.lanes.shed_all()


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
    )
    def begin(self, rows, every, waiting, computing, workers, drop):
        """A street without a connection. waiting, computing: what its stages may hold; drop: readings out of range."""
        self.loop = asyncio.new_event_loop()
        self.model, self.accounts = Model(), {board: Account() for board in BOARDS}
        plan = Plan(window_s=None, window_n=3, range=BOUNDS, out_of_range="drop" if drop else "flag")
        self.drops = drop
        self.way = Way(self.accounts.__getitem__, rows, every, waiting)
        self.stage = Stage(
            lambda board, sensor: plan,
            lambda features: self.way.box.put(features, None),
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
        self.numbers = count(1)
        self.connected = self.stopped = False
        self.happens(lambda: self.stage.start())
        for board in BOARDS:
            self.bytes_of(board, b"half a line\n")

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
                self.model.reading(number, board, sensor, value)
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
        elif not {sensor for one, sensor, *_ in self.model.made.values() if one == board}:
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
        self.way.close(cut)

    def took(self, publish):
        """The broker took a message."""
        for message in messages(publish):
            self.model.take(message)

    @rule()
    def later(self):
        """A minute passes: what was refused is tried again."""
        self.way.now += 60.0

    @precondition(lambda self: not self.stopped)
    @rule()
    def stop(self):
        """The boards' part of a stop: what no worker answers in time is shed."""
        self.stopped = True
        self.happens(lambda: self.stage.stop(0.0))
        self.hands.held.clear()  # the workers are gone

    # what holds

    @invariant()
    def balances(self):
        """Both laws, board by board, at every moment, and the counts are the model's."""
        for board in BOARDS:
            account = self.accounts[board]
            in_flight = self.stage.held(board) + self.way.box.held(board)
            assert imbalances(account, in_flight) == []
            assert account.frames == self.model.frames[board]
            assert account.readings == sum(1 for one, *_ in self.model.made.values() if one == board)
            for why in (Why.BAD_FRAME, Why.NOT_FINITE, Why.TOO_LONG):
                assert account.refused[why] == self.model.refused[board, why]
            if self.drops:
                assert account.dropped[Drop.OUT_OF_RANGE] <= self.model.out_of_range[board]
            gone = account.acknowledged + account.sent_unacknowledged
            assert gone <= sum(1 for number in self.model.taken if self.model.made[number][0] == board)

    def teardown(self):
        """In the end nothing is in flight: what did not come to the broker is counted, and the rest is in order."""
        if not hasattr(self, "hands"):
            return
        try:
            self.drained()
        finally:
            self.loop.close()

    def drained(self):
        """Lets everything come to its end, and judges it."""
        while self.hands.held:
            self.computed(0)
        if not self.stopped:
            self.stop()
        if self.connected:
            self.disconnect(0, cut=False)
        self.connect(None, None, 1, True)
        for _ in range(500):
            self.later()
            self.send(ROOM)
            self.answer_all()
            if self.way.box.idle:
                break
        self.balances()
        for board in BOARDS:
            account = self.accounts[board]
            assert self.stage.held(board) + self.way.box.held(board) == 0
            missing = account.condensed + account.dropped.total()
            assert self.model.gone(board) <= missing, "counted as gone: all that has not come"
            told = account.acknowledged + account.sent_unacknowledged
            assert self.model.gone(board) >= missing - (len(self.model.taken) - told)


Street.TestCase.settings = settings(max_examples=MOST if BUDGET else 200, stateful_step_count=50, deadline=None)
TestStreet = Street.TestCase
TestStreet.__doc__ = "Whatever boards, workers and brokers do, the ledger balances and agrees with what was sent."

"""The outbox against any broker: every reading is accounted for at any time; it sends what it was given."""

from collections import defaultdict
from itertools import count, pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.ledger import imbalances
from gateway.publish.broker import Limits
from gateway.publish.outbox import OWN_LIMIT
from gateway.publish.packets import Ack
from gateway.publish.window import UNSTATED
from tests.conftest import examples
from tests.made import features
from tests.outboxes import ROOM, outbox, readings_of, sent

BOARDS, SENSORS = ("a", "b"), ("S1", "S2")


class Broker(RuleBasedStateMachine):
    """An outbox and a broker that loses connections, limits, refuses and never answers."""

    @initialize(
        rows=st.booleans(),
        every=st.sampled_from([0.0, 2.5]),
        most=st.sampled_from([15, 10_000]),
        packet=st.sampled_from([None, None, 200, 330, 1000]),
    )
    def begin(self, rows, every, most, packet):
        """No connection yet."""
        self.box, self.accounts = outbox(rows=rows, every=every, most=most)
        self.every, self.packet = every, packet
        self.seq = {(board, sensor): count(1) for board in BOARDS for sensor in SENSORS}
        self.made = defaultdict(list)  # every seq
        self.condensed = defaultdict(set)  # those that `every` leaves out
        self.last_sent = {}
        self.taken = defaultdict(list)  # (arrival, seq, condensed) of what the broker took
        self.arrivals, self.newest = {}, -1  # of each message; the newest that was taken
        self.documents, self.retained = {}, {}
        self.under_way = []
        self.open, self.limits, self.v5 = False, Limits(), True
        self.refused, self.losses = set(), 0
        self.kept = []  # so that no two messages have one id
        self.now = 0.0
        self.numbers = count()

    @rule(board=st.sampled_from(BOARDS), sensor=st.sampled_from(SENSORS), total=st.integers(1, 25))
    def put(self, board, sensor, total):
        """Readings come, one a second."""
        key = (board, sensor)
        seq = [next(self.seq[key]) for _ in range(total)]
        for number in seq:
            if self.every and number - self.last_sent.get(key, float("-inf")) < self.every:
                self.condensed[key].add(number)
            else:
                self.last_sent[key] = number
        self.made[key] += seq
        self.accounts[board].values += total
        self.accounts[board].readings += total
        self.box.put([features(seq, board=board, sensor=sensor)])

    @rule(topic=st.sampled_from(["gw/g/status", "gw/g/a/status"]))
    def document(self, topic):
        """A status document comes."""
        self.documents[topic] = b"%d" % next(self.numbers)
        self.box.documents.put(topic, self.documents[topic])

    @precondition(lambda self: not self.open)
    @rule(
        receive=st.sampled_from([None, 1, 2, 5, 65_535]),
        qos=st.sampled_from([1, 1, 1, 0]),
        v5=st.booleans(),
    )
    def connect(self, receive, qos, v5):
        """A connection, to a broker with some limits."""
        self.limits, self.v5, self.open = Limits(receive, self.packet, qos), v5, True
        self.opened()

    def opened(self):
        """The connection is there, and the documents are put out again, as the service does."""
        self.box.opened(self.limits, v5=self.v5)
        for topic, payload in self.documents.items():
            self.box.documents.put(topic, payload)

    @precondition(lambda self: self.open)
    @rule(room=st.sampled_from([0, 1, 2000, ROOM]))
    def send(self, room):
        """What may be sent goes on the wire."""
        for publish in sent(self.box, v5=self.v5, now=self.now, room=room):
            assert room > 0
            assert self.limits.packet is None or publish.size <= self.limits.packet
            assert publish.retain == (not publish.topic.endswith("/features"))
            assert publish.qos == self.limits.qos
            self.under_way.append(publish)
            self.kept.append(publish)
            self.arrivals[id(publish)] = next(self.numbers)
        limit = self.limits.receive or (OWN_LIMIT if self.v5 else UNSTATED)
        assert len(self.under_way) <= min(limit, OWN_LIMIT)
        assert len(self.box.window.flights) == len(self.under_way)
        if not self.limits.qos:
            for publish in self.under_way:
                self.take(publish)
            self.under_way.clear()
            self.box.landed()

    def take(self, publish):
        """The broker takes a message."""
        arrival = self.arrivals[id(publish)]
        self.newest = max(self.newest, arrival)
        if publish.retain:
            self.retained[publish.topic] = max(self.retained.get(publish.topic, (-1, b"")), (arrival, publish.payload))
        else:
            document = publish.json
            self.taken[document["board"], document["sensor"]] += [(arrival, *one) for one in readings_of(publish)]

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 1000), reason=st.sampled_from([0, 0, 0, 0, 0x10, 0x87, 0x97, 0x90, 0x95]))
    def answer(self, which, reason):
        """It answers any of what is under way."""
        publish = self.under_way.pop(which % len(self.under_way))
        if reason < 0x80:
            self.take(publish)
        else:
            self.refused.add(publish.topic)
        again = self.box.acked([Ack(publish.packet_id, reason)], self.now)
        assert again is None or again > 0

    @precondition(lambda self: self.under_way)
    @rule(most=st.integers(1, 100))
    def answer_in_order(self, most):
        """It answers the oldest ones, all well."""
        now, self.under_way = self.under_way[:most], self.under_way[most:]
        for publish in now:
            self.take(publish)
        self.box.acked([Ack(publish.packet_id, 0) for publish in now], self.now)

    @precondition(lambda self: self.open)
    @rule(heard=st.booleans(), cut=st.booleans())
    def lose(self, heard, cut):
        """The connection is lost; the broker took all before what it acknowledged, and perhaps the rest."""
        on_wire = sum(len(readings_of(publish)) for publish in self.under_way if not publish.retain)
        for publish in self.under_way:
            if heard or self.arrivals[id(publish)] < self.newest:
                self.take(publish)
        oldest = self.under_way[0].topic if self.under_way else None
        self.under_way.clear()
        dropped = self.dropped()
        assert self.box.closed(0.0, cut=cut) == on_wire
        if self.dropped() > dropped:
            self.refused.add(oldest)
        self.open = False
        self.losses += 1

    def dropped(self):
        """How many readings were refused for good."""
        return sum(account.dropped["refused_by_broker"] for account in self.accounts.values())

    @rule()
    def later(self):
        """A minute passes."""
        self.now += 60.0

    @invariant()
    def balanced(self):
        """The ledger balances, board by board."""
        for board in BOARDS:
            assert imbalances(self.accounts[board], self.box.held(board)) == []

    def teardown(self):
        """In the end everything is taken but what was counted as dropped, and in order where nothing was refused."""
        if not hasattr(self, "box"):
            return
        if self.open:
            self.lose(heard=False, cut=False)
            self.losses -= 1
        self.later()
        self.limits, self.v5, self.open = Limits(packet=self.packet), True, True
        self.opened()
        for _ in range(2000):
            self.send(ROOM)
            self.answer_in_order(100)
        assert self.box.idle
        self.balanced()
        for board in BOARDS:
            account = self.accounts[board]
            keys = [(board, sensor) for sensor in SENSORS]
            assert account.condensed == sum(len(self.condensed[key]) for key in keys)
            taken = sum(len({seq for _, seq, _ in self.taken[key]}) for key in keys)
            gone = account.acknowledged + account.sent_unacknowledged
            assert taken - gone >= 0, "what is said to have gone was taken"
            assert account.readings == gone + account.condensed + account.dropped.total()
            for key in keys:
                if f"gw/g/{key[0]}/{key[1]}/features" not in self.refused:
                    self.in_order(key)
        for topic, payload in self.documents.items():
            if topic not in self.refused:
                assert self.retained[topic][1] == payload

    def in_order(self, key):
        """Each number first comes after all lower ones, and what is missing is what was dropped.

        Where something was dropped of which nobody knows whether it had arrived, more may seem missing, never less.
        """
        first = {}
        for _, seq, condensed in sorted(self.taken[key]):
            first.setdefault(seq, condensed)
        assert list(first) == sorted(first)
        dropped = set(self.made[key]) - self.condensed[key] - set(first)
        for before, seq in pairwise(first):
            missing, between = seq - before - 1 - first[seq], set(range(before, seq))
            lost = len(dropped & between)
            assert lost <= missing <= lost + len(self.condensed[key] & between)
            assert missing == lost or self.losses


Broker.TestCase.settings = settings(max_examples=examples(50, 150), stateful_step_count=40, deadline=None)


TestBroker = Broker.TestCase
TestBroker.__doc__ = "Whatever a broker does, no reading is forgotten or counted twice, and a sensor's order is kept."

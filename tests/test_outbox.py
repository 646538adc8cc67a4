"""The outbox: every reading is accounted for at any time, whatever the broker does; it sends what it was given."""

from collections import defaultdict
from itertools import count, pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.ledger import Account, imbalances
from gateway.publish.broker import Limits
from gateway.publish.naming import Naming
from gateway.publish.outbox import OWN_LIMIT, Outbox
from gateway.publish.packets import Ack
from gateway.publish.suspects import ALONE, TOGETHER
from gateway.publish.window import UNSTATED
from tests.brokers import parse_publish
from tests.made import features

ROOM = 1 << 18
BOARDS, SENSORS = ("a", "b"), ("S1", "S2")


def outbox(*, rows=False, every=0.0, most=10_000):
    """An empty outbox and its accounts."""
    accounts = defaultdict(Account)
    made = Outbox(Naming("g", "gw", "run", rows), accounts.__getitem__, lambda board: {}, lambda *_: every, most)
    return made, accounts


def sent(box, *, v5=True, now=0.0, room=ROOM):
    """What it sends now, read by another parser."""
    out = []
    for data in box.packets(room, now):
        head = 2 if data[1] < 128 else 3 if data[2] < 128 else 4
        out.append(parse_publish(data[0] & 15, data[head:], 5 if v5 else 4, 0))
        assert len(data) == out[-1].size
    return out


def readings_of(publish):
    """(seq, condensed) of each reading in a message."""
    document = publish.json
    if "rows" not in document:
        return [(document["seq"], document.get("condensed", 0))]
    return [
        (row["seq"], row.get("condensed") or 0)
        for row in (dict(zip(document["columns"], one, strict=True)) for one in document["rows"])
    ]


def features_of(publishes):
    """Those that carry features, as (seq, condensed) in order."""
    return [one for publish in publishes if publish.topic.endswith("/features") for one in readings_of(publish)]


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


Broker.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestBroker = Broker.TestCase
TestBroker.__doc__ = "Whatever a broker does, no reading is forgotten or counted twice, and a sensor's order is kept."


def test_documents_go_first():
    """A retained document waits for no reading."""
    box, _ = outbox()
    box.put([features(range(1, 200))])
    box.documents.put("gw/g/status", b"{}")
    box.opened(Limits(receive=3), v5=True)
    assert [publish.topic.rpartition("/")[2] for publish in sent(box)] == ["last", "status", "features"]


def test_only_the_newest_document_of_a_topic_counts():
    """What waits is replaced; after an outage what was on the wire does not come behind what is newer."""
    box, _ = outbox()
    box.opened(Limits(), v5=True)
    for number in range(3):
        box.documents.put("gw/g/status", b"%d" % number)
    assert [publish.payload for publish in sent(box)] == [b"2"]
    box.documents.put("gw/g/status", b"3")
    assert [publish.payload for publish in sent(box)] == [b"3"]
    box.closed(0.0, cut=False)
    box.opened(Limits(), v5=True)
    assert [publish.payload for publish in sent(box)] == [b"3"]
    box.closed(0.0, cut=False)
    box.documents.put("gw/g/status", b"4")
    box.opened(Limits(), v5=True)
    assert [publish.payload for publish in sent(box)] == [b"4"]


def test_last():
    """`last` goes out for the first reading, then at most every 10 s by the board's time, and after a reconnect."""
    box, _ = outbox()
    box.opened(Limits(), v5=True)

    def lasts(seq):
        box.put([features([seq])])
        found = [publish for publish in sent(box) if publish.topic == "gw/g/bench/S1/last"]
        box.acked([Ack(number, 0) for number in box.window.flights], 0.0)
        assert all(publish.retain and publish.qos == 1 for publish in found)
        return [publish.json["seq"] for publish in found]

    assert [lasts(seq) for seq in (1, 2, 10, 11, 12, 21)] == [[1], [], [], [11], [], [21]]
    box.closed(0.0, cut=False)
    box.opened(Limits(), v5=True)
    assert [lasts(seq) for seq in (22, 23)] == [[22], []]


def test_last_is_told_of_condensed_readings_too():
    """`every` thins out features, and not the retained newest reading."""
    box, accounts = outbox(every=100.0)
    box.opened(Limits(), v5=True)
    for seq in range(1, 31):
        box.put([features([seq])])
    topics = [(publish.topic.rpartition("/")[2], publish.json["seq"]) for publish in sent(box)]
    assert sorted(topics) == [("features", 1), ("last", 21)]
    assert accounts["bench"].condensed == 29


def test_rows_are_cut_until_they_fit():
    """A batch that is too large for the broker goes in as many messages as it takes, in order."""
    box, accounts = outbox(rows=True)
    accounts["bench"].readings = 400
    box.opened(Limits(receive=1, packet=2000), v5=True)
    box.put([features(range(1, 401))])
    got = []
    while not box.idle:
        now = sent(box)
        assert len(now) == 1
        assert now[0].size <= 2000
        got += now
        box.acked([Ack(now[0].packet_id, 0)], 0.0)
    assert [seq for seq, _ in features_of(got)] == list(range(1, 401))
    assert len(got) < 40, "and not one by one"
    assert accounts["bench"].acknowledged == 400
    assert box.refusals.text is None


def test_rows_that_the_broker_finds_too_large():
    """A broker of unknown limits says so afterwards: the same rows go again in halves."""
    box, accounts = outbox(rows=True)
    box.opened(Limits(), v5=True)
    box.put([features(range(1, 101))])
    got = []
    while not box.idle:
        for publish in sent(box):
            too_large = publish.size > 1500 and publish.topic.endswith("/features")
            got += [] if too_large else [publish]
            box.acked([Ack(publish.packet_id, 0x95 if too_large else 0)], 0.0)
    assert [seq for seq, _ in features_of(got)] == list(range(1, 101))
    assert accounts["bench"].acknowledged == 100


@pytest.mark.parametrize("rows", [False, True])
def test_a_reading_that_never_fits(rows):
    """It is dropped as too large, said so, and stops nobody."""
    box, accounts = outbox(rows=rows)
    box.opened(Limits(packet=180), v5=True)
    box.put([features([1, 2, 3]), features([1], sensor="x", keys=(), columns=[])])
    assert [publish.topic for publish in sent(box) if not publish.retain] == ([] if rows else ["gw/g/bench/x/features"])
    assert accounts["bench"].dropped == {"too_large": 4 if rows else 3}
    assert "larger than it takes" in box.refusals.text


@pytest.mark.parametrize("rows", [False, True])
def test_a_reading_that_never_fits_hands_on_what_was_condensed(rows):
    """What was condensed before it is told with the next reading, so that only it seems missing."""
    box, accounts = outbox(rows=rows, every=3.0)
    box.opened(Limits(packet=380 if rows else 250), v5=True)
    box.put(
        [
            features([seq], value=[1.0 if seq != 4 else 10 / 3 * 1e-200], count=[None if seq != 4 else 10**200])
            for seq in range(1, 8)
        ]
    )
    got = []
    while not box.idle:
        now = sent(box)
        got += features_of(now)
        box.acked([Ack(publish.packet_id, 0) for publish in now], 0.0)
    assert got == [(1, 0), (7, 4)]
    assert accounts["bench"].dropped == {"too_large": 1}


@pytest.mark.parametrize(
    ("reason", "outcome", "wait"),
    [
        (0x10, "acknowledged", None),
        (0x87, "kept", 60.0),
        (0x97, "kept", 5.0),
        (0x83, "kept", 5.0),
        (0x90, "refused_by_broker", None),
        (0x99, "refused_by_broker", None),
        (0x95, "too_large", None),
    ],
)
def test_reasons(reason, outcome, wait):
    """Each reason has its way: no subscribers is success, what cannot be mended is dropped, all else is tried again."""
    box, accounts = outbox()
    box.opened(Limits(), v5=True)
    box.put([features([1])])
    (publish,) = (one for one in sent(box) if not one.retain)
    assert box.acked([Ack(publish.packet_id, reason)], now=100.0) == wait
    assert (accounts["bench"].acknowledged, box.held("bench")) == (outcome == "acknowledged", outcome == "kept")
    assert accounts["bench"].dropped.total() == accounts["bench"].dropped[outcome] == (wait is None and reason != 0x10)
    assert (box.refusals.text is None) == (reason == 0x10)
    assert sent(box, now=100.0) == []
    assert len(sent(box, now=100.0 + (wait or 0))) == (wait is not None)


def test_a_refusal_is_over_when_that_topic_is_taken():
    """What another topic does is no sign; the sentence names one topic and how many more."""
    box, _ = outbox()
    box.opened(Limits(), v5=True)
    box.put([features([1]), features([1], sensor="S2"), features([1], sensor="S3")])
    ids = {one.topic.split("/")[3]: one.packet_id for one in sent(box) if not one.retain}
    box.acked([Ack(ids["S1"], 0x87), Ack(ids["S2"], 0x87)], 0.0)
    assert box.refusals.text.startswith(
        "the broker refuses messages on gw/g/bench/S1/features and 1 more (reason 0x87)"
    )
    box.acked([Ack(ids["S3"], 0)], 0.0)
    assert "access list" in box.refusals.text
    box.acked([Ack(one.packet_id, 0) for one in sent(box, now=60.0)], 60.0)
    assert box.refusals.text is None


def test_room():
    """What is given out at once is bounded by bytes too: one message more at most."""
    box, _ = outbox(rows=True)
    box.opened(Limits(), v5=True)
    box.put([features(range(1, 300), sensor=f"S{number}") for number in range(9)])
    sizes = [publish.size for publish in sent(box, room=50_000)]
    assert sum(sizes[:-1]) < 50_000 <= sum(sizes)
    assert sent(box, room=0) == []


def test_a_suspect_goes_alone_until_it_is_answered():
    """After some cuts all go one by one; when what was under way at each of them is answered they go together again."""
    box, _ = outbox()
    box.put([features(range(1, 200))])
    for _ in range(TOGETHER):
        box.opened(Limits(), v5=True)
        assert len(sent(box)) == 100
        box.closed(0.0, cut=True)
    box.opened(Limits(), v5=True)
    for number in range(100):
        (one,) = sent(box)
        assert one.topic.endswith("/features" if number else "/last")
        box.acked([Ack(one.packet_id, 0)], 0.0)
    assert len(sent(box)) == 100


def test_a_document_that_the_broker_finds_too_large():
    """It does not go again in that size; a smaller one does; and what makes documents is told."""
    box, _ = outbox()
    box.opened(Limits(), v5=True)

    def offer(size):
        box.documents.put("gw/g/status", bytes(size))
        return [publish.packet_id for publish in sent(box)]

    assert box.largest is None
    box.acked([Ack(number, 0x95) for number in offer(5000)], 0.0)
    assert (box.largest, box.idle) == (4999, True)
    assert "gw/g/status" in box.refusals.text
    assert offer(5000) == offer(6000) == []
    box.closed(0.0, cut=False)
    box.opened(Limits(packet=3000), v5=True)
    assert box.largest == 2000
    box.acked([Ack(number, 0) for number in offer(1500)], 0.0)
    assert box.refusals.text is None
    box.closed(0.0, cut=False)
    box.opened(Limits(), v5=True)  # the limit was raised
    assert box.largest is None
    assert len(offer(6000)) == 1


def test_a_document_at_which_the_broker_cuts_the_line_stays_away():
    """It would cost the next connection too."""
    box, _ = outbox()
    for _ in range(TOGETHER + ALONE):
        box.opened(Limits(), v5=True)
        box.documents.put("gw/g/status", bytes(5000))
        assert len(sent(box)) == 1
        box.closed(0.0, cut=True)
    box.opened(Limits(), v5=True)
    assert box.largest == 4999
    box.documents.put("gw/g/status", bytes(5000))
    assert sent(box) == []


def test_what_may_have_arrived_has_told_of_what_was_condensed():
    """A reading that was on the wire when the line broke, and is shed then, hands nothing on."""
    box, accounts = outbox(every=3.0, most=3)
    box.opened(Limits(), v5=True)
    box.put([features(range(1, 9))])
    assert features_of(sent(box)) == [(1, 0), (4, 2), (7, 2)]
    box.closed(0.0, cut=True)
    box.put([features(range(9, 14))])
    assert accounts["bench"].dropped == {"shed": 2}
    box.opened(Limits(), v5=True)
    assert features_of(sent(box)) == [(7, 2), (10, 2), (13, 2)]


@pytest.mark.parametrize("end", [0x99, "fits no more", "QoS 0"])
def test_a_lane_is_free_whatever_becomes_of_its_probe(end):
    """What goes alone after a refusal may be dropped, or be sent to another broker: what is behind it goes on."""
    box, accounts = outbox()
    box.opened(Limits(), v5=True)
    box.put([features([1, 2, 3, 4])])
    box.acked([Ack(one.packet_id, 0x97) for one in sent(box)], 0.0)
    box.acked([Ack(one.packet_id, 0) for one in sent(box)], 0.0)
    if end == 0x99:
        (probe,) = sent(box, now=6.0)
        box.acked([Ack(probe.packet_id, end)], 6.0)
    elif end == "fits no more":
        box.closed(0.0, cut=False)
        box.opened(Limits(packet=50), v5=True)
        assert sent(box, now=6.0) == []
        assert accounts["bench"].dropped["too_large"] == 4
    else:
        box.closed(0.0, cut=False)
        box.opened(Limits(qos=0), v5=True)
        sent(box, now=6.0)
        box.landed()
    box.put([features([5])])
    for _ in range(9):
        box.acked([Ack(one.packet_id, 0) for one in sent(box, now=7.0)], 7.0)
        box.landed()
    assert box.idle

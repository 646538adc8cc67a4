"""The publish stage against brokers, real and scripted: nothing lost, order kept, all accounted for, a clean end."""

import asyncio
import contextlib
import math
import signal
import time
from collections import defaultdict
from dataclasses import replace

import pytest

from gateway.instants import instant
from gateway.ledger import Account, imbalances, total
from gateway.publish import client, contact, publisher, refusals, verdicts
from gateway.publish.broker import Refused, Where, Will
from gateway.publish.publisher import Keeping, Naming, Publisher
from gateway.publish.spool.spool import Spool
from gateway.publish.suspects import ALONE, TOGETHER
from tests.brokers import CUT, FakeBroker, Judge, puback, until, welcome_5
from tests.keepers import Upstream
from tests.made import T0, features

STATUS = "gw/g/status"


class Bench:
    """A publisher with boards that one can make speak, and all that it told."""

    def __init__(
        self, port, *, v5=True, rows=False, every=0.0, most=100_000, client_id="gateway-g", keeping=None, waits=False
    ):
        self.accounts = defaultdict(Account)
        self.events, self.connects, self.clock = [], 0, 0.0
        self.where = Where("127.0.0.1", port, client_id, v5=v5)
        self.closed_until = None  # a sentence while the way to the broker is closed
        self.seq = defaultdict(int)
        self.publisher = Publisher(
            self._where,
            Naming("g", "gw", "run", rows),
            account=self.accounts.__getitem__,
            tags=lambda board: {},
            every=lambda board, sensor: every,
            will=lambda: Will(STATUS, b"lost"),
            connected=self._connected,
            progress=self.balance,
            clock=lambda: self.clock,
            unset_until=lambda: math.inf if self.clock is None else -math.inf,
            most=most,
            keeping=keeping,
            event=lambda name, **fields: self.events.append((name, fields)),
        )
        if not waits:
            self.start()

    def start(self):
        """Lets it connect."""
        self.task = asyncio.ensure_future(self.publisher.run())

    async def _where(self):
        if self.closed_until:
            raise Refused(self.closed_until)
        return self.where

    def _connected(self):
        self.connects += 1
        self.publisher.document(STATUS, b"online %d" % self.connects)

    def read(self, total_, board="bench", sensor="S1"):
        """The board sends so many readings, a second apart by its own time."""
        first = self.seq[board, sensor] + 1
        self.seq[board, sensor] += total_
        self.accounts[board].values += total_
        self.accounts[board].readings += total_
        self.publisher.put([features(range(first, first + total_), board=board, sensor=sensor)])
        self.balance()

    def balance(self):
        """The ledger balances at this moment."""
        for board, account in self.accounts.items():
            assert imbalances(account, self.publisher.held(board)) == []

    @property
    def sum(self):
        """The account of all boards."""
        return total(self.accounts.values())

    @property
    def done(self):
        """Whether everything is acknowledged."""
        return not any(self.publisher.held(board) for board in self.accounts)

    def told(self, name):
        """The fields of each event of that name."""
        return [fields for event, fields in self.events if event == name]


@pytest.fixture
async def bench():
    """Makes benches, and ends them."""
    made = []

    def make(port, **options):
        made.append(Bench(port, **options))
        return made[-1]

    yield make
    for one in made:
        one.task.cancel()
    results = await asyncio.gather(*(one.task for one in made), return_exceptions=True)
    assert all(one is None or isinstance(one, asyncio.CancelledError) for one in results), results


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Pauses between attempts that a test can wait for."""
    monkeypatch.setattr(contact, "LONGEST_PAUSE", 0.1)
    monkeypatch.setattr(contact, "REFUSED_PAUSE", (0.02, 0.05))


def numbers(messages, sensor="S1"):
    """The seq of each features message of a sensor, in order."""
    ending = f"/{sensor}/features"
    return [message.json["seq"] for message in messages if message.topic.endswith(ending)]


def firsts(seqs):
    """Without the duplicates: the first of each."""
    return list(dict.fromkeys(seqs))


async def test_a_day_in_the_life(mosquitto, bench):
    """Readings arrive as they were sent, each once, in order, beside the retained documents; the account says so."""
    async with Judge(mosquitto.port) as judge:
        one = bench(mosquitto.port)
        await until(lambda: one.publisher.look()["connected"])
        for _ in range(50):
            one.read(7)
            one.read(3, sensor="S2")
            await asyncio.sleep(0)
        await until(lambda: one.done)
        await until(lambda: len(judge.on("/features")) == 500)
        assert numbers(judge.messages) == list(range(1, 351))
        assert numbers(judge.messages, "S2") == list(range(1, 151))
        assert (one.sum.acknowledged, one.sum.dropped.total()) == (500, 0)
        assert not any(message.retain for message in judge.messages)
        await judge.connect()
        kept = {STATUS, "gw/g/bench/S1/last", "gw/g/bench/S2/last"}
        await until(lambda: {message.topic for message in judge.messages if message.retain} == kept)
        assert one.told("broker.connected") == [{"url": f"127.0.0.1:{mosquitto.port}", "version": "5"}]


async def test_rows(mosquitto, bench):
    """With `rows` a batch is one message, and its readings are counted one by one."""
    async with Judge(mosquitto.port) as judge:
        one = bench(mosquitto.port, rows=True)
        one.read(120)
        await until(lambda: one.done and judge.on("/features"))
        (message,) = judge.on("/features")
        assert [row[0] for row in message.json["rows"]] == list(range(1, 121))
        assert one.sum.acknowledged == 120


@pytest.mark.parametrize(("ending", "mosquitto"), [("stop", ("persistence true",))], indirect=["mosquitto"])
@pytest.mark.parametrize("v5", [True, False])
async def test_the_broker_is_restarted(mosquitto, bench, ending, v5):
    """Nothing is lost and order is kept over restarts; `online` is said anew on each connect."""
    async with Judge(mosquitto.port) as judge:
        one = bench(mosquitto.port, v5=v5)
        for round_ in range(3):
            await until(lambda: one.publisher.look()["connected"])
            one.read(300)
            await until(lambda r=round_: one.sum.acknowledged > 200 * r + 50)
            one.read(200)
            getattr(mosquitto, ending)()
            one.read(50)
            await until(lambda: not one.publisher.look()["connected"])
            assert one.publisher.look()["reason"]
            one.closed_until = "the judge is not there yet"
            mosquitto.start()
            await judge.connect()
            one.closed_until = None
        await until(lambda: one.done)
        await until(lambda: len(firsts(numbers(judge.messages))) == 1650)
        assert firsts(numbers(judge.messages)) == list(range(1, 1651))
        assert (one.sum.acknowledged, one.sum.dropped.total()) == (1650, 0)
        assert one.publisher.look()["reconnects"] == 3
        assert len(one.told("broker.lost")) == len(one.told("broker.recovered")) == 3
        await until(lambda: [m.payload for m in judge.messages if m.topic == STATUS][-1] == b"online 4")


async def test_the_broker_is_killed(mosquitto, bench):
    """`kill -9`: what it had not acknowledged comes after it is back, in order; what it had was passed on before."""
    async with Judge(mosquitto.port) as judge:
        one = bench(mosquitto.port)
        await until(lambda: one.publisher.look()["connected"])
        for round_ in range(1, 4):
            one.read(400)
            await until(lambda r=round_: one.sum.acknowledged > 400 * (r - 1))
            mosquitto.kill()
            acknowledged = one.sum.acknowledged
            one.read(20)
            await until(lambda: not one.publisher.look()["connected"])
            one.closed_until = "the judge is not there yet"
            mosquitto.start()
            await until(lambda j=judge: j._task.done())
            heard = len(firsts(numbers(judge.messages)))
            assert heard >= acknowledged, "acknowledged and not passed on"
            await judge.connect()
            one.closed_until = None
            await until(lambda: one.done)
        await until(lambda: len(firsts(numbers(judge.messages))) == 1260)
        assert firsts(numbers(judge.messages)) == list(range(1, 1261))
        assert one.sum.acknowledged == 1260


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 7, 20])
async def test_a_broker_that_cuts_the_line(bench, after):
    """A broker that cuts the line again and again gets everything in order."""
    got = []

    def answer(publish):
        if publish.topic.endswith("/features"):
            got.append(publish)
            if len(got) % after == 0 and len({one.connection for one in got}) < 6:
                return CUT
        return 0

    async with FakeBroker(answer=answer) as fake:
        one = bench(fake.port)
        one.read(150)
        one.read(150, sensor="S2")
        await until(lambda: one.done)
        for sensor in ("S1", "S2"):
            assert firsts(numbers(got, sensor)) == list(range(1, 151))
        assert one.sum.acknowledged == 300
        cuts = len(fake.connects) - 1
        assert cuts == one.publisher.look()["reconnects"] == len(one.told("broker.lost")) >= 5
        reasons = {fields["why"] for fields in one.told("broker.lost")}
        assert reasons <= {"the broker closed the connection", "the connection broke (Connection reset by peer)"}
        assert one.told("broker.lost")[0]["in_flight"] > 0


@pytest.mark.slow
async def test_acknowledgements_that_never_come(monkeypatch, bench):
    """The connection stands and pings are answered, and yet it is given up; nothing is lost."""
    monkeypatch.setattr(publisher, "UNANSWERED", 0.05)
    monkeypatch.setattr(publisher, "STALLED", 0.02)
    deaf = True
    async with FakeBroker(answer=lambda _: None if deaf else 0) as fake:
        one = bench(fake.port)
        one.read(30)
        await until(lambda: one.publisher.look()["reconnects"] > TOGETHER + ALONE)
        assert "acknowledged nothing" in one.told("broker.lost")[0]["why"]
        deaf = False
        await until(lambda: one.done)
        assert firsts(numbers(fake.publishes)) == list(range(1, 31))
        assert (one.sum.acknowledged, one.sum.dropped.total()) == (30, 0)
        assert one.publisher.look()["refusing"] is None, "and no message was suspected"
        assert [len(one.told("broker.stalled")), len(one.told("broker.moving"))] == [1, 1], "however often it was lost"


async def test_a_quiet_time_is_no_silence(monkeypatch, bench):
    """Waiting is counted from what was sent, and not from the last acknowledgement before a quiet time."""
    monkeypatch.setattr(publisher, "UNANSWERED", 0.3)
    monkeypatch.setattr(publisher, "STALLED", 0.15)
    monkeypatch.setattr(publisher, "SLOW", 0.1)
    late = []
    async with FakeBroker(answer=lambda publish: None if late else 0) as fake:
        one = bench(fake.port)
        one.read(1)
        await until(lambda: one.done)
        begun = asyncio.get_running_loop().time()
        await until(lambda: asyncio.get_running_loop().time() - begun > 0.25)
        late.append(True)
        one.read(1)
        assert one.publisher.moving()
        sent = asyncio.get_running_loop().time()
        await until(lambda: one.publisher.look()["reconnects"])
        assert asyncio.get_running_loop().time() - sent >= 0.29
        late.clear()


async def test_moving(bench):
    """The broker moves while it answers, and no longer when it has not for a while, nor when it is away."""
    answers = True
    async with FakeBroker(answer=lambda _: 0 if answers else None) as fake:
        one = bench(fake.port)
        assert not one.publisher.moving()
        await until(lambda: one.publisher.moving())
        answers = False
        one.read(1)
        assert one.publisher.moving()
        await until(lambda: not one.publisher.moving())
        assert one.publisher.look()["connected"]


@pytest.mark.parametrize("limit", [1, 5])
async def test_receive_maximum(bench, limit):
    """There are never more unacknowledged messages on the wire than the broker takes, and as many if need be."""
    waiting, most = [], 0

    def answer(publish):
        nonlocal most
        waiting.append(publish)
        most = max(most, len(waiting))
        if len(waiting) == limit:
            asyncio.get_running_loop().call_later(0.002, acknowledge)

    def acknowledge():
        batch, waiting[:] = waiting[:], []
        for publish in batch:
            fake.writers[-1].write(puback(publish.packet_id))

    async with FakeBroker(welcome=lambda _: welcome_5(limit), answer=answer) as fake:
        one = bench(fake.port)
        one.read(48, sensor="S1")
        one.read(48, sensor="S2")
        await until(lambda: len(fake.publishes) >= 96)
        assert most == limit
        assert numbers(fake.publishes) == firsts(numbers(fake.publishes))


async def test_maximum_packet_size(bench):
    """Rows are split to fit, and no packet is longer than the broker takes; what cannot fit is said."""
    async with FakeBroker(welcome=lambda _: welcome_5(packet_size=1500)) as fake:
        one = bench(fake.port, rows=True)
        one.publisher.document("gw/g/bench/status", bytes(2000))
        one.read(200)
        await until(lambda: one.done)
        assert max(publish.size for publish in fake.publishes) <= 1500
        rows = [
            row[0] for publish in fake.publishes if publish.topic.endswith("/features") for row in publish.json["rows"]
        ]
        assert rows == list(range(1, 201))
        assert "gw/g/bench/status (reason 0x95): they are larger than it takes" in one.publisher.look()["refusing"]
        assert one.publisher.largest == 500


@pytest.mark.slow
@pytest.mark.parametrize("mosquitto", [("message_size_limit 400",)], indirect=True)
async def test_a_broker_that_cuts_the_line_at_what_is_too_large(mosquitto, bench):
    """A broker that states no limit and ends the connection at what is too large gets smaller pieces, and all.

    In 3.1.1 mosquitto acknowledges what it drops there, and nobody can know.
    """
    async with Judge(mosquitto.port) as judge:
        one = bench(mosquitto.port, rows=True)
        one.read(40)
        await until(lambda: one.done, 30)
        await until(lambda: sum(len(message.json["rows"]) for message in judge.on("/features")) == 40)
        assert one.sum.acknowledged == 40
        one.read(40)
        await until(lambda: one.done)
        assert one.sum.acknowledged == 80
        assert one.publisher.look()["connected"]


@pytest.mark.slow
@pytest.mark.parametrize("document", [False, True])
async def test_a_message_at_which_the_broker_cuts_the_line(bench, document):
    """It is found, dropped and said, and all others arrive, in order; then they go together again."""
    poison = "gw/g/bench/status" if document else 7

    def answer(publish):
        is_poison = (
            publish.topic == poison if document else publish.topic.endswith("S1/features") and publish.json["seq"] == 7
        )
        return CUT if is_poison else 0

    async with FakeBroker(answer=answer) as fake:
        one = bench(fake.port)
        one.read(20)
        one.read(20, sensor="S2")
        if document:
            one.publisher.document("gw/g/bench/status", b"what it does not like")
        await until(lambda: one.done, 20)
        taken = numbers([publish for publish in fake.publishes if answer(publish) == 0])
        assert sorted(set(taken)) == [n for n in range(1, 21) if document or n != 7]
        assert firsts(taken) == sorted(set(taken))
        assert one.sum.dropped == ({} if document else {"refused_by_broker": 1})
        if document:
            assert one.publisher.look()["refusing"].startswith(
                "the broker closes the connection at messages on gw/g/bench/status;"
            )
        assert one.publisher.look()["reconnects"] == TOGETHER + ALONE
        await until(lambda: one.publisher.look()["connected"])
        if document:
            one.publisher.document("gw/g/bench/status", b"what it does not like")
        one.read(30)
        await until(lambda: one.done)
        assert one.publisher.look()["reconnects"] == TOGETHER + ALONE
        assert one.publisher._outbox.window.limit > 1


@pytest.mark.slow
async def test_a_sensor_of_which_each_message_cuts_the_line(bench, monkeypatch):
    """After a few of them its others wait for a while, so that they cost no connection; then the next one is tried."""
    monkeypatch.setattr(refusals, "CUT_PAUSE", 1e6)
    poison = True
    async with FakeBroker(
        answer=lambda publish: CUT if poison and publish.topic.endswith("S1/features") else 0
    ) as fake:
        one = bench(fake.port)
        one.read(20)
        one.read(20, sensor="S2")
        await until(lambda: one.sum.dropped == {"refused_by_broker": refusals.CUTS}, 20)
        for _ in range(20):
            one.read(10)
            one.read(1, sensor="S2")
        await until(lambda: one.sum.acknowledged == 40, 20)
        assert one.publisher.look()["reconnects"] == refusals.CUTS * (TOGETHER + ALONE)
        assert "closes the connection at messages on gw/g/bench/S1/features" in one.publisher.look()["refusing"]
        assert one.publisher.held("bench") == 220 - refusals.CUTS
        poison = False
        one.publisher._outbox.lanes._lanes["bench", "S1"].held_until = 0.0  # the while is over
        one.read(1)
        await until(lambda: one.done)
        assert numbers([p for p in fake.publishes if p.connection == len(fake.connects)]) == list(range(4, 222))
        assert one.publisher.look()["refusing"] is None


@pytest.mark.parametrize("v5", [True, False])
@pytest.mark.parametrize("mosquitto", [("max_qos 0",)], indirect=True)
async def test_a_broker_of_qos_0_only(mosquitto, bench, v5):
    """What is sent is counted as sent, and never as acknowledged; the status says what is missing."""
    async with Judge(mosquitto.port) as judge:
        one = bench(mosquitto.port, v5=v5)
        one.read(3000)
        await until(lambda: one.done)
        await until(lambda: len(judge.on("/features")) == 3000)
        assert numbers(judge.messages) == list(range(1, 3001))
        assert (one.sum.sent_unacknowledged, one.sum.acknowledged) == (3000, 0)
        assert one.publisher.look()["lacking"] == "the broker takes QoS 0 only, so that nothing is acknowledged"
        await one.publisher.finish(lambda: {STATUS: b"stopped"}, 2.0)
        await until(lambda: [m.payload for m in judge.messages if m.topic == STATUS][-1] == b"stopped")


@pytest.mark.parametrize("mosquitto", [("max_qos 0",)], indirect=True)
async def test_qos_0_waits_for_a_broker_that_is_away(mosquitto, bench):
    """What comes in an outage is not given to nobody: it waits, is sent afterwards, and the outage is told."""
    one = bench(mosquitto.port)
    one.read(10)
    await until(lambda: one.done)
    mosquitto.stop()
    await until(lambda: not one.publisher.look()["connected"])
    one.read(20)
    assert one.publisher.look()["reason"]
    assert (one.sum.sent_unacknowledged, one.sum.dropped.total()) == (10, 0)
    mosquitto.start()
    async with Judge(mosquitto.port) as judge:
        await until(lambda: one.done, 20)
        assert (one.sum.sent_unacknowledged, one.sum.dropped.total()) == (30, 0)
        assert set(numbers(judge.messages)) <= set(range(11, 31))
        assert one.publisher.look()["reason"] is None


async def test_qos_0_counts_what_has_left(bench):
    """While the broker reads nothing, what it was not given is not counted as sent, and goes again later."""
    frozen = asyncio.Event()

    async def script(reader, writer):
        if len(fake.writers) > 1:
            fake.script = None
            return await fake._serve(reader, writer)
        await reader.read(1000)
        writer.write(welcome_5(qos=0))
        writer.transport.pause_reading()
        await frozen.wait()
        return None

    async with FakeBroker(welcome=lambda _: welcome_5(qos=0), script=script) as fake:
        one = bench(fake.port, rows=True)
        await until(lambda: one.publisher.look()["connected"])
        for _ in range(400):
            one.read(500)
        await until(lambda: not one.publisher.moving())
        sent = one.sum.sent_unacknowledged
        assert 0 < sent < 200_000 - one.sum.dropped.total()
        frozen.set()
        await until(lambda: one.done, 20)
        await until(lambda: fake.publishes[-1].json.get("rows", [[0]])[-1][0] == 200_000)
        rows = [
            row[0] for publish in fake.publishes if publish.topic.endswith("/features") for row in publish.json["rows"]
        ]
        assert rows == sorted(set(rows))
        assert (rows[0], rows[-1]) == (sent + 1, 200_000)
        assert one.sum.sent_unacknowledged == sent + len(rows) == 200_000 - one.sum.dropped["shed"]


@pytest.mark.parametrize("v5", [True, False])
@pytest.mark.parametrize("mosquitto", [("retain_available false",)], indirect=True)
async def test_a_broker_without_retained_messages(mosquitto, bench, v5):
    """It is used without, and the status says so."""
    async with Judge(mosquitto.port) as judge:
        one = bench(mosquitto.port, v5=v5)
        one.read(10)
        await until(lambda: one.done and len(judge.on("/features")) == 10)
        assert "keeps no retained messages" in one.publisher.look()["lacking"]
        assert one.publisher.look()["reconnects"] == 0
        assert judge.on("/status")


async def test_only_3_1_1(bench):
    """A broker that speaks only 3.1.1 is spoken to in 3.1.1, with the window that it is known to take."""

    def welcome(connect):
        return b"\x20\x02\x00\x01" if connect.version == 5 else b"\x20\x02\x00\x00"

    waiting = 0

    def answer(publish):
        nonlocal waiting
        waiting += publish.topic.endswith("/features")

    async with FakeBroker(welcome=welcome, answer=answer) as fake:
        one = bench(fake.port)
        one.read(100)
        await until(lambda: len(fake.publishes) >= 20)
        assert [connect.version for connect in fake.connects] == [5, 4]
        assert one.told("broker.connected") == [{"url": f"127.0.0.1:{fake.port}", "version": "3.1.1"}]
        assert len(fake.publishes) == 20


async def test_a_broker_that_closes_at_5(bench):
    """So is one that just closes the connection at what it does not know; and 5 is tried anew after an outage."""
    only_old = True
    async with FakeBroker(
        welcome=lambda c: CUT if c.version == 5 and only_old else welcome_5() if c.version == 5 else b"\x20\x02\x00\x00"
    ) as fake:
        one = bench(fake.port)
        await until(lambda: one.publisher.look()["connected"])
        assert [connect.version for connect in fake.connects] == [5, 5, 4]
        assert one.publisher.look()["lacking"] is None
        one.closed_until = "away"
        fake.writers[-1].transport.abort()
        await until(lambda: one.told("broker.refused"))
        only_old, one.closed_until = False, None
        await until(lambda: one.publisher.look()["connected"])
        assert fake.connects[-1].version == 5


async def test_a_wrong_password_is_tried_again(bench):
    """It is said once and tried again slowly with what `where` gives by then; nothing is lost."""
    async with FakeBroker(welcome=lambda c: welcome_5() if c.password == "right" else b"\x20\x03\x00\x86\x00") as fake:
        one = bench(fake.port)
        one.where = replace(one.where, username="u", password="wrong")
        one.read(5)
        await until(lambda: len(fake.connects) >= 3)
        (refused,) = one.told("broker.refused")
        assert "user name or password is wrong" in refused["why"]
        assert one.publisher.look()["reason"] == refused["why"]
        one.where = replace(one.where, password="right")
        await until(lambda: one.done)
        assert (one.publisher.look()["reason"], len(one.told("broker.recovered"))) == (None, 1)


@pytest.mark.parametrize(("reason", "kept"), [(0x87, True), (0x97, True), (0x90, False), (0x99, False)])
async def test_messages_that_are_refused(monkeypatch, bench, reason, kept):
    """A refusal that may pass is tried again, one that cannot counts as dropped; both are said and hold up nobody."""
    monkeypatch.setattr(verdicts, "pause", lambda reason: 0.2)
    refusing = True

    def answer(publish):
        return reason if refusing and publish.topic == "gw/g/bench/S1/features" else 0

    async with FakeBroker(answer=answer) as fake:
        one = bench(fake.port)
        one.read(5)
        one.read(5, sensor="S2")
        await until(lambda: numbers(fake.publishes, "S2") == [1, 2, 3, 4, 5])
        await until(lambda: one.publisher.look()["refusing"])
        assert f"gw/g/bench/S1/features (reason {reason:#04x})" in one.publisher.look()["refusing"]
        refusing = False
        await until(lambda: one.done)
        assert one.sum.acknowledged == (10 if kept else 5)
        assert one.sum.dropped == ({} if kept else {"refused_by_broker": 5})
        assert one.publisher.look()["reconnects"] == 0
        if kept:
            await until(lambda: one.publisher.look()["refusing"] is None)


async def test_a_refused_backlog_is_left_in_peace(bench, tmp_path):
    """What came from the disk and is refused waits for its time; until then nobody looks whether it may go."""
    spool = Spool(
        tmp_path, 1_000_000, 1e9, "boot", inherited=lambda *_: None, dropped=lambda *_: None, clock_set=lambda: True
    )
    await spool.open()
    async with FakeBroker(answer=lambda publish: 0x87 if publish.topic.endswith("/features") else 0) as fake:
        one = bench(fake.port, keeping=Keeping(spool, Upstream(), 0.1, time.monotonic, lambda *_: {}), waits=True)
        one.publisher.put([features(range(1, 50), mono=[0.0] * 49)])
        keeping = asyncio.ensure_future(one.publisher.keep())
        await until(lambda: spool.waiting)
        one.start()
        await until(lambda: one.publisher.look()["refusing"] and not one.publisher._outbox.window.flights)
        pumps, pump = [], one.publisher._outbox.packets
        one.publisher._outbox.packets = lambda *given: (pumps.append(given), pump(*given))[1]
        await asyncio.sleep(1.0)  # how long it is watched
        assert len(pumps) < 10
        keeping.cancel()
        await asyncio.wait({keeping})
    await spool.close([], 1.0)


@pytest.mark.slow
async def test_two_with_one_id(monkeypatch, mosquitto, bench):
    """Two gateways with one id throw each other out: after three times in a minute both say so, once, and hold back."""
    monkeypatch.setattr(contact, "RIVAL_PAUSE", (0.3, 0.5))
    monkeypatch.setattr(contact, "RIVAL_LATE", 0.5)
    one, other = bench(mosquitto.port), bench(mosquitto.port)
    one.read(3)
    other.read(3, board="elsewhere")
    await until(lambda: one.told("broker.taken_over") and other.told("broker.taken_over"))
    for bench_ in (one, other):
        assert bench_.told("broker.taken_over")[0]["times"] == 3
        assert len(bench_.told("broker.lost")) >= 2, "the first are losses like others"
        await until(
            lambda b=bench_: b.publisher.look()["reason"] and "two gateways have one id" in b.publisher.look()["reason"]
        )
    reconnects = one.publisher.look()["reconnects"]
    await until(lambda: one.publisher.look()["reconnects"] > reconnects + 1)
    await until(lambda: one.done and other.done)
    other.task.cancel()
    recovered = len(one.told("broker.recovered"))
    await until(lambda: one.publisher.look()["reason"] is None)
    assert one.publisher.look()["connected"]
    assert len(one.told("broker.taken_over")) == 1
    assert len(one.told("broker.recovered")) == recovered + 1


async def test_takeovers_are_no_fault_of_a_message(monkeypatch, bench):
    """However often we are thrown out with a message under way, it goes again, and is not dropped for it."""
    monkeypatch.setattr(contact, "RIVAL_PAUSE", (0.01, 0.02))
    again = TOGETHER + ALONE + 1

    def answer(publish):
        return b"\xe0\x02\x8e\x00" if publish.topic.endswith("/features") and publish.connection <= again else 0

    async with FakeBroker(answer=answer) as fake:
        one = bench(fake.port)
        one.read(1)
        await until(lambda: one.done)
        assert (one.sum.acknowledged, one.publisher.look()["reconnects"]) == (1, again)
        assert len(one.told("broker.taken_over")) == 1


async def test_shedding(bench):
    """While the broker is away memory is bounded: the oldest readings go, and are counted."""
    async with FakeBroker() as fake:
        one = bench(fake.port, most=100)
        one.closed_until = "away"
        for _ in range(50):
            one.read(10)
        assert one.publisher.held("bench") <= 100
        assert one.sum.dropped["shed"] == 500 - one.publisher.held("bench")
        one.closed_until = None
        await until(lambda: one.done)
        kept = numbers(fake.publishes)
        assert kept == list(range(501 - len(kept), 501))
        assert one.sum.acknowledged == len(kept)


async def test_documents_after_a_reconnect(bench):
    """The newest document of each topic is what a broker that has forgotten everything gets."""
    hold = True
    async with FakeBroker(answer=lambda _: None if hold else 0) as fake:
        one = bench(fake.port)
        await until(lambda: fake.publishes)
        one.publisher.document("gw/g/bench/status", b"1")
        one.publisher.document("gw/g/bench/status", b"2")
        await until(lambda: len(fake.publishes) == 3)
        one.closed_until = "away"
        fake.writers[-1].transport.abort()
        await until(lambda: not one.publisher.look()["connected"])
        hold, one.closed_until = False, None
        await until(lambda: one.publisher.look()["connected"])
        await until(lambda: len([p for p in fake.publishes if p.connection == 2]) == 2)
        assert {p.topic: p.payload for p in fake.publishes if p.connection == 2} == {
            STATUS: b"online 2",
            "gw/g/bench/status": b"2",
        }


async def test_the_clock(bench):
    """While the machine's clock is not set each message says so; what is sent later has its time put right."""
    async with FakeBroker() as fake:
        one = bench(fake.port)
        one.clock = None
        one.read(3)
        await until(lambda: one.done)
        fake.answer = lambda publish: None
        one.read(2)
        await until(lambda: len(fake.publishes) >= 5)
        one.clock = T0 + 100.0
        fake.answer = lambda publish: 0
        fake.writers[-1].transport.abort()
        one.read(1)
        await until(lambda: one.done)
        last = {publish.json["seq"]: publish.json for publish in fake.publishes if publish.topic.endswith("/features")}
        assert [last[seq].get("clock") for seq in range(1, 7)] == ["unsynced"] * 3 + ["corrected"] * 2 + [None]
        assert last[4]["time"] == instant(T0 + 104.0)


async def test_the_end(mosquitto, bench):
    """At the end all that waits is brought out, then `offline` is said, and the will is not published."""
    async with Judge(mosquitto.port) as judge:
        one = bench(mosquitto.port)
        await until(lambda: one.publisher.look()["connected"])
        one.read(2000)
        await one.publisher.finish(lambda: {STATUS: b"stopped", "gw/g/bench/status": b"offline"}, 5.0)
        await asyncio.wait_for(one.task, 5)
        await until(lambda: len(judge.on("/features")) == 2000)
        await until(lambda: "Received DISCONNECT from gateway-g" in mosquitto.log)
        await until(lambda: [m.payload for m in judge.messages if m.topic == STATUS][-1] == b"stopped")
        assert [m.payload for m in judge.messages if m.topic == "gw/g/bench/status"] == [b"offline"]
        assert (one.sum.acknowledged, one.sum.dropped.total(), one.publisher.held("bench")) == (2000, 0, 0)
        assert one.told("broker.lost") == []


async def test_the_end_without_a_broker(bench):
    """Without a connection the end comes at once, and what waits is dropped and counted."""
    async with FakeBroker() as fake:
        one = bench(fake.port)
        one.closed_until = "away"
        one.read(10)
        await asyncio.wait_for(one.publisher.finish(lambda: {STATUS: b"stopped"}, 5.0), 1.0)
        assert (one.sum.dropped, one.publisher.held("bench")) == ({"shed": 10}, 0)
        one.balance()


async def test_the_end_while_it_connects(bench):
    """A connection that comes too late is closed with a goodbye: it says nothing, and leaves no will."""
    late = asyncio.Event()

    async def script(reader, writer):
        await late.wait()
        fake.script = None
        await fake._serve(reader, writer)

    async with FakeBroker(script=script) as fake:
        one = bench(fake.port)
        await until(lambda: fake.open)
        await one.publisher.finish(lambda: {STATUS: b"stopped"}, 1.0)
        late.set()
        await asyncio.wait_for(one.task, 5)
        await until(lambda: not fake.open)
        assert (fake.publishes, fake.goodbyes, one.connects) == ([], 1, 0)


async def test_the_end_while_the_broker_is_frozen(mosquitto, bench):
    """It ends within its patience with an exact account; a broker that wakes up publishes the will, not `online`."""
    async with Judge(mosquitto.port) as judge:
        one = bench(mosquitto.port)
        await until(lambda: judge.on("/status"))
        mosquitto.signal(signal.SIGSTOP)
        one.read(1000)
        begun = asyncio.get_running_loop().time()
        await one.publisher.finish(lambda: {STATUS: b"stopped"}, 1.0)
        assert asyncio.get_running_loop().time() - begun < 1.3
        assert (one.sum.dropped, one.publisher.held("bench")) == ({"shed": 1000}, 0)
        mosquitto.signal(signal.SIGCONT)
        await until(lambda: judge.on("/status")[-1].payload == b"lost")


async def test_the_line_breaks_at_the_end(bench):
    """A connection that is lost during the last words leaves an exact account too."""
    async with FakeBroker(answer=lambda p: CUT if p.topic.endswith("/features") else 0) as fake:
        one = bench(fake.port)
        await until(lambda: one.publisher.look()["connected"])
        one.publisher._contact.end()
        one.read(10)
        await one.publisher.finish(lambda: {STATUS: b"stopped"}, 2.0)
        assert one.sum.dropped == {"shed": 10}
        one.balance()


async def test_cancelled(bench):
    """When its task is cancelled, what was on the wire waits again, and the broker publishes the will."""
    async with FakeBroker(answer=lambda _: None) as fake:
        one = bench(fake.port)
        one.read(10)
        await until(lambda: len(fake.publishes) == 12)
        one.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await one.task
        await until(lambda: not fake.open)
        assert (one.publisher.look()["connected"], one.publisher.held("bench"), fake.goodbyes) == (False, 10, 0)
        one.balance()


async def test_a_frozen_broker_does_not_fill_the_memory(mosquitto, bench, monkeypatch):
    """No more than the window waits in the socket's buffer; the rest waits in the lanes, whose bound holds."""
    monkeypatch.setattr(client, "PATIENCE", 1.0)
    one = bench(mosquitto.port, most=1000, rows=True)
    await until(lambda: one.publisher.look()["connected"])
    mosquitto.signal(signal.SIGSTOP)
    for _ in range(400):
        one.read(400)
    wire = one.publisher._connection.wire
    assert wire.room > -100_000
    mosquitto.signal(signal.SIGCONT)
    await until(lambda: one.done, 20)
    assert one.sum.acknowledged + one.sum.dropped["shed"] == 160_000

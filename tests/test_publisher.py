"""The publish stage against brokers, real and scripted: all arrives, in order, within bounds, and is accounted for."""

import asyncio
import signal

from gateway.instants import instant
from gateway.publish import client
from tests.brokers import FakeBroker, Judge
from tests.made import T0
from tests.publishers import STATUS, bench, numbers, quick
from tests.waiting import until

__all__ = ["bench", "quick"]  # the fixtures


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
        for number, text in enumerate((b"1", b"2"), 2):
            one.publisher.document("gw/g/bench/status", text)
            await until(lambda number=number: len(fake.publishes) == number)
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


async def test_a_document_of_before_the_connection_gives_way(bench):
    """What waited for the broker does not go out when there is something newer by then: it may be too large."""
    async with FakeBroker() as fake:
        one = bench(fake.port, waits=True)
        one.publisher.document(STATUS, b"stale")
        one.start()
        await until(lambda: fake.publishes)
        assert fake.publishes[0].payload == b"online 1"


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

"""Brokers that can do less - QoS 0 only, nothing retained, 3.1.1 only - are used all the same."""

import asyncio

import pytest

from tests.brokers import CUT, FakeBroker, Judge
from tests.packets import welcome_5
from tests.publishers import STATUS, bench, numbers, quick
from tests.waiting import until

__all__ = ["bench", "quick"]  # the fixtures


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

"""The end of the publish stage: what waits is brought out, within its patience, and the account is exact."""

import asyncio
import contextlib
import signal

import pytest

from tests.brokers import CUT, FakeBroker, Judge
from tests.publishers import STATUS, bench, quick
from tests.waiting import until

__all__ = ["bench", "quick"]  # the fixtures


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


@pytest.mark.slow
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

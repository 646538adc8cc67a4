"""A broker that refuses the gateway or its messages: what may pass is tried again, and nothing is held up."""

import asyncio
import time
from dataclasses import replace

import pytest

from gateway.publish import verdicts
from gateway.publish.publisher import Keeping
from gateway.publish.spool.spool import Spool
from tests.brokers import FakeBroker
from tests.keepers import Upstream
from tests.made import features
from tests.packets import welcome_5
from tests.publishers import bench, numbers, quick
from tests.waiting import until

__all__ = ["bench", "quick"]  # the fixtures


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


@pytest.mark.slow
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

"""Messages at which a broker cuts the line: the publish stage finds them, and all others arrive."""

import pytest

from gateway.publish import refusals
from gateway.publish.contact import DENIED
from gateway.publish.suspects import ALONE, TOGETHER
from tests.brokers import CUT, FakeBroker
from tests.publishers import bench, firsts, numbers, quick
from tests.waiting import until

__all__ = ["bench", "quick"]  # the fixtures


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
        assert one.publisher.look()["reconnects"] == TOGETHER + refusals.CUTS * ALONE
        assert "closes the connection at messages on gw/g/bench/S1/features" in one.publisher.look()["refusing"]
        assert one.publisher.held("bench") == 220 - refusals.CUTS
        poison = False
        one.publisher._outbox.lanes._lanes["bench", "S1"].held_until = 0.0  # the while is over
        one.read(1)
        await until(lambda: one.done)
        assert numbers([p for p in fake.publishes if p.connection == len(fake.connects)]) == list(range(4, 222))
        assert one.publisher.look()["refusing"] is None


async def test_a_broker_that_cuts_the_line_when_it_is_asked_to_let_us_listen(bench):
    """It is asked twice, then no more, which the status says; no message is taken to be the reason, and all arrive."""
    async with FakeBroker(listening=False) as fake:
        one = bench(fake.port, heard=lambda topic, payload: None)
        one.read(100)
        await until(lambda: one.done and one.publisher.look()["connected"], 20)
        assert len(fake.connects) == DENIED + 1
        assert one.sum.acknowledged == 100 and not one.sum.dropped
        assert "let this user read" in one.publisher.look()["lacking"]

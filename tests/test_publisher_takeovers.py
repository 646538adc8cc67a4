"""Two gateways with one client id, who throw each other out: both say so, and no message is blamed."""

import pytest

from gateway.publish import contact
from gateway.publish.suspects import ALONE, TOGETHER
from tests.brokers import FakeBroker
from tests.publishers import bench, quick
from tests.waiting import until

__all__ = ["bench", "quick"]  # the fixtures


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

"""What a broker takes at once, and what is too large for it: the publish stage keeps to both."""

import asyncio

import pytest

from tests.brokers import FakeBroker, Judge
from tests.packets import puback, welcome_5
from tests.publishers import bench, firsts, numbers, quick
from tests.waiting import until

__all__ = ["bench", "quick"]  # the fixtures


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
        assert one.publisher.largest("gw/g/bench/status") == 1500 - 1 - 2 - 2 - len("gw/g/bench/status") - 3


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

"""Who listens at a broker speaks what it speaks, is told what it may not hear, and survives what others send."""

import subprocess

import pytest

from gateway.publish.packets import TOO_LONG, publish, topic_part
from gateway.publish.subscriber import Refused, subscribed
from tests.brokers import FakeBroker
from tests.connections import where
from tests.packets import CONNACK, SUBACK, WELCOME_3, packet, read_packet
from tests.waiting import until


@pytest.fixture
def megabyte(mosquitto):
    """Retained at a/a."""
    command = ["mosquitto_pub", "-p", str(mosquitto.port), "-r", "-t", "a/a", "-s"]
    subprocess.run(command, input=bytes(1 << 20), check=True)


async def test_it_speaks_the_version_that_the_broker_speaks():
    """5 is tried first; with a broker that knows 3.1.1 alone it is that."""
    old = packet(CONNACK, 0, b"\x00\x84\x00")
    async with FakeBroker(welcome=lambda connect: old if connect.version == 5 else WELCOME_3) as fake:
        connection = await subscribed(where(fake.port), ["a/#"], print)
        assert ([each.version for each in fake.connects], fake.subscribed) == ([5, 4], ["a/#"])
        connection.close()


@pytest.mark.parametrize("v5", [True, False])
async def test_a_message_too_long_costs_no_connection(mosquitto, v5, megabyte):
    """Of a megabyte that somebody retained where we listen its topic alone is heard, and what comes behind it whole."""
    heard = []
    connection = await subscribed(where(mosquitto.port, v5=v5), ["a/#"], lambda *message: heard.append(message))
    connection.wire.write(publish(topic_part("a/b"), b"x", None, v5=v5))
    await until(lambda: heard[-1:] == [("a/b", b"x")])
    assert [payload for _, payload in heard] == [TOO_LONG, b"x"]
    assert not connection.lost.done()
    connection.close()


async def test_what_it_may_not_hear_is_said():
    """A broker that grants no subscription is told of in a sentence with the topic."""

    async def script(reader, writer):
        assert await read_packet(reader)
        writer.write(WELCOME_3)
        _, _, body = await read_packet(reader)
        writer.write(packet(SUBACK, 0, body[:2] + b"\x80"))
        await read_packet(reader)

    async with FakeBroker(script=script) as fake:
        with pytest.raises(Refused, match="does not let us hear a/#: check its access list"):
            await subscribed(where(fake.port, v5=False), ["a/#"], print)


async def test_a_broker_that_goes_at_the_subscription_is_said():
    """It is no endless wait."""

    async def script(reader, writer):
        assert await read_packet(reader)
        writer.write(WELCOME_3)
        await read_packet(reader)

    async with FakeBroker(script=script) as fake:
        with pytest.raises(Refused, match="ended the connection at a subscription"):
            await subscribed(where(fake.port, v5=False), ["a/#"], print)

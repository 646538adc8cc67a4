"""One connection: what goes over it, what the broker states, and how it ends."""

import asyncio

import paho.mqtt.client as paho
import pytest

from gateway.publish.broker import Limits
from gateway.publish.client import connect
from gateway.publish.packets import LONGEST, publish, topic_part
from tests.brokers import FakeBroker
from tests.connections import where
from tests.packets import CONNACK, WELCOME_5, packet, welcome_5
from tests.waiting import until


def test_the_hook_is_still_there():
    """paho makes its socket in `_create_socket`, which is where ours comes in, and calls on it what Wire has."""
    assert "_create_socket" in vars(paho.Client)
    called = set()

    class Recorder:
        def __getattr__(self, name):
            called.add(name)
            return lambda *args: len(args[0]) if name == "send" else None

    class Hooked(paho.Client):
        def _create_socket(self):
            return Recorder()

    hooked = Hooked(paho.CallbackAPIVersion.VERSION2, client_id="x", reconnect_on_failure=False)
    hooked.connect("127.0.0.1", 1)
    hooked.disconnect()
    assert called <= {"send", "recv", "setblocking", "fileno", "close", "pending"}
    assert {"send", "setblocking", "close"} <= called


@pytest.mark.parametrize("v5", [True, False])
async def test_a_real_broker(mosquitto, v5):
    """It connects, publishes over the wire, is acknowledged, subscribes and hears, in 5 and 3.1.1."""
    acks, heard = [], []
    connection = await connect(
        where(mosquitto.port, v5=v5), acked=acks.extend, heard=lambda topic, payload: heard.append((topic, payload))
    )
    connection.subscribe("a/+")
    await until(lambda: "Sending SUBACK" in mosquitto.log)
    for number in (500, 501):
        connection.wire.write(publish(topic_part("a/b"), b"%d" % number, number, v5=v5))
    await until(lambda: len(heard) == 2 and len(acks) == 2)
    assert heard == [("a/b", b"500"), ("a/b", b"501")]
    assert [tuple(ack) for ack in acks] == [(500, 0), (501, 0)]
    assert not connection.lost.done()
    connection.close()


async def test_a_goodbye_leaves_after_what_was_written():
    """What waits for a slow broker is not cut off by the goodbye: it comes before it."""
    async with FakeBroker() as fake:
        connection = await connect(where(fake.port))
        payload = bytes(100_000)
        for number in range(300, 400):
            connection.wire.write(publish(topic_part("t"), payload, number, v5=True))
        assert not connection.wire.empty
        connection.disconnect()
        await asyncio.wait_for(connection.lost, 10)
        assert (len(fake.publishes), fake.goodbyes) == (100, 1)
        connection.close()


async def test_a_listener_that_fails_is_not_blamed_on_the_broker(mosquitto):
    """What `heard` raises is a bug of ours and comes out as itself."""
    elsewhere = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: elsewhere.append(context["exception"]))

    def broken(topic, payload):
        raise KeyError(topic)

    connection = await connect(where(mosquitto.port), heard=broken)
    connection.subscribe("a")
    connection.wire.write(publish(topic_part("a"), b"", 500, v5=True))
    await until(lambda: elsewhere)
    assert isinstance(elsewhere[0], KeyError)
    assert not connection.lost.done()
    connection.close()


async def test_it_says_how_much_it_takes():
    """A broker of MQTT 5 is told the longest packet that we read, so that it sends none that is longer."""
    seen = []

    async def script(reader, writer):
        head = await reader.readexactly(2)
        seen.append(await reader.readexactly(head[1]))
        writer.write(WELCOME_5)
        await reader.read()

    async with FakeBroker(script=script) as fake:
        connection = await connect(where(fake.port))
        assert b"\x27" + LONGEST.to_bytes(4, "big") in seen[0]
        connection.close()


async def test_stated_limits():
    """Receive Maximum, Maximum Packet Size and QoS are read; what is not stated is not limited."""
    answers = iter([welcome_5(5, 1000, 0), WELCOME_5])
    async with FakeBroker(welcome=lambda _: next(answers)) as fake:
        for limits in (Limits(5, 1000, 0), Limits()):
            connection = await connect(where(fake.port))
            assert connection.limits == limits
            connection.close()


@pytest.mark.slow
async def test_keepalive():
    """It pings as often as the broker wants, also while nobody publishes, and notices when no answer comes."""
    pings = []

    async def deaf(reader, writer):
        await reader.read(1000)
        writer.write(packet(CONNACK, 0, b"\x00\x00\x03\x13\x00\x01"))  # Server Keep Alive: 1 s
        while data := await reader.read(1000):
            pings.append(data)

    async with FakeBroker(script=deaf) as fake:
        connection = await connect(where(fake.port))
        assert await asyncio.wait_for(connection.lost, 4) == ("the connection failed (keep alive timeout)", None)
        assert pings == [b"\xc0\x00"]

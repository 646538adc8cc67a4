"""What clients get from the broker of our own: what is retained, wills, and all of a burst."""

import asyncio
import shutil

import pytest

from gateway.publish.broker import WRONG_VERSION, Refused, Will
from gateway.publish.client import connect
from gateway.publish.embedded import PACKET
from tests.own_broker import Client, running, where
from tests.waiting import until


async def test_a_late_subscriber_gets_what_is_retained_and_nothing_older():
    """The newest retained message of a topic is kept for whoever comes; the others reach only who is there."""
    async with running() as broker:
        gateway = await Client.to(broker, "gateway")
        early = await Client.to(broker, "early", topic="g/#")
        await gateway.say("g/status", b"old", retain=True)
        await gateway.say("g/status", b"new", retain=True)
        await gateway.say("g/features", b"1")
        await until(lambda: len(early.heard) == 3)
        late = await Client.to(broker, "late", topic="g/#")
        await gateway.say("g/features", b"2")
        await until(lambda: ("g/features", b"2") in late.heard)
        assert late.heard == [("g/status", b"new"), ("g/features", b"2")]
        assert early.heard == [("g/status", b"old"), ("g/status", b"new"), ("g/features", b"1"), ("g/features", b"2")]
        for client in (gateway, early, late):
            client.leave()


async def test_the_will_is_said_when_a_connection_breaks_and_not_after_goodbye():
    """A will is published, and retained, when its connection just ends; who says goodbye takes it along."""
    async with running() as broker:
        there_already = await Client.to(broker, "there already", topic="g/#")
        polite = await Client.to(broker, "polite", will=Will("g/polite", b"lost"))
        broken = await Client.to(broker, "broken", will=Will("g/broken", b"lost"))
        polite.connection.disconnect()
        await until(polite.connection.lost.done)
        broken.leave()
        await until(lambda: there_already.heard)
        late = await Client.to(broker, "late", topic="g/#")
        await late.say("g/end", b"")
        for client in (there_already, late):
            await until(lambda client=client: client.heard[-1:] == [("g/end", b"")])
            assert client.heard == [("g/broken", b"lost"), ("g/end", b"")]
            client.leave()


async def test_another_version_is_refused_so_that_the_client_tries_the_next():
    """MQTT 5 finds the connection closed, which our client takes as the wrong version; it then speaks 3.1.1."""
    async with running() as broker:
        with pytest.raises(Refused) as refused:
            await connect(where(broker, "gateway", v5=True))
        assert refused.value.code == WRONG_VERSION
        (await connect(where(broker, "gateway", v5=False))).close()


class Stalled:
    """A client that does not read for a while."""

    def __init__(self, client: Client) -> None:
        self.loop, self.wire = asyncio.get_running_loop(), client.connection.wire

    def __enter__(self) -> None:
        self.loop.remove_reader(self.wire.fileno())

    def __exit__(self, *_: object) -> None:
        self.wire.attach(self.loop)


async def burst(gateway: Client, topic: str, count: int) -> None:
    """Publishes `count` readings with four features each, numbered from 0, as fast as they are acknowledged."""
    while gateway.acked < count:
        for _ in range(min(100 - (gateway.sent - gateway.acked), count - gateway.sent)):
            gateway.send(topic, b"%d " % gateway.sent + b"x" * 350)
        await gateway.answered()


@pytest.mark.slow
async def test_50_000_messages_reach_a_subscriber_that_has_fallen_behind():
    """A burst is held for a subscriber that does not read until it is over: all of it arrives, in order, once."""
    count = 50_000
    async with running() as broker:
        subscriber = await Client.to(broker, "subscriber", topic="g/+/+/+/features")
        gateway = await Client.to(broker, "gateway")
        with Stalled(subscriber):
            await burst(gateway, "g/a/b/S1/features", count)
            assert subscriber.heard == []
        await until(lambda: len(subscriber.heard) >= count, within=60)
        assert [int(payload.split()[0]) for _, payload in subscriber.heard] == list(range(count))
        gateway.leave()
        subscriber.leave()


@pytest.mark.parametrize("topic", ["g/a/b/S1/last", "site/hall/g/a/status"])
async def test_of_documents_little_is_held(topic):
    """A subscriber of documents that has fallen behind by megabytes gets a few hundred kilobytes, up to the newest."""
    count = 10_000
    async with running() as broker:
        subscriber = await Client.to(broker, "subscriber", topic=topic)
        gateway = await Client.to(broker, "gateway")
        with Stalled(subscriber):
            await burst(gateway, topic, count)
        await until(lambda: subscriber.heard and int(subscriber.heard[-1][1].split()[0]) == count - 1, within=20)
        assert sum(len(payload) for _, payload in subscriber.heard) < 1_000_000
        gateway.leave()
        subscriber.leave()


@pytest.mark.skipif(not shutil.which("mosquitto_sub"), reason="mosquitto-clients are not installed")
async def test_a_plain_mosquitto_sub_gets_the_documents_of_a_thousand_sensors():
    """What people type to look works without an option for the version, and shows all retained documents."""
    count = 1000
    async with running() as broker:
        gateway = await Client.to(broker, "gateway")
        for number in range(count):
            gateway.send(f"g/a/b/S{number}/last", b"{}", retain=True)
        await until(lambda: gateway.acked == count)
        command = ["mosquitto_sub", "-p", str(broker.port), "-t", "g/#", "-F", "%t", "-C", str(count), "-W", "20"]
        viewer = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        said, _ = await viewer.communicate()
        assert set(said.decode().split()) == {f"g/a/b/S{number}/last" for number in range(count)}
        gateway.leave()


async def test_a_message_may_be_as_large_as_stated():
    """Up to PACKET a message is taken; beyond it the connection ends, and the broker goes on."""
    async with running() as broker:
        gateway = await Client.to(broker, "gateway")
        await gateway.say("g/large", bytes(PACKET - 100))
        gateway.send("g/large", bytes(PACKET + 100))
        await asyncio.wait_for(gateway.connection.lost, 5)
        again = await Client.to(broker, "gateway")
        await again.say("g/small", b"1")
        again.leave()

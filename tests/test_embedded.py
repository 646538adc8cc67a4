"""The broker of our own, as its child process really behaves."""

import asyncio
import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.publish import embedded
from gateway.publish.broker import WRONG_VERSION, Refused, Where, Will
from gateway.publish.client import Connection, connect
from gateway.publish.embedded import AT_ONCE, CONNECTIONS, LOG, PACKET, Broker, Embedded, start
from gateway.publish.listening import holder
from gateway.publish.packets import Ack, publish, topic_part
from tests.faults.tree import alive
from tests.waiting import until

LOOPBACK = ("127.0.0.1", 0)
ROOT = Path(__file__).parents[1]


@contextlib.asynccontextmanager
async def running(username: str | None = None, password: str | None = None) -> AsyncIterator[Broker]:
    broker = await start(LOOPBACK, username, password)
    try:
        yield broker
    finally:
        await broker.stop()


def proc(pid: int | str, name: str) -> bytes:
    return Path(f"/proc/{pid}/{name}").read_bytes()


def children() -> set[int]:
    """The process ids of those that this process has started."""
    out = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(proc(process.name, "stat").rpartition(b")")[2].split()[1]) == os.getpid():
                out.add(int(process.name))
    return out


def free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def where(broker: Broker, name: str, **more: object) -> Where:
    return Where(broker.host, broker.port, name, **({"v5": False} | more))  # type: ignore[arg-type]


class Client:
    """Publishes with QoS 1, at most 100 messages under way, and keeps what it hears."""

    def __init__(self) -> None:
        self.acked = 0
        self.sent = 0
        self.heard: list[tuple[str, bytes]] = []
        self.connection: Connection
        self._more = asyncio.Event()

    @classmethod
    async def to(cls, broker: Broker, name: str, *, topic: str = "", will: Will | None = None) -> "Client":
        """With `topic`, it has subscribed: what it then publishes itself has come back."""
        client = cls()
        client.connection = await connect(where(broker, name), acked=client._acked, heard=client._heard, will=will)
        if topic:
            client.connection.subscribe(topic)
            client.send("subscribed/" + name, b"")  # acknowledged after the subscription, in order
            await until(lambda: client.acked == client.sent)
        return client

    def _acked(self, acks: list[Ack]) -> None:
        self.acked += len(acks)
        self._more.set()

    async def answered(self) -> None:
        """Waits for one acknowledgement more."""
        self._more.clear()
        await asyncio.wait_for(self._more.wait(), 5)

    def _heard(self, topic: str, payload: bytes) -> None:
        self.heard.append((topic, payload))

    def send(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self.sent += 1
        number = self.sent % 65535 or 1
        self.connection.wire.write(publish(topic_part(topic), payload, number, v5=False, retain=retain))

    async def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Sends, and waits for the acknowledgement."""
        self.send(topic, payload, retain=retain)
        await until(lambda: self.acked == self.sent)

    def leave(self) -> None:
        self.connection.close()


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


ODD = ('us"er°', "p\\a\"ss 'w°rd' \t\x7f # = [x]")


@pytest.mark.parametrize("login", [("nobody", ODD[1]), (ODD[0], "wrong"), (None, None)])
async def test_a_password_lets_in_only_who_has_it(login):
    """Whatever characters user and password are made of, they are compared as they are; anybody else is refused."""
    async with running(*ODD) as broker:
        (await connect(where(broker, "a", username=ODD[0], password=ODD[1]))).close()
        with pytest.raises(Refused):
            await connect(where(broker, "b", username=login[0], password=login[1]))


async def test_the_password_is_nowhere_to_be_read(tmp_path, monkeypatch):
    """It is in no argument and no variable of the child, and nothing of the configuration stays on the disk."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    async with running("user", "correct horse") as broker:
        for name in ("cmdline", "environ"):
            text = proc(broker.pid, name)
            assert text and b"correct horse" not in text
        assert f"TMPDIR={tmp_path}".encode() in proc(broker.pid, "environ")
        assert list(tmp_path.iterdir()) == []


async def test_a_taken_port_is_refused_with_the_option_and_the_holder():
    """Who has taken the port is named, before anything is started."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"mqtt.listen: 127.0.0.1:{other.getsockname()[1]} is taken by .* [(]pid {os.getpid()}[)]; "
        with pytest.raises(OSError, match=taken):
            await start(other.getsockname())


async def test_another_gateways_broker_is_called_so():
    """The child has a name of its own, by which a person and another gateway know it."""
    async with running() as broker:
        assert holder(broker.host, broker.port) == f"gateway-broker (pid {broker.pid})"


async def test_no_open_door_to_the_network():
    """An address that other machines reach is refused without a user and a password."""
    with pytest.raises(
        OSError, match=r"mqtt.listen: other machines reach 0.0.0.0; set mqtt.username and mqtt.password_file"
    ):
        await start(("0.0.0.0", 0))
    with pytest.raises(OSError, match="other machines reach"):
        await start(("0.0.0.0", 0), "user", "")


async def test_without_the_library_the_sentence_says_what_to_install(monkeypatch):
    """The library is an extra; who has left it out learns how to get it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(OSError, match="not installed; pip install"):
        await start(LOOPBACK)


async def test_a_child_that_cannot_run_is_one_sentence(monkeypatch):
    """When the child ends before it listens, the sentence tells what it said."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(OSError, match="no embedded broker: the embedded broker ended with code 1"):
        await start(LOOPBACK)


async def test_a_child_that_dies_is_noticed_and_the_port_serves_again():
    """Whoever waits for `ended` gets a sentence; a new broker on the same port takes over, and stop tells nobody."""
    broker = await start(LOOPBACK)
    os.kill(broker.pid, signal.SIGKILL)
    assert await asyncio.wait_for(broker.ended, 5) == "the embedded broker was killed (SIGKILL)"
    await broker.stop()
    again = await start((broker.host, broker.port))
    (await Client.to(again, "gateway")).leave()
    await again.stop()
    await again.stop()
    assert not again.ended.done()
    assert not alive(again.pid)


async def test_a_broker_that_is_kept_is_there_again_on_its_port():
    """It is started anew with the same user, clients can connect, and both are told; after `stop` it stays away."""
    events: list[tuple[str, dict[str, object]]] = []
    kept = await Embedded.start(LOOPBACK, *ODD, lambda name, **fields: events.append((name, fields)))
    address, place = kept.address, f"127.0.0.1:{kept.address[1]}"
    (child,) = [pid for pid in children() if b"gateway-broker" in proc(pid, "comm")]
    os.kill(child, signal.SIGKILL)
    await until(lambda: kept.trouble)
    assert kept.trouble == "the embedded broker was killed (SIGKILL)"
    await until(lambda: kept.trouble is None)
    assert kept.address == address
    (await connect(Where(*address, "a", *ODD, v5=False))).close()
    with pytest.raises(Refused):
        await connect(Where(*address, "a", v5=False))
    await kept.stop()
    await kept.stop()
    socket.create_server(address).close()
    assert [name for name, _ in events] == ["embedded.started", "embedded.lost", "embedded.recovered"]
    assert {fields["listen"] for _, fields in events} == {place}
    assert events[1][1]["why"] == "the embedded broker was killed (SIGKILL)"
    assert isinstance(events[2][1]["after_s"], float)


async def test_a_broker_that_cannot_come_back_is_tried_until_it_can(monkeypatch):
    """While another program has its port the trouble says who; when that has ended, the broker is back."""
    monkeypatch.setattr(embedded, "delay", lambda attempts, chance: 0.01)
    kept = await Embedded.start(LOOPBACK)
    (child,) = [pid for pid in children() if b"gateway-broker" in proc(pid, "comm")]
    embedded_start = embedded.start
    other = socket.socket()
    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

    async def taken_first(*arguments: object) -> Broker:
        if other.fileno() >= 0 and other.getsockname()[1] == 0:
            other.bind(kept.address)
            other.listen()
        return await embedded_start(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(embedded, "start", taken_first)
    os.kill(child, signal.SIGKILL)
    await until(lambda: "is taken by" in (kept.trouble or ""))
    other.close()
    await until(lambda: kept.trouble is None)
    (await connect(Where(*kept.address, "a", v5=False))).close()
    await kept.stop()


async def test_a_deaf_broker_is_ended():
    """A topic at which its router dies would leave a process that accepts and answers nobody; it ends instead."""
    async with running() as broker:
        gateway = await Client.to(broker, "gateway", topic="#")
        gateway.send("é", b"1")
        assert "failed inside" in await asyncio.wait_for(broker.ended, 5)
        assert not alive(broker.pid)
        gateway.leave()


async def test_a_frozen_child_does_not_hold_up_the_end(monkeypatch):
    """A child that does not react to the end of its input is killed."""
    monkeypatch.setattr(embedded, "GOODBYE", 0.1)
    broker = await start(LOOPBACK)
    os.kill(broker.pid, signal.SIGSTOP)
    await asyncio.wait_for(broker.stop(), 5)
    assert not alive(broker.pid)


async def test_a_start_that_is_cancelled_leaves_no_child():
    """Whoever gives up while the child starts leaves nothing behind."""
    before = children()
    starting = asyncio.create_task(start(LOOPBACK))
    await until(lambda: children() - before)
    seen = children() - before
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await until(lambda: not any(alive(pid) for pid in seen))


GATEWAY = """
import asyncio, json, sys
from gateway.publish.embedded import start
async def main():
    broker = await start(("127.0.0.1", 0))
    print(json.dumps({"pid": broker.pid, "port": broker.port}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await broker.stop()
asyncio.run(main())
"""


@contextlib.contextmanager
def gateway_with_a_broker():
    command = [sys.executable, "-c", GATEWAY]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True, **pipes) as process:
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


async def test_a_killed_gateway_takes_its_broker_along():
    """After kill -9 of the gateway the child ends by itself, and the port is free."""
    with gateway_with_a_broker() as (process, broker):
        assert alive(broker["pid"])
        process.kill()
        await until(lambda: not alive(broker["pid"]), within=2)
        await until(lambda: free(broker["port"]), within=2)  # its threads end after its name is gone


async def test_ctrl_c_is_left_to_the_gateway():
    """A signal to the gateway's process group, as a terminal sends it, does not reach the child before our goodbye."""
    with gateway_with_a_broker() as (process, broker):
        assert os.getpgid(broker["pid"]) != os.getpgid(process.pid)


async def test_the_child_says_nothing_on_our_output():
    """Clients come, speak nonsense and go; the gateway's own output stays what the gateway wrote."""
    with gateway_with_a_broker() as (process, broker):
        for rubbish in (b"GET / HTTP/1.1\r\n\r\n", b"\x10\x0c\x00\x04MQTT\x05\x02\x00\x3c\x00\x00", b"\xff" * 64):
            with socket.create_connection(("127.0.0.1", broker["port"])) as client:
                client.sendall(rubbish)
                client.shutdown(socket.SHUT_WR)
                client.settimeout(5)
                with contextlib.suppress(ConnectionResetError):
                    assert client.recv(100) == b""
        said, complained = process.communicate(b"", timeout=10)
        assert (said, complained, process.returncode) == (b"", b"", 0)


def test_the_limits_are_what_is_written_to_the_broker():
    """The configuration carries the limits that this module states."""
    text = embedded.configuration("127.0.0.1", 1883, None)
    for line in (
        'listen = "127.0.0.1:1883"',
        f"max_connections = {CONNECTIONS}",
        f"max_outgoing_packet_count = {AT_ONCE}",
        f"max_segment_size = {LOG[0]}",
        f"max_payload_size = {PACKET}",
    ):
        assert line in text
    assert "auth" not in text

"""One connection: what the broker states and refuses, in one sentence; the will; how it ends."""

import asyncio
import os
import random
import resource
import subprocess

import paho.mqtt.client as paho
import pytest

from gateway.publish import client
from gateway.publish.broker import Limits, Refused, Where, Will, less
from gateway.publish.client import connect
from gateway.publish.packets import LONGEST, publish, topic_part
from tests.brokers import (
    CONNACK,
    CUT,
    WELCOME_3,
    WELCOME_5,
    FakeBroker,
    Judge,
    Mosquitto,
    free_port,
    packet,
    welcome_5,
)
from tests.waiting import until

WILL = Will("gw/g/status", b'{"state":"offline"}')


def where(port, *, v5=True, **more):
    """A broker on loopback."""
    return Where("127.0.0.1", port, "gateway-g", v5=v5, **more)


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


@pytest.mark.parametrize("v5", [True, False])
async def test_the_will(mosquitto, v5):
    """It is published, retained, when the connection breaks, and not after a goodbye."""
    async with Judge(mosquitto.port) as judge:
        connection = await connect(where(mosquitto.port, v5=v5), will=WILL)
        connection.disconnect()
        await asyncio.wait_for(connection.lost, 5)
        connection = await connect(where(mosquitto.port, v5=v5), will=WILL)
        assert not judge.messages
        connection.close()
        await until(lambda: judge.messages)
        assert [(one.topic, one.payload) for one in judge.messages] == [(WILL.topic, WILL.payload)]
        await judge.connect()
        await until(lambda: len(judge.messages) == 2)
        assert judge.messages[1].retain


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


@pytest.mark.parametrize(
    ("mosquitto", "user", "v5"),
    [
        (("allow_anonymous false",), None, True),
        (("allow_anonymous false",), ("u", "wrong"), True),
        (("allow_anonymous false",), ("u", "wrong"), False),
    ],
    indirect=["mosquitto"],
)
async def test_a_refused_password(mosquitto, user, v5):
    """The sentence names what to look at, and not the password; the code says that it was an answer."""
    name, password = user or (None, None)
    with pytest.raises(Refused, match=r"password is wrong.*mqtt\.username and mqtt\.password_file") as refused:
        await connect(where(mosquitto.port, v5=v5, username=name, password=password), will=WILL)
    assert refused.value.code in (0x86, 0x87)


@pytest.fixture
def passwords(tmp_path):
    """A password file of mosquitto's, for the user u."""
    file = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(file), "u", "s3cret"], check=True, capture_output=True)
    return file


async def test_a_password_file(tmp_path, passwords):
    """The right password connects, the wrong one is refused, by a broker with a password file."""
    broker = Mosquitto(tmp_path, ["allow_anonymous false", f"password_file {passwords}"])
    broker.start()
    try:
        connection = await connect(where(broker.port, username="u", password="s3cret"))
        connection.close()
        for v5 in (True, False):
            with pytest.raises(Refused, match="password") as refused:
                await connect(where(broker.port, v5=v5, username="u", password="canary"))
            assert "canary" not in str(refused.value)
    finally:
        broker.kill()


def test_a_password_is_not_shown():
    """A traceback or a log that prints where the broker is does not print the password."""
    assert "canary" not in repr(where(1883, username="u", password="canary"))


async def test_nobody_there():
    """A port that nobody listens on, and a host that does not exist, are said so at once."""
    with pytest.raises(Refused, match=r"no broker at 127\.0\.0\.1:\d+ \(Connection refused\)") as refused:
        await connect(where(free_port()), will=WILL)
    assert (refused.value.code, refused.value.absent) == (None, True)


async def test_no_descriptor_is_left():
    """Out of files it is not the broker that is to blame, and an attempt costs nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        with pytest.raises(Refused, match="too many files are open: raise LimitNOFILE") as refused:
            await connect(where(1883), will=WILL)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert refused.value.absent


@pytest.mark.parametrize("welcome", [None, b"\x20\x03\x00"])
async def test_a_broker_that_does_not_answer(monkeypatch, welcome):
    """A port that accepts and says nothing, or only half a word, is given up; its socket is closed."""
    monkeypatch.setattr(client, "PATIENCE", 0.2)
    async with FakeBroker(welcome=lambda _: welcome) as fake:
        with pytest.raises(Refused, match=f"127.0.0.1:{fake.port} does not answer"):
            await connect(where(fake.port), will=WILL)
        await until(lambda: not fake.open)


async def test_given_up_while_it_connects(monkeypatch):
    """A name that takes long to look up is given up; the connection that the thread then makes is closed at once."""
    monkeypatch.setattr(client, "PATIENCE", 0.1)
    begun, go_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    original = client.Connection._connect

    def slow(connection):
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(10)
        try:
            original(connection)
        finally:
            loop.call_soon_threadsafe(ended.set)

    monkeypatch.setattr(client.Connection, "_connect", slow)
    async with FakeBroker() as fake:
        with pytest.raises(Refused, match="does not answer"):
            await connect(where(fake.port))
        assert begun.is_set()
        go_on.set()
        await asyncio.wait_for(ended.wait(), 5)
        await until(lambda: fake.writers and not fake.open)
        assert fake.connects == []


HTTP = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("v5", [True, False])
@pytest.mark.parametrize(
    "garbage",
    [
        HTTP,
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\x00" * 100,
        b"\x40\x01\x00",
        packet(CONNACK, 0, b""),
        packet(CONNACK, 0, b"\x00"),
        packet(CONNACK, 0, b"\x00\x00\xff"),
        packet(CONNACK, 0, b"\x00\x00\x05\x21\x00"),
        packet(CONNACK, 0, b"\x00\x77\x00"),
        packet(3, 0, b"\x00"),
        packet(3, 2, b"\x00\x01a"),
        packet(9, 0, b""),
        packet(14, 0, b"\x8e\x05"),
        packet(14, 0, b"\x01"),
        packet(15, 0, b""),
        packet(0, 0, b""),
    ],
)
async def test_garbage_instead_of_an_answer(monkeypatch, garbage, v5):
    """Whatever answers the port, the attempt ends with a sentence, and nothing is raised elsewhere."""
    monkeypatch.setattr(client, "PATIENCE", 0.3)
    elsewhere = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: elsewhere.append(context))
    async with FakeBroker(welcome=lambda _: garbage) as fake:
        with pytest.raises(Refused) as refused:
            await connect(where(fake.port, v5=v5))
        assert f"127.0.0.1:{fake.port}" in str(refused.value)
    assert elsewhere == []


async def test_random_answers():
    """Random bytes after a good start end the connection or are ignored; no exception comes of them."""
    chance = random.Random(7)
    elsewhere = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: elsewhere.append(context))
    heads = [0x20, 0x30, 0x32, 0x3D, 0x40, 0x50, 0x62, 0x70, 0x90, 0xB0, 0xC0, 0xD0, 0xE0, 0xF0, 0x00]
    async with FakeBroker() as fake:
        ended = 0
        for number in range(150):
            connection = await connect(where(fake.port, v5=number % 3 > 0), heard=lambda topic, payload: None)
            writer = fake.writers[-1]
            for _ in range(chance.randrange(1, 5)):
                body = chance.randbytes(chance.choice([0, 1, 2, 3, 5, 9, 40]))
                writer.write(packet(chance.choice(heads) >> 4, chance.randrange(16), body))
            writer.write(chance.randbytes(chance.randrange(6)))
            writer.close()
            why, _ = await asyncio.wait_for(connection.lost, 10)
            ended += bool(why)
            connection.close()
    assert ended == 150
    assert elsewhere == []


async def test_a_topic_that_is_no_text():
    """A message that the library cannot read ends the connection, with a sentence."""

    async def script(reader, writer):
        await reader.read(1000)
        writer.write(WELCOME_3 + packet(3, 0, b"\x00\x01\xff"))
        await reader.read()

    async with FakeBroker(script=script) as fake:
        connection = await connect(where(fake.port, v5=False), heard=lambda topic, payload: None)
        why, code = await asyncio.wait_for(connection.lost, 5)
        assert (why, code) == ("the broker sent what is no MQTT (UnicodeDecodeError)", None)


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


@pytest.mark.parametrize("v5", [True, False])
@pytest.mark.parametrize(
    ("mosquitto", "limits"),
    [
        (("retain_available false",), Limits(retain=False)),
        (("max_qos 0",), Limits(qos=0)),
        (("retain_available false", "max_qos 0"), Limits(qos=0, retain=False)),
        ((), Limits()),
    ],
    indirect=["mosquitto"],
)
async def test_a_will_that_asks_for_too_much(mosquitto, limits, v5):
    """A broker without retained messages, or without QoS 1, refuses us for our will alone: it gets one that it takes.

    3.1.1 states nothing; there, what it takes is found by trying.
    """
    connection = await connect(where(mosquitto.port, v5=v5), will=WILL)
    got = connection.limits
    assert (got.qos, got.retain, got.will) == (limits.qos, limits.retain, True)
    assert (got.lacking is None) == (limits == Limits())
    connection.close()


async def test_a_will_that_nobody_takes():
    """A broker that closes the connection at every will gets none, and the sentence says what that means."""
    wills = []

    def welcome(connect):
        wills.append(connect.will and connect.will[2:])
        return CUT if connect.will else WELCOME_3

    async with FakeBroker(welcome=welcome) as fake:
        connection = await connect(where(fake.port, v5=False), will=WILL)
        connection.close()
        assert wills == [(1, True), (1, False), (0, True), (0, False), None]
        assert connection.limits == Limits(will=False)
        assert "nobody is told when this gateway is lost" in connection.limits.lacking


def test_less():
    """A will asks for less only where that may help; any other refusal stays what it is."""
    assert less(WILL, Refused("", 0x9A), v5=True) == Will(WILL.topic, WILL.payload, 1, False)
    assert less(WILL, Refused("", 0x9B), v5=True) == Will(WILL.topic, WILL.payload, 0, True)
    assert less(WILL, Refused("", 0x95), v5=True) is None
    with pytest.raises(Refused):
        less(WILL, Refused("", 0x86), v5=True)
    with pytest.raises(Refused):
        less(Will("t", b"", 1, False), Refused("", 0x9A), v5=True)


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


async def test_no_descriptor_stays_open(mosquitto):
    """Connections that were made, refused, broken and closed leave nothing behind."""
    async with FakeBroker(welcome=lambda _: b"\x20\x02\x00\x05") as fake:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            connection = await connect(where(mosquitto.port), will=WILL)
            connection.close()
            with pytest.raises(Refused):
                await connect(where(fake.port, v5=False))
            with pytest.raises(Refused):
                await connect(where(free_port()))
        await until(lambda: not fake.open)
        await until(lambda: len(os.listdir("/proc/self/fd")) <= before)

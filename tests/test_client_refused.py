"""A broker that refuses, is not there or does not answer: one sentence, and nothing is left open."""

import asyncio
import os
import resource
import subprocess

import pytest

from gateway.publish import client
from gateway.publish.broker import Refused
from gateway.publish.client import connect
from tests.brokers import FakeBroker, Mosquitto, free_port
from tests.connections import WILL, where
from tests.waiting import until


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

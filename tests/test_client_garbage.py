"""Whatever answers a connection, be it no MQTT at all: it ends with a sentence."""

import asyncio
import random

import pytest

from gateway.publish import client
from gateway.publish.broker import Refused
from gateway.publish.client import connect
from tests.brokers import FakeBroker
from tests.connections import where
from tests.packets import CONNACK, WELCOME_3, packet

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

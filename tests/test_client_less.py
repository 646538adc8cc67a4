"""The will of a connection, and how much less of it a broker may be asked for."""

import asyncio

import pytest

from gateway.publish.broker import Limits, Refused, Will, less
from gateway.publish.client import connect
from tests.brokers import CUT, FakeBroker, Judge
from tests.connections import WILL, where
from tests.packets import WELCOME_3
from tests.waiting import until


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

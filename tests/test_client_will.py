"""A broker that does not take our will: it gets a shorter one or none, and a wrong password is still told as one."""

import asyncio
import dataclasses

import pytest

from gateway.publish.broker import Limits, Refused, Will, less
from gateway.publish.client import connect
from gateway.publish.packets import fits, topic_part
from tests.brokers import CUT, FakeBroker, Judge, Mosquitto
from tests.connections import where
from tests.packets import WELCOME_3, WELCOME_5
from tests.waiting import until

BRIEF = b'{"state":"offline","reason":"lost"}'
WILL = Will("gw/g/status", BRIEF + bytes(700), brief=BRIEF)
NOT_AUTHORIZED_3, NOT_AUTHORIZED_5 = b"\x20\x02\x00\x05", b"\x20\x03\x00\x87\x00"


@pytest.mark.parametrize("v5", [True, False])
@pytest.mark.parametrize("mosquitto", [("message_size_limit 400",)], indirect=True)
async def test_a_broker_that_takes_a_brief_will(mosquitto, v5):
    """What is too large for it is said in brief when the line breaks, and its size is known from then on."""
    async with Judge(mosquitto.port) as judge:
        connection = await connect(where(mosquitto.port, v5=v5), will=WILL)
        assert connection.limits.will
        assert connection.limits.lacking is None
        assert not fits(topic_part(WILL.topic), WILL.payload, connection.limits.packet)
        assert fits(topic_part(WILL.topic), WILL.payload[1:], connection.limits.packet)
        connection.close()
        await until(lambda: judge.messages)
        assert [(one.topic, one.payload) for one in judge.messages] == [(WILL.topic, BRIEF)]


@pytest.mark.parametrize("v5", [True, False])
@pytest.mark.parametrize("mosquitto", [("message_size_limit 20",)], indirect=True)
async def test_a_broker_that_takes_no_will_of_any_use(mosquitto, v5):
    """It is connected without one, and what that means is a sentence; no limit is made up from it."""
    connection = await connect(where(mosquitto.port, v5=v5), will=WILL)
    assert not connection.limits.will
    assert "nobody is told when this gateway is lost" in connection.limits.lacking
    assert connection.limits.packet is None
    connection.close()


@pytest.mark.parametrize("v5", [True, False])
async def test_an_access_list_that_forbids_the_will(v5):
    """Who may connect and may not leave a will is let in without it."""

    def welcome(connect):
        if connect.will is None:
            return WELCOME_5 if v5 else WELCOME_3
        return NOT_AUTHORIZED_5 if v5 else NOT_AUTHORIZED_3

    async with FakeBroker(welcome=welcome) as fake:
        connection = await connect(where(fake.port, v5=v5), will=WILL)
        assert not connection.limits.will
        connection.close()


@pytest.mark.parametrize("v5", [True, False])
async def test_a_wrong_password(v5):
    """It is told as one when it was refused without a will too, and after no more attempts than that takes."""
    async with FakeBroker(welcome=lambda _: NOT_AUTHORIZED_5 if v5 else NOT_AUTHORIZED_3) as fake:
        with pytest.raises(Refused, match=r"password is wrong, or may not connect; see mqtt\.username") as refused:
            await connect(where(fake.port, v5=v5, username="u", password="wrong"), will=WILL)
        assert refused.value.code == 0x87
        sizes = [connect.will and len(connect.will[1]) for connect in fake.connects]
        assert sizes == ([735, None] if v5 else [735, 35, None])


async def test_a_stated_reason_is_tried_once():
    """A user name that is wrong, an id, a broker that is busy: no will makes these better."""
    for code in (2, 3, 4):
        async with FakeBroker(welcome=lambda _, code=code: bytes([0x20, 2, 0, code])) as fake:
            with pytest.raises(Refused):
                await connect(where(fake.port, v5=False), will=WILL)
            assert len(fake.connects) == 1


async def test_a_broker_that_cuts_the_line_at_a_long_will():
    """Closed connections are tried brief first, so that a limit of bytes does not cost QoS and retained messages."""

    def welcome(connect):
        return CUT if connect.will and len(connect.will[1]) > 100 else WELCOME_3

    async with FakeBroker(welcome=welcome) as fake:
        connection = await connect(where(fake.port, v5=False), will=WILL)
        assert len(fake.connects) == 2
        assert connection.limits == Limits(), "the line may have broken by itself"
        connection.close()
        await asyncio.wait_for(connection.lost, 5)


@pytest.mark.parametrize("line", ["retain_available false", "max_qos 0"])
async def test_a_broker_that_cuts_the_line_at_what_it_lacks(tmp_path, line):
    """Where a brief will is no better it was not the size: nothing is made up about that, and the whole one is left."""
    broker = Mosquitto(tmp_path, [line])
    broker.start()
    try:
        async with Judge(broker.port) as judge:
            connection = await connect(where(broker.port, v5=False), will=WILL)
            assert dataclasses.replace(connection.limits, qos=1, retain=True) == Limits()
            connection.close()
            await until(lambda: judge.messages)
            assert judge.messages[0].payload == WILL.payload
    finally:
        broker.kill()


def test_brief_before_none():
    """Of a will that may be too large the brief one is next, in 5 only where it says that it is that."""
    brief = dataclasses.replace(WILL, payload=BRIEF, brief=None, whole=WILL.payload)
    assert less(WILL, Refused("", 0x95), v5=True) == less(WILL, Refused("", 0x87), v5=False) == brief
    assert less(brief, Refused("", 0x95), v5=True) is less(brief, Refused("", 0x87), v5=False) is None
    assert less(WILL, Refused("", 0x87), v5=True) is None

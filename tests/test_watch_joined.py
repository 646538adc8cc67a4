"""When `gateway watch` has a subscription anew: what comes then may be old, and what comes later is not."""

import asyncio
from types import SimpleNamespace

import pytest

from gateway.watch import hearing
from gateway.watch.fleet import Fleet
from tests.test_watch_fleet import document, lost
from tests.waiting import until


@pytest.fixture
async def hearing_all(monkeypatch):
    """The fleet, and what is heard of a broker that sends what it keeps before it says that we are let in."""
    known, doors, kept = Fleet("gateway"), [], [document("g")]

    async def subscribed(where, topics, heard):
        heard(*kept[-1])
        doors.append(SimpleNamespace(lost=asyncio.get_running_loop().create_future(), close=lambda: None))
        return doors[-1]

    async def where():
        return None

    monkeypatch.setattr(hearing, "subscribed", subscribed)
    monkeypatch.setattr(hearing, "delay", lambda *_, **__: 0.0)
    source = SimpleNamespace(where=where, topic="gateway/+/status", said=str)
    one = hearing.Hearing(source, known)
    task = asyncio.create_task(one.run())
    await one.connected.wait()
    yield known, doors, kept, one
    task.cancel()


async def test_a_will_that_comes_next_is_seen_as_it_comes(hearing_all):
    """It says since when the gateway is lost: the broker had sent what it keeps before."""
    known, _, _, one = hearing_all
    one._heard(*lost("g"))
    (member,) = known.gateways.values()
    assert member.live and member.turned is not None


async def test_what_comes_after_a_break_may_be_as_old_as_that(hearing_all):
    """A will that was kept meanwhile: nobody has seen when it came."""
    known, doors, kept, _ = hearing_all
    kept.append(lost("g"))
    doors[0].lost.set_result(("cut", None))
    await until(lambda: len(doors) == 2)
    (member,) = known.gateways.values()
    assert member.told.reason == "lost" and not member.live and member.turned is None

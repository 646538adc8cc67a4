"""What is asked of the gateway for many: one snapshot for all who wait, and never more than it can bear. No socket."""

import asyncio

import pytest

from gateway.feed.protocol import Message
from gateway.web import asking as askings
from gateway.web.asking import Asking
from gateway.web.link import Silent

from .waiting import until


class Link:
    """A gateway whose snapshots take so long, and are numbered."""

    def __init__(self, took=0.0):
        self.took, self.asked = took, []
        self.answers = asyncio.Event()
        self.answers.set()

    async def ask(self, what, **about):
        self.asked.append((what, about))
        await self.answers.wait()
        return Message({"took": self.took}, b'{"n": %d}' % len(self.asked))


async def test_all_who_wait_get_one():
    """While one snapshot is waited for, whoever asks gets the next one, and all of them that."""
    link = Link()
    link.answers.clear()
    asking = Asking(link)
    first = asyncio.ensure_future(asking.snapshot())
    await until(lambda: len(link.asked) == 1)
    later = [asyncio.ensure_future(asking.snapshot()) for _ in range(10)]
    await until(lambda: len(link.asked) == 2)
    link.answers.set()
    await first
    assert len({(await one)["n"] for one in later}) == 1
    assert len(link.asked) == 2


async def test_whoever_asks_again_and_again_is_slowed_down(monkeypatch):
    """A burst is answered at once; in the long run the gateway spends a small part of its time on snapshots."""
    monkeypatch.setattr(askings, "AT_ONCE", 5)
    loop, asking = asyncio.get_running_loop(), Asking(Link())
    began = loop.time()
    for _ in range(5):
        await asking.snapshot()
    assert loop.time() - began < 0.3
    for _ in range(3):
        await asking.snapshot()
    assert loop.time() - began > 0.2


async def test_what_takes_long_is_asked_more_rarely(monkeypatch):
    """A gateway with thousands of sensors, whose snapshots take long, is left more time between them."""
    monkeypatch.setattr(askings, "AT_ONCE", 1)
    loop, asking = asyncio.get_running_loop(), Asking(Link(took=0.04))
    await asking.snapshot()
    began = loop.time()
    await asking.snapshot()
    assert loop.time() - began > 0.2


async def test_an_hour_is_asked_once_for_all_pages():
    """Ten pages that open at once ask for each sensor's hour, and the gateway is asked for it once."""
    link = Link()
    asking = Asking(link)
    await asyncio.gather(*(asking.hour(id) for id in (1, 2) for _ in range(10)))
    assert link.asked == [("history", {"id": 1}), ("history", {"id": 2})]


async def test_a_gateway_that_is_silent_is_told():
    """No answer is an error of its own, for all who wait."""

    class Deaf(Link):
        async def ask(self, what, **about):
            raise Silent

    asking = Asking(Deaf())
    for _ in range(2):
        with pytest.raises(Silent):
            await asking.snapshot()

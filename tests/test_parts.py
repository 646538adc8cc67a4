"""Parts that run by themselves: which of them end the service, and which begin anew."""

import asyncio
from types import SimpleNamespace

import pytest

from gateway import parts
from gateway.parts import Parts
from gateway.webbed import Webbed
from tests.waiting import until


async def test_a_part_of_the_street_ends_the_service():
    """What it fails with is raised where the service waits."""

    async def fails():
        raise RuntimeError("no way on")

    made = Parts()
    made.start(fails())
    with pytest.raises(RuntimeError, match="no way on"):
        await made.until(asyncio.Event())


async def test_a_part_beside_the_street_begins_anew(monkeypatch):
    """Each time that it fails is told, with what it is called; the service goes on, and it ends when it is ended."""
    monkeypatch.setattr(parts, "ANEW", 0.0)
    begun, told = [], []

    async def beside():
        begun.append(len(begun))
        if len(begun) < 3:
            raise ValueError(len(begun))
        await asyncio.get_running_loop().create_future()

    made = Parts()
    made.keep(beside, lambda part, error: told.append((part.rpartition(".")[2], str(error))))
    await until(lambda: len(begun) == 3)
    assert told == [("beside", "1"), ("beside", "2")]
    assert made.running
    await made.end()
    assert not made.running


def test_a_mistake_in_the_page_s_plots_costs_no_reading():
    """It is told once, and nothing is collected for the page from then on; the street does not hear of it."""
    told, turned = [], []

    class Rings:
        def feed(self, pieces):
            raise IndexError("out of its ring")

    def turn(on):
        turned.append(on)
        page._on = on

    page = SimpleNamespace(
        _on=True, _rings=Rings(), _turn=turn, _event=lambda name, **fields: told.append((name, fields["where"]))
    )
    for _ in range(3):
        Webbed.feed(page, [])
    assert told == [("service.failed", "the page's plots")] and turned == [False]

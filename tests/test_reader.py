"""The reader of one board, on a real pseudo-terminal: what it takes of it, and what it lets be."""

import asyncio
import os
import time

import pytest

from gateway.ingest import ports, trust
from gateway.ingest.identity import device
from gateway.ingest.modem import Losses
from gateway.model import Sample, Why
from tests.readers import adapter, nothing_stays_open, open_ports, pause, reading, rounds, until

__all__ = ["adapter", "nothing_stays_open"]  # the fixtures


async def test_a_board_is_read(adapter):
    """From its first terminator on, a board's lines are readings, stamped with both clocks."""
    adapter.plug()
    async with reading(adapter.link) as rig:
        await rig.state("online")
        adapter.write(b"1=99\nS1=21.5\nS1=22.5\n# text\nrubbish\nS1=23")
        await until(lambda: rig.account.frames == 5)
        assert rig.samples == [Sample("S1", 21.5, "°C"), Sample("S1", 22.5, "°C")]
        assert rig.account.bytes == 41
        assert abs(rig.chunks[0].wall - time.time()) < 2
        assert abs(rig.chunks[0].mono - time.monotonic()) < 2
        assert rig.told == [("online", None)]
        assert rig.reader.port == str(adapter.link)
    assert (rig.account.noise, rig.account.refused) == (3, {Why.NOT_A_NUMBER: 1})


async def test_boot_text_is_noise_while_a_board_settles(adapter):
    """What a board says in its time to settle is noise, good lines too; it is offline until then."""
    adapter.plug()
    async with reading(adapter.link, port={"settle": 0.3}) as rig:
        await until(lambda: adapter.path in open_ports())
        began = time.monotonic()
        while rig.reader.state == "offline":
            adapter.write(b"S1=85.0\nets Jun  8 2016\n")
            await asyncio.sleep(0.02)
        assert 0.2 < time.monotonic() - began < 1.0
        await until(lambda: rig.account.noise >= 4)
        settled = rig.account.noise
        adapter.write(b"\nS1=21.5\n")
        await until(lambda: 21.5 in rig.values())
        assert settled <= rig.account.noise


async def test_a_quiet_board_that_settles_is_online_in_time(adapter):
    """A board that says nothing while it settles is online when that time is over."""
    adapter.plug()
    async with reading(adapter.link, port={"settle": 0.1}) as rig:
        await rig.state("online", within=1.0)


async def test_a_shared_port(adapter):
    """While another program has the port open no line is taken; when it lets go they are again."""
    adapter.plug()
    async with reading(adapter.link) as rig:
        await rig.state("online")
        await until(lambda: rig.reader.device)  # it is read, and not only open
        assert rig.reader.device == device(os.stat(adapter.path))
        rig.reader.share("cat (pid 7)")
        adapter.write(b"\nS1=1\n# text\n")
        await until(lambda: rig.account.frames == 3)
        assert (rig.values(), rig.account.refused, rig.account.noise) == ([], {Why.SHARED: 1}, 2)
        rig.reader.share(None)
        adapter.write(b"S1=2\n")
        await until(lambda: rig.values() == [2.0])
        rig.reader.share("cat (pid 7)")
        adapter.unplug()
        await rig.state("offline")
        await until(lambda: rig.reader.sharer is None)


async def test_bytes_that_the_kernel_lost(adapter, monkeypatch):
    """When the driver counts a loss, the lines around it are refused, and it is counted in the account."""
    lost = Losses(3, 5)
    monkeypatch.setattr(ports.modem, "losses", lambda fd: lost)
    adapter.plug()
    async with reading(adapter.link) as rig:
        await rig.state("online")
        adapter.write(b"\nS1=1\n")
        await until(lambda: rig.values() == [1.0])
        assert rig.account.overruns == 0
        lost = Losses(5, 6)
        adapter.write(b"S1=2\n")
        await until(lambda: rig.account.refused == {Why.OVERRUN: 1})
        assert (rig.account.overruns, rig.account.line_errors) == (2, 1)
        await pause(trust.HOLD)
        adapter.write(b"S1=3\n")
        await until(lambda: rig.values() == [1.0, 3.0])


async def test_the_usual_interval_is_learnt(adapter):
    """The interval between a board's frames is known after some of them, and is not learnt across an outage."""
    adapter.plug()
    async with reading(adapter.link) as rig:
        await rig.state("online")
        for _ in range(6):
            adapter.write(b"S1=1\n")
            await asyncio.sleep(0.05)
        learnt = rig.reader.hearing.interval
        assert learnt == pytest.approx(0.05, rel=0.5)
        adapter.unplug()
        await rig.state("offline")
        adapter.plug()
        await rig.state("online")
        adapter.write(b"S1=1\n")
        await until(lambda: rig.account.bytes == 35)
        assert rig.reader.hearing.interval == learnt


async def test_a_paused_board_waits(adapter):
    """A paused reader takes nothing and is not called silent; when it goes on, what waited is read."""
    adapter.plug()
    async with reading(adapter.link, silent=0.1) as rig:
        await rig.state("online")
        adapter.write(b"\nS1=1\n")
        await until(lambda: rig.values() == [1.0])
        rig.reader.pause()
        adapter.write(b"S1=2\n")
        paused = time.monotonic()
        await until(lambda: time.monotonic() > paused + 0.3)
        assert rig.values() == [1.0]
        assert rig.told == [("online", None)]
        rig.reader.resume()
        await until(lambda: rig.values() == [1.0, 2.0])


async def test_a_paused_board_that_is_unplugged(adapter):
    """A reader that is paused still lets go of a port within a second of its loss, and stays paused on the next one."""
    adapter.plug()
    async with reading(adapter.link) as rig:
        await rig.state("online")
        rig.reader.pause()
        adapter.unplug()
        await rig.state("offline", within=1.0)
        assert adapter.path not in open_ports()
        adapter.plug()
        await rig.state("online")
        adapter.write(b"\nS1=1\n")
        await rounds()
        assert rig.samples == []
        rig.reader.resume()
        await until(lambda: rig.values() == [1.0])


async def test_too_many_sensors(adapter):
    """A board that names ever new sensors keeps those that it may have; the others' values are refused."""
    adapter.plug()
    async with reading(adapter.link, max_sensors=3) as rig:
        await rig.state("online")
        adapter.write(b"\n" + b"".join(b"S%d=1\n" % number for number in range(10)))
        await until(lambda: rig.account.values == 10)
        assert [sample.sensor for sample in rig.samples] == ["S0", "S1", "S2"]
        assert rig.account.refused_values == {Why.TOO_MANY_SENSORS: 7}

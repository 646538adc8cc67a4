"""Ports that cannot be opened, or not yet: the reader says why, and takes them as soon as it can."""

import fcntl
import os
import threading

from gateway.ingest import opening, reader, trouble
from gateway.model import Port
from tests.readers import Adapter, adapter, nothing_stays_open, open_ports, reading, until

__all__ = ["adapter", "nothing_stays_open"]  # the fixtures


async def test_a_board_that_is_not_there_yet(adapter):
    """A board that is not plugged in is told as such, and read as soon as it is."""
    async with reading(adapter.link) as rig:
        await until(lambda: "not there" in (rig.reader.reason or ""))
        adapter.plug()
        await rig.state("online")
        assert rig.reader.reason is None
        assert rig.account.reopened == 0


async def test_a_busy_port_is_taken_when_it_is_free(adapter):
    """A port that another program holds is left alone, its holder named, and taken when it is let go."""
    adapter.plug()
    other = os.open(adapter.path, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    async with reading(adapter.link) as rig:
        await until(lambda: "in use by" in (rig.reader.reason or ""))
        assert rig.told == [("offline", rig.reader.reason)]
        os.close(other)
        await rig.state("online", within=6.0)


async def test_a_permission_that_is_given_is_noticed_at_once(adapter, monkeypatch):
    """A port that was denied is tried again as soon as its permissions change, however long the pause was to be."""
    adapter.plug()
    denied = True
    real = opening.open_port

    def guarded(port: Port) -> opening.Handle:
        if denied:
            raise trouble.PortError("no permission to open it")
        return real(port)

    monkeypatch.setattr(opening, "open_port", guarded)
    monkeypatch.setattr(reader, "delay", lambda attempts, chance: 60.0)
    async with reading(adapter.link) as rig:
        await until(lambda: "no permission" in (rig.reader.reason or ""))
        denied = False
        os.chmod(adapter.path, 0o660)
        await rig.state("online")


async def test_a_path_that_is_no_port(tmp_path):
    """A path to something else is told as such, and nothing breaks."""
    (tmp_path / "file").write_text("S1=1\n")
    async with reading(tmp_path / "file") as rig:
        await until(lambda: "no serial port" in (rig.reader.reason or ""))
        assert rig.samples == []


async def test_an_open_that_hangs_is_told_and_holds_up_no_other(adapter, tmp_path, monkeypatch):
    """While one port hangs in its open the status says so, another board is read, and no more threads are started."""
    monkeypatch.setattr(reader, "SLOW_OPEN", 0.05)
    release, opens = threading.Event(), []
    real = opening.open_port

    def hangs(port: Port) -> opening.Handle:
        if port.baud == 300:
            opens.append(port)
            release.wait(10)
        return real(port)

    monkeypatch.setattr(opening, "open_port", hangs)
    (tmp_path / "other").mkdir()
    other = Adapter(tmp_path / "other")
    adapter.plug()
    other.plug()
    async with reading(adapter.link, port={"baud": 300}) as slow, reading(other.link) as quick:
        await until(lambda: "takes long" in (slow.reader.reason or ""))
        await quick.state("online")
        other.write(b"\nS1=1\n")
        await until(lambda: quick.values() == [1.0])
        assert (slow.reader.state, len(opens)) == ("offline", 1)
        release.set()
        await slow.state("online")
        assert slow.reader.reason is None
    other.unplug()


async def test_a_stop_in_the_middle_of_an_open(adapter, monkeypatch):
    """A reader that is stopped while its port hangs in the open ends at once; the port is closed when it comes."""
    release, before = threading.Event(), open_ports()
    real = opening.open_port
    monkeypatch.setattr(opening, "open_port", lambda port: real(port) if release.wait(10) else None)
    adapter.plug()
    async with reading(adapter.link):
        await until(lambda: any(thread.name.startswith("open") for thread in threading.enumerate()))
        assert open_ports() <= before
    release.set()
    await until(lambda: not any(thread.name.startswith(("open", "close")) for thread in threading.enumerate()))
    assert adapter.path not in open_ports()

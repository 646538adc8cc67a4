"""Ports that go and come back, under another number, again and again or broken: the reader follows its board."""

import asyncio
import errno
import os
import resource
import socket
import threading
import time

import pytest

from gateway.ingest import ports, reader, trouble, waiting
from tests.readers import adapter, nothing_stays_open, open_ports, reading, until

__all__ = ["adapter", "nothing_stays_open"]  # the fixtures


async def test_unplugged_in_mid_line_and_back_under_another_number(adapter):
    """A board that goes in mid-line is closed at once, and read within 2 s of its return; no half line counts."""
    adapter.plug()
    async with reading(adapter.link) as rig:
        await rig.state("online")
        adapter.write(b"\nS1=1\nS1=2")
        await until(lambda: rig.values() == [1.0])
        first = adapter.path
        adapter.unplug()
        await rig.state("offline", within=1.0)
        await until(lambda: first not in " ".join(open_ports()), within=1.0)  # nor "(deleted)"
        await until(lambda: "not there" in (rig.reader.reason or ""), within=1.0)
        guests = [os.openpty() for _ in range(2)]  # they take its number
        adapter.plug()
        assert adapter.path != first
        back = time.monotonic()
        await rig.state("online")
        adapter.write(b"9\nS1=3\n")
        await until(lambda: rig.values() == [1.0, 3.0])
        assert time.monotonic() - back < 2.0
        assert rig.account.reopened == 1
        for fd in sum(guests, ()):
            os.close(fd)


@pytest.mark.slow
async def test_fifty_replugs_leave_nothing_behind(adapter, monkeypatch):
    """After many replugs there are as many descriptors and threads as before, and each time the board was read."""
    monkeypatch.setattr(waiting, "LOOK", 0.01)
    adapter.plug()
    async with reading(adapter.link) as rig:
        await rig.state("online")
        adapter.unplug()
        await rig.state("offline")
        before, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
        for number in range(50):
            adapter.plug()
            await rig.state("online")
            adapter.write(b"\nS1=%d\n" % number)
            await until(lambda: rig.values()[-1:] == [float(number)])  # noqa: B023  # it is awaited here
            adapter.unplug()
            await rig.state("offline")
        await until(lambda: len(os.listdir("/proc/self/fd")) == before)
        assert threading.active_count() <= threads + 2
        assert rig.account.reopened == 50
        assert rig.values() == [float(number) for number in range(50)]


@pytest.mark.slow
async def test_a_flapping_hub(adapter):
    """A port that comes and goes every 50 ms costs little meanwhile, and is read within 2 s of its last return."""
    async with reading(adapter.link) as rig:
        used = resource.getrusage(resource.RUSAGE_SELF)
        for _ in range(20):
            adapter.plug()
            await asyncio.sleep(0.05)
            adapter.unplug()
            await asyncio.sleep(0.05)
        spent = resource.getrusage(resource.RUSAGE_SELF)
        adapter.plug()
        await rig.state("online")
        adapter.write(b"\nS1=1\n")
        await until(lambda: rig.values() == [1.0])
        assert rig.account.reopened <= 20
        assert spent.ru_utime + spent.ru_stime - used.ru_utime - used.ru_stime < 0.5


@pytest.mark.parametrize("trouble", [errno.EIO, errno.ENODEV, errno.EBADF, None])
async def test_one_read_fails(adapter, monkeypatch, trouble):
    """After one failed or empty read the port is opened anew within 2 s, and only the broken line is lost."""
    adapter.plug()
    async with reading(adapter.link) as rig:
        await rig.state("online")
        adapter.write(b"\nS1=1\nS1=2\nS1=3")
        await until(lambda: rig.values() == [1.0, 2.0])
        real = os.read

        def fails(fd: int, size: int) -> bytes:
            if size != ports.READ_SIZE:
                return real(fd, size)
            monkeypatch.setattr(os, "read", real)
            if trouble is None:
                return b""
            raise OSError(trouble, os.strerror(trouble))

        monkeypatch.setattr(os, "read", fails)
        adapter.write(b"0\nS1=4\nS1=5")
        await until(lambda: rig.account.reopened == 1 and rig.reader.state == "online")
        adapter.write(b"0\nS1=6\n")
        await until(lambda: rig.values() == [1.0, 2.0, 30.0, 4.0, 6.0])  # what waited behind the failed read is good
        assert [state for state, _ in rig.told] == ["online", "offline", "online"]


async def test_a_port_that_fails_again_and_again_is_tried_ever_more_rarely(adapter, monkeypatch):
    """A port that stays there and fails as soon as it is open is not hammered: the pauses grow, with full jitter."""
    adapter.plug()
    pauses = []

    async def rest(seconds: float, *_: object) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    async def fails(*arguments: object) -> None:
        raise trouble.PortError("broken")

    monkeypatch.setattr(reader, "waited", rest)
    monkeypatch.setattr(reader, "connect", fails)
    monkeypatch.setattr(reader, "opened", lambda port: asyncio.sleep(0))
    async with reading(adapter.link) as rig:
        rig.reader._chance = lambda: 1.0  # the longest that the jitter can give
        await until(lambda: len(pauses) >= 8)
    assert pauses[:8] == [0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


async def test_a_link_that_never_hung_up(adapter, monkeypatch):
    """When a silent port's path names another device, the old one is let go although it never said that it is gone."""
    monkeypatch.setattr(reader, "LOOK_WHEN_SILENT", 0.05)
    adapter.plug()
    async with reading(adapter.link, silent=0.1) as rig:
        await rig.state("silent")
        old, old_path = adapter.main, adapter.path
        adapter.plug()
        await until(lambda: rig.account.reopened == 1)
        await rig.state("online")
        assert old_path not in open_ports()
        assert any("another device" in (reason or "") for _, reason in rig.told)
        adapter.write(b"\nS1=1\n")
        await until(lambda: rig.values() == [1.0])
        os.close(old)


async def test_a_bare_device_is_followed_by_its_stable_path(adapter, monkeypatch):
    """A board that was named by its bare number is known by its stable path once it was seen, and found there again."""
    adapter.plug()
    bare = adapter.path
    monkeypatch.setattr(reader, "stable_path", lambda path: str(adapter.link) if path == bare else path)
    async with reading(bare) as rig:
        await rig.state("online")
        assert rig.reader.port == str(adapter.link)
        adapter.unplug()
        await rig.state("offline")
        guest, guest_end = os.openpty()  # another adapter takes the number
        adapter.plug()
        await rig.state("online")
        adapter.write(b"\nS1=1\n")
        await until(lambda: rig.values() == [1.0])
        os.close(guest)
        os.close(guest_end)


async def test_a_serial_server_goes_and_comes_back():
    """A board behind a serial server is read, is offline when the server closes, and is read again when it is back."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        async with reading(f"socket://127.0.0.1:{address[1]}") as rig:
            await rig.state("online")
            far, _ = server.accept()
            far.sendall(b"\nS1=1\nS1=2")
            await until(lambda: rig.values() == [1.0])
            server.close()
            far.close()
            await rig.state("offline", within=1.0)
            await until(lambda: "cannot be reached" in (rig.reader.reason or ""))
            with socket.create_server(address) as again:
                await rig.state("online", within=6.0)
                far, _ = again.accept()
                far.sendall(b"\nS1=3\n")
                await until(lambda: rig.values() == [1.0, 3.0])
                far.close()

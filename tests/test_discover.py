"""Boards that are found without being named."""

import asyncio
import contextlib
import os
import time

import pytest

from gateway.ingest.discover import discover, discovered, newcomers
from gateway.ingest.identity import Holder, SerialPort
from gateway.model import Board, Port
from tests.readers import until


def port(name: str, device: str, *, usb: bool = True, holder: Holder | None = None) -> SerialPort:
    return SerialPort(f"/dev/serial/by-id/{name}", device, "", usb, holder, None)


def test_who_becomes_a_board():
    """USB ports that nobody holds and no table names become boards; a UART of the machine's own does not."""
    free, uart = port("usb-a", "/dev/ttyUSB0"), port("uart", "/dev/ttyS0", usb=False)
    held = port("usb-b", "/dev/ttyUSB1", holder=Holder(7, "ModemManager"))
    assert newcomers([free, held, uart], set()) == [free]


@pytest.mark.parametrize("named", ["usb-a", "ttyUSB0", "by-path"])
def test_a_port_that_a_table_names_is_its_own(tmp_path, named):
    """A port is known by any path to it: its stable path, its device, or another link."""
    (tmp_path / "ttyUSB0").touch()
    (tmp_path / "by-path").symlink_to("ttyUSB0")
    (tmp_path / "usb-a").symlink_to("ttyUSB0")
    there = SerialPort(str(tmp_path / "usb-a"), str(tmp_path / "ttyUSB0"), "", True, None, None)
    assert newcomers([there], {str(tmp_path / named)}) == []
    assert newcomers([there], {str(tmp_path / "other")}) == [there]


def test_a_board_that_has_gone_is_not_new_when_it_is_back():
    """A port whose device has another number now is known by its stable path."""
    assert newcomers([port("usb-a", "/dev/ttyUSB5")], {"/dev/serial/by-id/usb-a"}) == []


@pytest.mark.parametrize("prefix, name", [("bench", "bench-usb-a"), ("", "usb-a")])
def test_what_a_found_board_is_like(prefix, name):
    """A found board has the pattern's settings, the port's path, and a name of both."""
    pattern = Board(prefix, Port("auto", baud=9600), silent=5.0, tags=(("room", "attic"),))
    board = discovered(pattern, port("usb-a", "/dev/ttyUSB0"))
    assert board == Board(name, Port("/dev/serial/by-id/usb-a", baud=9600), silent=5.0, tags=(("room", "attic"),))


class Machine:
    """Ports that come and go, and how often somebody looked."""

    def __init__(self, folder: str) -> None:
        self.folder, self.ports, self.looks = folder, [], 0

    def look(self) -> list[SerialPort]:
        self.looks += 1
        return list(self.ports)

    def set(self, *ports: SerialPort) -> None:
        self.ports = list(ports)
        os.utime(self.folder, ns=(time.monotonic_ns(), time.monotonic_ns()))


@contextlib.asynccontextmanager
async def discovering(machine: Machine, *taken: str, **more: object):
    found = []
    work = discover(
        Board("", Port("auto")), taken, found.append, look=machine.look, folders=(machine.folder,), period=0.01, **more
    )
    task = asyncio.create_task(work)
    yield found
    assert not task.done(), task.exception()
    task.cancel()
    await asyncio.wait({task})


async def test_boards_are_found_as_they_come(tmp_path):
    """A board that is there is found, one that comes later too, each once, however often it comes and goes."""
    machine = Machine(str(tmp_path))
    machine.set(port("usb-a", "/dev/ttyUSB0"))
    async with discovering(machine) as found:
        await until(lambda: [board.name for board in found] == ["usb-a"])
        machine.set(port("usb-a", "/dev/ttyUSB0"), port("usb-b", "/dev/ttyUSB1"))
        await until(lambda: [board.name for board in found] == ["usb-a", "usb-b"])
        machine.set(port("usb-b", "/dev/ttyUSB1"))
        looks = machine.looks
        await until(lambda: machine.looks > looks)
        machine.set(port("usb-a", "/dev/ttyUSB2"), port("usb-b", "/dev/ttyUSB1"))
        looks = machine.looks
        await until(lambda: machine.looks > looks)
        assert [board.name for board in found] == ["usb-a", "usb-b"]


async def test_what_comes_at_a_bad_time_is_found_later(tmp_path):
    """While it is not the time nothing is looked at, and then all that came meanwhile is found."""
    machine, waits = Machine(str(tmp_path)), [True]
    machine.set(port("usb-a", "/dev/ttyUSB0"))
    async with discovering(machine, not_now=lambda: waits[0]) as found:
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert (machine.looks, found) == (0, [])
        waits[0] = False
        await until(lambda: [board.name for board in found] == ["usb-a"])


async def test_nobody_lists_ports_without_news(tmp_path):
    """While nothing is plugged in or out, only the time of a folder is looked at."""
    machine = Machine(str(tmp_path))
    machine.set(port("usb-a", "/dev/ttyUSB0"))
    async with discovering(machine) as found:
        await until(lambda: found)
        looks, began = machine.looks, time.monotonic()
        await until(lambda: time.monotonic() > began + 0.2)
        assert machine.looks <= looks + 1


async def test_a_port_is_looked_at_twice(tmp_path):
    """A port whose links are still being made is not taken at first sight: another table's link may be one of them."""
    (tmp_path / "dev").mkdir()
    (tmp_path / "ttyUSB0").touch()
    machine = Machine(str(tmp_path / "dev"))
    named = tmp_path / "by-path"
    new = SerialPort(str(tmp_path / "usb-a"), str(tmp_path / "ttyUSB0"), "", True, None, None)
    real, machine.look = (
        machine.look,
        lambda: (named.exists() or named.symlink_to("ttyUSB0"), real())[1] if machine.looks else real(),
    )
    machine.set(new)
    async with discovering(machine, str(named)) as found:
        await until(lambda: machine.looks >= 2)
        began = time.monotonic()
        await until(lambda: time.monotonic() > began + 0.05)
        assert found == []


async def test_a_held_port_is_taken_when_it_is_free(tmp_path, monkeypatch):
    """A port that another program holds is looked at again, and becomes a board when it is let go."""
    monkeypatch.setattr("gateway.ingest.discover.HELD_PERIOD", 0.02)
    machine = Machine(str(tmp_path))
    machine.set(port("usb-a", "/dev/ttyUSB0", holder=Holder(7, "ModemManager")))
    async with discovering(machine) as found:
        await until(lambda: machine.looks >= 3)
        assert found == []
        machine.ports = [port("usb-a", "/dev/ttyUSB0")]  # nothing was plugged: no folder tells of it
        await until(lambda: [board.name for board in found] == ["usb-a"])


async def test_ports_that_the_gateway_reads_itself_are_no_reason_to_look(tmp_path, monkeypatch):
    """A port that is held because a table's reader has it is not looked at again and again."""
    monkeypatch.setattr("gateway.ingest.discover.HELD_PERIOD", 0.0)
    machine = Machine(str(tmp_path))
    ours = port("usb-a", "/dev/ttyUSB0", holder=Holder(os.getpid(), "gateway"))
    machine.set(ours)
    async with discovering(machine, ours.path) as found:
        await until(lambda: machine.looks)
        began = time.monotonic()
        await until(lambda: time.monotonic() > began + 0.1)
        assert (machine.looks, found) == (1, [])

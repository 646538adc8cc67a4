"""A port that is lent: closed for as long as was said, and taken back by itself when nobody has it open any more."""

import asyncio
import contextlib
import os
import subprocess
import time
from dataclasses import replace

import pytest

from gateway.ingest import boards as boards_module
from gateway.ingest import lending, ports
from gateway.ingest.loans import Loans
from gateway.ingest.opens import Opens
from gateway.model import Board, Chunk, Port
from simulators.modbus import Unit, modbus_line
from tests.asked_rig import reading, unit
from tests.readers import Adapter, adapter, nothing_stays_open, open_ports, pause, until

__all__ = ["adapter", "nothing_stays_open"]  # the fixtures


def board(adapter: Adapter, name: str = "a", **more: object) -> Board:
    return Board(name, Port(str(adapter.link)), format="kv", **more)


@contextlib.contextmanager
def flasher(adapter: Adapter):
    """A program of whoever it may be that has the port open."""
    with subprocess.Popen(["sh", "-c", f"exec 3<>{adapter.path}; echo; read end"], stdin=-1, stdout=-1) as one:
        one.stdout.readline()
        yield one
        one.stdin.close()


async def test_a_port_is_lent_and_taken_back(adapter):
    """It is closed when the answer comes, `lent` until its time is over, and then read again by itself."""
    adapter.plug()
    async with reading(board(adapter)) as rig:
        seen = rig.seen("a")
        await until(lambda: seen.state == "online")
        began = time.time()
        lent = await rig.boards.lend("a", 1.0)
        assert adapter.path not in open_ports()
        assert (lent.done, lent.boards, lent.holder, seen.state) == (True, ["a"], None, "lent")
        assert "lent until " in seen.reason and abs(lent.until - began - 1.0) < 0.5
        await until(lambda: seen.state == "online", 8.0)
        assert time.time() - began >= 1.0
        assert (rig.boards.loans.any, seen.lending.until) == (False, None)
        adapter.write(b"\nT1:21.5\nT1:21.5\n")
        await until(lambda: rig.values("a"))


async def test_it_is_taken_back_early(adapter):
    """At once, when that is asked for; and a port that is not lent is nothing to take back."""
    adapter.plug()
    async with reading(board(adapter)) as rig:
        assert (await rig.boards.take_back("a")).done
        await rig.boards.lend("a", 600.0)
        back = await rig.boards.take_back("a")
        assert (back.done, back.until) == (True, None)
        await until(lambda: rig.seen("a").state == "online")


async def test_it_is_lent_for_longer(adapter):
    """Lent once more, it is from then on for the new time, longer or shorter."""
    adapter.plug()
    async with reading(board(adapter)) as rig:
        await rig.boards.lend("a", 0.5)
        until_then = (await rig.boards.lend("a", 600.0)).until
        await pause(0.8)
        assert rig.seen("a").state == "lent" and until_then - time.time() > 500
        await rig.boards.lend("a", 0.2)
        await until(lambda: rig.seen("a").state == "online", 8.0)


@pytest.mark.parametrize("visible", [True, False])
@pytest.mark.slow
async def test_who_still_flashes_is_let_be(adapter, monkeypatch, visible):
    """When its time is over and somebody has it open, that is said, and it is not opened until they close it; also
    where this user may not see whose program that is.
    """
    if not visible:
        monkeypatch.setattr(lending, "sharers", lambda devices: {})
    adapter.plug()
    async with reading(board(adapter)) as rig:
        seen = rig.seen("a")
        await until(lambda: seen.state == "online")
        await rig.boards.lend("a", 0.5)
        with flasher(adapter) as program:
            await until(lambda: seen.overdue, 8.0)
            back = await rig.boards.take_back("a")
            who = f"sh (pid {program.pid})" if visible else "another program"
            assert (back.done, back.holder, seen.state) == (False, who, "lent")
            assert f"over, and {who} still has it open" in seen.reason
            assert adapter.path not in open_ports()
        await until(lambda: seen.state == "online", 8.0)
        assert not seen.overdue


@pytest.mark.slow
async def test_who_was_told_of_once_and_never_again(adapter, monkeypatch):
    """Of a program that nobody sees an end may have been missed: after a long time the port is taken back."""
    monkeypatch.setattr(lending, "sharers", lambda devices: {})
    monkeypatch.setattr(lending, "UNSEEN", 1.5)
    adapter.plug()
    async with reading(board(adapter)) as rig:
        await rig.boards.lend("a", 0.3)
        with flasher(adapter):
            await until(lambda: rig.seen("a").overdue, 8.0)
            await until(lambda: rig.seen("a").state == "online", 8.0)


async def test_a_flasher_that_comes_late(adapter):
    """Who closed the port and opened it again before its time was over has it still."""
    adapter.plug()
    async with reading(board(adapter)) as rig:
        await rig.boards.lend("a", 1.0)
        with flasher(adapter):
            pass
        with flasher(adapter):
            await until(lambda: rig.seen("a").overdue, 8.0)
        await until(lambda: rig.seen("a").state == "online", 8.0)


async def test_a_board_that_is_unplugged_while_it_is_lent(adapter):
    """It stays lent, is offline when its time is over, and is read when it is there; flashing often replugs."""
    adapter.plug()
    async with reading(board(adapter)) as rig:
        seen = rig.seen("a")
        await until(lambda: seen.state == "online")
        await rig.boards.lend("a", 1.0)
        adapter.unplug()
        assert seen.state == "lent"
        await until(lambda: seen.state == "offline" and "is not there" in (seen.reason or ""), 8.0)
        adapter.plug()
        await until(lambda: seen.state == "online")


@pytest.mark.slow
async def test_a_board_that_comes_back_as_another_device(adapter):
    """Who opens the new one is seen too."""
    adapter.plug()
    async with reading(board(adapter)) as rig:
        seen = rig.seen("a")
        await until(lambda: seen.state == "online")
        await rig.boards.lend("a", 2.0)
        adapter.unplug()
        adapter.plug()
        await pause(2 * lending.LOOK)
        with flasher(adapter):
            await until(lambda: seen.overdue, 8.0)
        await until(lambda: seen.state == "online", 8.0)


async def test_all_boards_on_a_line_are_lent():
    """They share the port: the answer names them, each is `lent`, none is asked, and then all are again."""
    with modbus_line({1: Unit(input={1: 231}), 2: Unit(input={1: 232})}) as line:
        async with reading(unit(line.path, 1), unit(line.path, 2)) as rig:
            await rig.more("unit 1")
            lent = await rig.boards.lend("unit 2", 600.0)
            assert lent.boards == ["unit 1", "unit 2"]
            assert {seen.state for seen in rig.boards.readers.values()} == {"lent"}
            assert {seen.reason for seen in rig.boards.readers.values()} == {rig.seen("unit 1").reason}
            came = len(rig.came)
            await pause(0.3)
            assert len(rig.came) == came
            await rig.boards.take_back("unit 1")
            await rig.more("unit 1")
            await rig.more("unit 2")


async def test_a_reload_leaves_a_loan_as_it_is(adapter):
    """A board that is closed and opened anew meanwhile, with other settings or another name, is lent still."""
    adapter.plug()
    async with reading(board(adapter)) as rig:
        await until(lambda: rig.seen("a").state == "online")
        await rig.boards.lend("a", 600.0)
        await rig.boards.drop("a", rig.parts)
        await rig.boards.add(board(adapter, "b", max_line=100), rig.parts)
        await until(lambda: rig.seen("b").state == "lent")
        assert adapter.path not in open_ports()
        assert (await rig.boards.take_back("b")).done
        await until(lambda: rig.seen("b").state == "online")


async def test_a_port_that_takes_longer_to_close_than_it_is_lent(adapter, monkeypatch):
    """The loan is known until the port is taken back, also to whoever asks for it meanwhile."""
    close = ports.Link.close

    async def slowly(self, **more):
        held = await close(self, **more)
        await pause(0.5)
        return held

    monkeypatch.setattr(ports.Link, "close", slowly)
    adapter.plug()
    async with reading(board(adapter)) as rig:
        await until(lambda: rig.seen("a").state == "online" and rig.seen("a").device)  # it is read, and not only open
        lending_it = asyncio.ensure_future(rig.boards.lend("a", 0.2))
        await pause(0.4)
        assert rig.boards.loans.any, "it is not closed yet"
        await lending_it
        await until(lambda: rig.seen("a").state == "online", 8.0)
        assert not rig.boards.loans.any


@pytest.mark.slow
async def test_a_board_that_is_gone_takes_no_loan_along(adapter, monkeypatch):
    """It lasts as long as was said, and no longer."""
    adapter.plug()
    async with reading(board(adapter)) as rig:
        await rig.boards.lend("a", 0.3)
        await rig.boards.drop("a", rig.parts)
        assert rig.boards.loans.any
        await until(lambda: not rig.boards.loans.any, lending.CLOSING + 1)


async def test_nothing_is_found_while_a_port_is_lent(adapter, monkeypatch):
    """What is plugged in then may be the board itself, waiting for its firmware under another name."""
    asked = []

    async def discover(pattern, named, found, not_now):
        asked.append(not_now)
        found(replace(pattern, name="found", port=replace(pattern.port, path=str(adapter.link))))

    monkeypatch.setattr(boards_module, "discover", discover)
    adapter.plug()
    async with reading(Board("usb-", Port("auto"), format="kv")) as rig:
        await until(lambda: "found" in rig.boards.readers and rig.seen("found").state == "online")
        assert asked[0]() is False
        await rig.boards.lend("found", 600.0)
        assert asked[0]() is True
        await rig.boards.take_back("found")
        assert asked[0]() is False


def test_what_the_next_run_knows():
    """The ports that are lent, and until when; what is over, or would be for days by a wrong clock, is not lent."""
    now = [Chunk(1_000_000.0, 50.0)]
    one, two = Loans(lambda: now[0]), Loans(lambda: Chunk(1_000_100.0, 7.0))
    one.begin(Chunk(1_000_300.0, 350.0), "/dev/ttyX0", "/dev/x")
    one.begin(Chunk(1_000_050.0, 100.0), "/dev/ttyX1")
    two.remember([*one.told(), (["/dev/ttyX2"], 1_000_100.0 + 90_000), ([], 1_000_200.0)])
    assert two.told() == [(["/dev/ttyX0", "/dev/x"], 1_000_300.0)]
    assert two.at("/dev/x").until == Chunk(1_000_300.0, 207.0)
    now[0] = Chunk(1_000_100.0, 150.0)
    assert len(one.told()) == 1 and one.changed.is_set()


async def test_what_opens_counts(adapter):
    """Each opening by anybody, until it is closed, of which there may be more than are known."""
    adapter.plug()
    before = os.open(adapter.path, os.O_RDWR | os.O_NOCTTY)
    changes = []
    opens = Opens(str(adapter.link), lambda: changes.append(opens.others))
    first = os.open(adapter.path, os.O_RDWR | os.O_NOCTTY)
    await until(lambda: opens.others == 1)
    second = os.open(adapter.path, os.O_RDWR | os.O_NOCTTY)
    await until(lambda: opens.others == 2)
    os.close(first)
    await until(lambda: opens.others == 1)
    os.close(before)
    await until(lambda: opens.others == 0)
    os.close(second)
    await until(lambda: opens.others == 0)
    opens.close()
    opens.look()
    assert changes == [1, 2, 1, 0]

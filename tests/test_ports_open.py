"""An open port, on real pseudo-terminals: what it reads, how it is lost and closed, and that no thread waits for it."""

import asyncio
import os
import socket
import termios
import threading
import time

import pytest

from gateway.ingest import opening, ports
from gateway.ingest.opening import open_port, opened
from gateway.ingest.ports import Line, connect
from gateway.ingest.trouble import PortError
from gateway.model import Port
from tests.readers import rounds, until
from tests.terminals import descriptors, held, pty

__all__ = ["pty"]  # the fixture


def test_a_port_that_hung_up_is_never_read_as_quiet(pty):
    """An open port without bytes gives none; after a hang-up each read raises, however often it is tried."""
    main, other = os.openpty()
    line = open_port(Port(os.ttyname(other)))
    os.close(other)
    assert line.read() == b""
    os.write(main, b"21.5\n")
    assert line.read(1) == b"21.5\n"
    os.close(main)
    for _ in range(3):
        with pytest.raises(ports.serial.SerialException):
            line.read()
    line.close()
    line.shut.result(2)
    with pytest.raises(ports.serial.SerialException):
        line.read()


async def test_bytes_arrive_whole_and_in_order(pty):
    """What a board writes arrives, in order, in large pieces, and a close gives every descriptor back."""
    before, pieces = descriptors(), []
    link = await connect(await opened(Port(pty[1])), pieces.append)
    for number in range(1000):
        os.write(pty[0], b"%07d\n" % number)
        if number % 100 == 99:
            await asyncio.sleep(0)
    await until(lambda: sum(map(len, pieces)) == 8000)
    assert b"".join(pieces) == b"".join(b"%07d\n" % number for number in range(1000))
    await link.close()
    assert descriptors() == before


async def test_a_loss_is_told_once_and_at_once(pty):
    """When the board's end goes, `lost` says why, and a close afterwards is no second loss."""
    main, other = os.openpty()
    path = os.ttyname(other)
    link = await connect(await opened(Port(path)), lambda data: None)
    os.close(other)
    assert not link.hung_up()
    os.close(main)
    assert link.hung_up()
    assert await asyncio.wait_for(link.lost, 1.0)
    await link.close()
    assert not link.hung_up()
    assert not held(path)


async def test_a_paused_link_reads_nothing(pty):
    """From a pause on nothing is read, not even when it comes at once; a resume brings what waited."""
    pieces = []
    handle = await opened(Port(pty[1]))
    link = await connect(handle, pieces.append)
    link.pause()
    os.write(pty[0], b"21.5\n")
    await until(lambda: handle.in_waiting == 5)
    await rounds()
    assert pieces == []
    link.resume()
    await until(lambda: pieces == [b"21.5\n"])
    await link.close()


async def test_a_close_drains_nothing_and_closes_in_a_thread(pty, monkeypatch):
    """A board that does not read, or an adapter that is slow to close, holds up no close of ours and never the loop."""
    drained, loop_thread, threads = [], threading.get_ident(), []
    real = ports.serial.Serial.close

    def slow(line: Line) -> None:
        threads.append(threading.get_ident())
        time.sleep(0.2)
        real(line)

    monkeypatch.setattr(termios, "tcdrain", drained.append)
    monkeypatch.setattr(ports.serial.Serial, "close", slow)
    link = await connect(await opened(Port(pty[1])), lambda data: None)
    closing, rounds_run = asyncio.create_task(link.close()), 0
    while not closing.done():
        await asyncio.sleep(0.01)
        rounds_run += 1
    assert held(pty[1]) == []
    assert rounds_run > 5
    assert (drained, loop_thread in threads) == ([], False)


async def test_an_open_that_hangs_holds_up_no_other(pty, monkeypatch):
    """While one port hangs in its open, the loop runs and another port opens; who gives up leaves nothing open."""
    release, before = threading.Event(), descriptors()
    real = open_port

    def hangs(port: Port) -> ports.Handle:
        if port.baud == 300:
            release.wait(10)
        return real(port)

    monkeypatch.setattr(opening, "open_port", hangs)
    slow = asyncio.create_task(opened(Port(pty[1], baud=300)))
    main, other = os.openpty()
    link = await asyncio.wait_for(connect(await opened(Port(os.ttyname(other))), lambda data: None), 1.0)
    assert not slow.done()
    slow.cancel()
    await asyncio.wait({slow})
    release.set()
    await link.close()
    os.close(main)
    os.close(other)
    await until(
        lambda: descriptors() == before and not any(t.name.startswith(("open", "close")) for t in threading.enumerate())
    )


async def test_an_open_that_fails_by_our_mistake_is_told(monkeypatch):
    """Whatever an open raises, whoever waits for it gets an error and does not wait for ever."""
    monkeypatch.setattr(opening, "open_port", lambda port: 1 // 0)
    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)
    with pytest.raises(PortError, match="mistake"):
        await asyncio.wait_for(opened(Port("/dev/x")), 1.0)
    await until(lambda: not any(t.name.startswith("open") for t in threading.enumerate()))


async def test_the_loop_sets_nothing(pty, monkeypatch):
    """All settings are made in the thread of the open: a slow adapter takes its time for each, but not the loop's."""
    main_thread, setting = threading.get_ident(), []
    real = termios.tcsetattr

    def noted(*arguments: object) -> None:
        setting.append(threading.get_ident())
        real(*arguments)

    monkeypatch.setattr(termios, "tcsetattr", noted)
    monkeypatch.setattr(Line, "_set_special_baudrate", lambda line, baud: setting.append(threading.get_ident()))
    link = await connect(await opened(Port(pty[1], baud=250_000)), lambda data: None)
    await link.close()
    assert setting
    assert main_thread not in setting


async def test_a_caller_that_gives_up_while_it_connects(pty, caplog):
    """Whoever gives up between the open and the first read leaves no error in the loop, and nothing open."""
    before = descriptors()
    handle = await opened(Port(pty[1]))
    connecting = asyncio.create_task(connect(handle, lambda data: None))
    await asyncio.sleep(0)
    connecting.cancel()
    await asyncio.wait({connecting})
    await until(lambda: descriptors() == before)
    await rounds()
    assert not caplog.records


async def test_a_gentle_close_leaves_the_lines_alone(pty):
    """A close that is only for the next open keeps DTR up, and what it changed for that is undone."""
    other = os.open(pty[1], os.O_RDWR | os.O_NOCTTY)
    ports.modem.release(other)  # hang up on close, as a serial port does
    link = await connect(await opened(Port(pty[1])), lambda data: None)
    assert await link.close(gentle=True)
    assert not termios.tcgetattr(other)[2] & termios.HUPCL
    link = await connect(await opened(Port(pty[1])), lambda data: None)
    assert await link.release()
    assert termios.tcgetattr(other)[2] & termios.HUPCL
    assert not await link.close()
    assert termios.tcgetattr(other)[2] & termios.HUPCL
    os.close(other)


async def test_no_thread_for_the_lines(pty, monkeypatch):
    """Where no thread can start nothing is done to DTR, which is no word on the port, and no descriptor stays open."""
    link = await connect(await opened(Port(pty[1])), lambda data: None)
    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", lambda self: (_ for _ in ()).throw(RuntimeError("no thread")))
        before = descriptors()
        assert await link.pulse_dtr() is None
        assert await link.release() is None
        assert descriptors() == before
    await link.close()


async def test_what_is_open_is_known_by_its_device(pty):
    """A link names the device itself; a socket has none, no counters and no DTR."""
    link = await connect(await opened(Port(pty[1])), lambda data: None)
    found = link.device()
    assert found is not None
    assert (found.rdev, found.is_pty) == (os.stat(pty[1]).st_rdev, True)
    assert link.losses() is None
    await link.close()
    assert link.device() is None
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = await connect(await opened(Port(f"socket://127.0.0.1:{server.getsockname()[1]}")), lambda data: None)
        assert (link.device(), link.losses()) == (None, None)
        assert not await link.pulse_dtr()
        assert not await link.release()
        await link.close(gentle=True)

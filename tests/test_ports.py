"""The door to the serial library, on real pseudo-terminals and real sockets."""

import asyncio
import errno
import fcntl
import os
import pwd
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest

from gateway.ingest import ports
from gateway.ingest.ports import Line, connect, open_port, opened
from gateway.ingest.settings import settings
from gateway.ingest.trouble import PortError, trouble
from gateway.model import Port
from tests.faults import tree
from tests.readers import rounds, until

HOLD = """
import fcntl, os, sys
fcntl.flock(os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY), fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def pty():
    """(the board's end, the path of the port)."""
    main, other = os.openpty()
    path = os.ttyname(other)
    os.close(other)
    yield main, path
    os.close(main)


def held(path: str) -> list[str]:
    """The descriptors of this process that name a path, also one that is deleted."""
    return [name for name in tree.opened(os.getpid(), path) if name.split()[0] == path]


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_the_line_is_set_as_told(pty):
    """Baud rate, data bits, parity and stop bits reach the device, and so does a rate that is in no table."""
    main, path = pty
    line = open_port(Port(path, baud=9600, serial="7E2"))
    _, _, flags, _, speed, _, _ = termios.tcgetattr(main)
    assert (speed, flags & termios.CSTOPB) == (termios.B9600, termios.CSTOPB)
    assert (line.bytesize, line.parity, line.stopbits) == (7, "E", 2)  # a pseudo-terminal keeps neither bits nor parity
    line.close()
    line.shut.result(2)
    line = open_port(Port(path, baud=250_000))
    told = fcntl.ioctl(main, ports.serial.serialposix.TCGETS2, bytes(44))
    assert struct.unpack("11I", told)[9:] == (250_000, 250_000)
    line.close()
    line.shut.result(2)


@pytest.mark.parametrize("text, expected", [("8N1", (8, "N", 1.0)), ("7E1", (7, "E", 1.0)), ("5O1.5", (5, "O", 1.5))])
def test_settings(text, expected):
    """The settings of a line are data bits, parity and stop bits."""
    assert settings(text) == expected


@pytest.mark.parametrize("text", ["", "8n1", "9N1", "8X1", "8N3", "8N1 ", "8N1.5x"])
def test_settings_that_say_nothing(text):
    """Anything else is refused, with an example of what is right."""
    with pytest.raises(ValueError, match="8N1"):
        settings(text)


@pytest.mark.parametrize("dtr", [None, True, False])
@pytest.mark.parametrize("rts", [None, True, False])
def test_a_port_without_modem_lines_opens(pty, dtr, rts):
    """A pseudo-terminal has no DTR and no RTS, and opens whatever they should be."""
    line = open_port(Port(pty[1], dtr=dtr, rts=rts))
    assert line.is_open
    line.close()
    line.shut.result(2)


def test_modem_lines_are_set_before_the_open(pty, monkeypatch):
    """DTR and RTS have their state when the device is opened, so that no board is reset in between."""
    seen = []
    monkeypatch.setattr(ports.serial.Serial, "open", lambda line: seen.append((line.dtr, line.rts)))
    open_port(Port(pty[1], dtr=False))
    open_port(Port(pty[1], rts=False))
    assert seen == [(False, True), (True, False)]


@pytest.mark.parametrize(
    "path, part",
    [("/dev/serial/by-id/usb-nothing", "is not there"), ("/dev/null", "no serial port"), ("/dev", "no serial port")],
)
def test_what_is_no_port(path, part):
    """A path that is not there, or is something else, is told in one sentence that names it."""
    with pytest.raises(PortError, match=part) as caught:
        open_port(Port(path))
    assert path in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_fifo_is_refused_and_not_waited_for(tmp_path):
    """Opening a FIFO waits for its other end: it is refused without."""
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(PortError, match="no serial port"):
        open_port(Port(str(tmp_path / "fifo")))


def test_a_busy_port_names_its_holder(pty):
    """A port that another program has locked is left alone, and the program is named."""
    with subprocess.Popen([sys.executable, "-c", HOLD, pty[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(PortError) as caught:
            open_port(Port(pty[1]))
        program = Path(f"/proc/{child.pid}/comm").read_text().strip()
        assert f"in use by {program} (pid {child.pid})" in str(caught.value)
        child.communicate()


def test_a_port_that_this_process_holds(pty):
    """Two boards on one port: the second is told that the gateway itself has it."""
    line = open_port(Port(pty[1]))
    before = descriptors()
    with pytest.raises(PortError, match="this gateway itself"):
        open_port(Port(pty[1]))
    assert descriptors() == before
    line.close()
    line.shut.result(2)


def test_no_permission_names_the_command(pty):
    """Without permission the sentence has the command that gives it, for the user that runs the gateway."""
    os.chmod(pty[1], 0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)  # root may open what it likes
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
        with pytest.raises(PortError) as caught:
            open_port(Port(pty[1]))
    finally:
        if root:
            os.seteuid(0)
    assert f"no permission to open {pty[1]}" in str(caught.value)
    assert f"sudo usermod -aG dialout {user}" in str(caught.value)


@pytest.mark.parametrize(
    "number, part",
    [
        (errno.EMFILE, "LimitNOFILE"),
        (errno.EIO, "does not answer"),
        (errno.ENXIO, "does not answer"),
        (errno.EOVERFLOW, "cannot be opened: because"),
    ],
)
def test_other_trouble_is_a_sentence_too(number, part):
    """Whatever keeps a port from opening is said in one sentence."""
    assert part in trouble("/dev/ttyUSB0", number, "because")


def test_a_baud_rate_that_is_none(pty):
    """A rate that no line can have is refused like any other trouble, and leaves nothing open."""
    before = descriptors()
    with pytest.raises(PortError, match=pty[1]):
        open_port(Port(pty[1], baud=-1))
    assert descriptors() == before


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

    monkeypatch.setattr(ports, "open_port", hangs)
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
    monkeypatch.setattr(ports, "open_port", lambda port: 1 // 0)
    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)
    with pytest.raises(PortError, match="mistake"):
        await asyncio.wait_for(opened(Port("/dev/x")), 1.0)
    await until(lambda: not any(t.name.startswith("open") for t in threading.enumerate()))


async def test_a_serial_server(pty):
    """The socket of a serial server is a port like any other: bytes, pause, and the far end's close."""
    before, pieces = descriptors(), []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = Port(f"socket://127.0.0.1:{server.getsockname()[1]}")
        link = await connect(await opened(port), pieces.append)
        far, _ = server.accept()
        far.sendall(b"21.5\n")
        await until(lambda: pieces == [b"21.5\n"])
        link.pause()
        far.sendall(b"22.5\n")
        await rounds()
        assert pieces == [b"21.5\n"]
        link.resume()
        await until(lambda: pieces == [b"21.5\n", b"22.5\n"])
        assert not link.hung_up()
        far.close()
        assert await asyncio.wait_for(link.lost, 1.0)
        await link.close()
    assert descriptors() == before


@pytest.mark.parametrize(
    "url", ["socket://", "socket://host", "socket://host:x", "socket://host:99999", "socket://:7000"]
)
def test_an_address_that_is_none(url):
    """An address without a host or a port is refused with the form that is right."""
    with pytest.raises(PortError, match="write socket://host:port"):
        open_port(Port(url))


def test_a_serial_server_that_is_off():
    """A server that refuses is told in one sentence with its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(PortError, match="cannot be reached"):
        open_port(Port(url))


def test_a_locked_port_keeps_other_gateways_out(pty):
    """The lock that an open takes is the one that others are asked to respect."""
    line = open_port(Port(pty[1]))
    assert isinstance(line, Line)
    other = os.open(pty[1], os.O_RDWR | os.O_NOCTTY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)
    line.close()
    line.shut.result(2)


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


async def test_a_flooding_server_gives_the_loop_back():
    """Of a megabyte that waits in a socket no turn of the loop takes more than of a serial port."""
    pieces = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = await connect(await opened(Port(f"socket://127.0.0.1:{server.getsockname()[1]}")), pieces.append)
        far, _ = server.accept()
        link.pause()
        far.setblocking(False)
        sent = far.send(b"x" * 1_000_000)
        link.resume()
        await until(lambda: sum(map(len, pieces)) == sent)
        assert sent > 10 * ports.READ_SIZE
        assert max(map(len, pieces)) <= ports.READ_SIZE
        far.close()
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

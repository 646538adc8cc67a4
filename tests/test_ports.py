"""Opening a port: how its line is set, and what keeps it from opening, in one sentence."""

import asyncio
import errno
import fcntl
import os
import pwd
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from gateway.ingest import ports
from gateway.ingest.opening import open_port
from gateway.ingest.ports import Line, connect
from gateway.ingest.settings import settings
from gateway.ingest.trouble import PortError, trouble
from gateway.model import Port
from tests.terminals import descriptors, pty

__all__ = ["pty"]  # the fixture


HOLD = """
import fcntl, os, sys
fcntl.flock(os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY), fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


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


async def test_nothing_to_write_is_not_written(pty):
    """A board that is only listened to is asked with no bytes: then nothing goes wrong, and what is asked next is."""
    wrong = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: wrong.append(context))
    link = await connect(open_port(Port(pty[1])), lambda data: None)
    link.write(b"")
    for _ in range(5):  # rounds of the loop, in which the transport would write
        await asyncio.sleep(0)
    link.write(b"R\r")
    for _ in range(5):
        await asyncio.sleep(0)
    await link.close()
    assert (os.read(pty[0], 8), wrong) == (b"R\r", [])

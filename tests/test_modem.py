"""What the kernel knows of a line, on a pseudo-terminal, which has no counters and no DTR but keeps its settings."""

import errno
import fcntl
import os
import struct
import termios

import pytest

from gateway.ingest import modem
from gateway.ingest.opening import open_port
from gateway.model import Port


@pytest.fixture
def line():
    """The descriptor of a port that is open at a rate which is in no table."""
    main, other = os.openpty()
    opened = open_port(Port(os.ttyname(other), baud=250_000))
    yield opened.fd
    opened.close()
    opened.shut.result(2)
    os.close(main)
    os.close(other)


def test_what_a_pseudo_terminal_lacks(line):
    """No counters, no DTR: told as such, and no error."""
    assert modem.losses(line) is None
    assert modem.pulse(line) is False


def test_the_close_can_leave_the_lines_alone(line):
    """What a close does to DTR is changed and changed back, and no other setting with it."""
    modem.release(line)  # as it is on a serial port
    before = bytearray(44)
    fcntl.ioctl(line, modem.GET_SETTINGS, before)
    assert termios.tcgetattr(line)[2] & termios.HUPCL
    assert modem.hold(line)
    assert not termios.tcgetattr(line)[2] & termios.HUPCL
    assert not modem.hold(line)
    assert modem.release(line)
    assert not modem.release(line)
    after = bytearray(44)
    fcntl.ioctl(line, modem.GET_SETTINGS, after)
    assert before == after
    assert struct.unpack_from("2I", after, 36) == (250_000, 250_000)


def test_counters(monkeypatch):
    """Overruns of the adapter and of the kernel's buffers are losses; wrong frames and parities are errors."""

    def counted(fd: int, what: int, raw: bytearray) -> None:
        assert (fd, what) == (7, 0x545D)
        struct.pack_into("11i", raw, 0, *range(11))

    monkeypatch.setattr(fcntl, "ioctl", counted)
    assert modem.losses(7) == (7 + 10, 6 + 8)


def test_a_pulse(monkeypatch):
    """DTR goes down and up again; a device that goes in between is no port without DTR."""
    calls, slept = [], []
    monkeypatch.setattr(fcntl, "ioctl", lambda fd, what, value: calls.append((what, value)))
    monkeypatch.setattr(modem.time, "sleep", slept.append)
    assert modem.pulse(7)
    assert calls == [(termios.TIOCMBIC, modem.DTR), (termios.TIOCMBIS, modem.DTR)]
    assert slept == [modem.PULSE]

    def gone(fd: int, what: int, value: bytes) -> None:
        raise OSError(errno.EIO, "gone")

    monkeypatch.setattr(fcntl, "ioctl", gone)
    assert modem.pulse(7)

"""What the service manager is told, and that it can never hold us up."""

import os
import socket

import pytest

from gateway.systemd import notify


@pytest.fixture
def manager(tmp_path, monkeypatch):
    """The socket of a service manager."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as listener:
        listener.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listener


def test_a_datagram(manager):
    """All fields come in one datagram, a line each."""
    notify(READY="1", STATUS="reading 3 boards")
    assert manager.recv(1000) == b"READY=1\nSTATUS=reading 3 boards"


def test_an_abstract_socket(monkeypatch):
    """A name with @ is one of Linux's abstract sockets."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as listener:
        name = f"gateway-test-{os.getpid()}"
        listener.bind("\0" + name)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        notify(STOPPING="1")
        assert listener.recv(1000) == b"STOPPING=1"


def test_a_value_is_one_line(manager):
    """What a board or an error says cannot add a line of its own to the protocol."""
    notify(STATUS="a\nREADY=1\r\n\ud800b")
    assert manager.recv(1000) == b"STATUS=a READY=1 ?b"


@pytest.mark.parametrize("address", [None, "", "vsock:2:1", "/nowhere/notify", "/" + "x" * 200])
def test_nobody_listens(monkeypatch, address):
    """Outside a service manager, or with an address that is none, nothing happens."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if address is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    notify(READY="1")


def test_a_manager_that_does_not_read(manager):
    """A full socket does not hold us up."""
    for _ in range(5000):
        notify(STATUS="x" * 500)
    assert manager.recv(1000).startswith(b"STATUS=x")


def test_no_descriptor_is_left(manager, monkeypatch):
    """Without a descriptor for it nothing is told, and nothing fails."""

    def none(*_):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("gateway.systemd.socket.socket", none)
    notify(READY="1")
    with pytest.raises(BlockingIOError):
        manager.recv(1000)

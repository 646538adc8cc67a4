"""Ports of serial servers, on real sockets."""

import asyncio
import socket

import pytest

from gateway.ingest import ports
from gateway.ingest.opening import open_port, opened
from gateway.ingest.ports import connect
from gateway.ingest.trouble import PortError
from gateway.model import Port
from tests.readers import rounds, until
from tests.terminals import descriptors, pty

__all__ = ["pty"]  # the fixture


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

"""Serial servers: boards that are reached over the network, by `socket://host:port`."""

import socket
from urllib.parse import urlsplit

from .trouble import PortError

SCHEME = "socket://"
PATIENCE = 5.0  # s for a server to accept


def dial(url: str) -> socket.socket:
    """A connection to the server at `url`, which is noticed within half a minute when that loses its power.

    Blocks. Raises PortError.
    """
    try:
        parts = urlsplit(url)
        host, number = parts.hostname, parts.port
    except ValueError:
        host = number = None
    if not host or number is None:
        raise PortError(f"{url} is no address: write socket://host:port")
    try:
        line = socket.create_connection((host, number), timeout=PATIENCE)
    except OSError as error:
        why = f"did not answer in {PATIENCE:g} s" if isinstance(error, TimeoutError) else f"cannot be reached ({error})"
        raise PortError(f"{url} {why}: is the serial server on, and its address right?") from error
    line.setblocking(False)
    for level, option, value in (
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10),
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
    ):
        line.setsockopt(level, option, value)
    return line

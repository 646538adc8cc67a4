"""What the service manager is told: ready, stopping, a line of status, that we live. Nothing where there is none.

Protocol: sd_notify(3), a datagram of NAME=value lines to the socket in NOTIFY_SOCKET.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable


def notify(**fields: str) -> None:
    """Sends e.g. READY="1", STATUS="3 boards". Does not wait, and does nothing outside a service manager."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    text = "\n".join(f"{name}={' '.join(value.split())}" for name, value in fields.items())
    where = "\0" + address[1:] if address.startswith("@") else address
    with (
        contextlib.suppress(OSError),  # nobody listens, or no descriptor is left: the service goes on all the same
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as channel,
    ):
        channel.sendto(text.encode(errors="replace"), where)


def stay_awake(loop: asyncio.AbstractEventLoop, moves: Callable[[], bool]) -> None:
    """Says from now on that we live, twice in the time after which the service manager would end us: as long as the
    loop runs, and `moves` says that all else does."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return
    try:
        pause = int(os.environ["WATCHDOG_USEC"]) / 2e6
    except (KeyError, ValueError):  # nobody watches
        return
    if pause <= 0:
        return

    def tell() -> None:
        if moves():
            notify(WATCHDOG="1")
        loop.call_later(pause, tell)

    tell()

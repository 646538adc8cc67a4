"""What the service manager is told: ready, stopping, and a line of status. Nothing where there is none.

Protocol: sd_notify(3), a datagram of NAME=value lines to the socket in NOTIFY_SOCKET.
"""

import contextlib
import os
import socket


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

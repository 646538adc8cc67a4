"""The journal's own protocol: an event with its level and fields, so that `journalctl` can be asked by them.

A datagram of NAME=value lines ("Native Journal Protocol" of systemd). No value of ours has a line feed in it.
"""

import fcntl
import json
import os
import socket
import termios
import time
from typing import Any, TextIO

SOCKET = "/run/systemd/journal/socket"
TAKEN = 0.1  # s for the journal to take an event
PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3}  # of syslog


def reads(stream: TextIO) -> bool:
    """Whether what is written to `stream` goes to the journal, as systemd tells it in JOURNAL_STREAM."""
    try:
        file = os.fstat(stream.fileno())
    except (OSError, ValueError):  # no file behind it
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{file.st_dev}:{file.st_ino}"


def record(event: dict[str, Any]) -> str:
    """The datagram's text: the line of JSON that others get is the message, each plain field one of the journal's."""
    fields = {
        "PRIORITY": PRIORITIES.get(event["level"], 6),
        "SYSLOG_IDENTIFIER": "gateway",
        **{f"GATEWAY_{key.upper()}": value for key, value in event.items() if isinstance(value, str | int | float)},
        "MESSAGE": json.dumps(event, ensure_ascii=False),
    }
    return "\n".join(f"{name}={value}" for name, value in fields.items())


class Channel:
    """Where the datagrams go."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def write(self, line: bytes) -> None:
        """Sends one, and waits a moment for its being taken; raises OSError where nobody listens.

        The journal looks up by our process id whose service it is from: of an event that is the first and the last
        of a process it would find nobody, and `journalctl -u` would leave it out.
        """
        self._socket.sendto(line, SOCKET)
        until = time.monotonic() + TAKEN
        while self._unread() and time.monotonic() < until:
            time.sleep(0.001)

    def _unread(self) -> bool:
        return fcntl.ioctl(self._socket, termios.TIOCOUTQ, b"\0\0\0\0") != b"\0\0\0\0"

    def close(self) -> None:
        """Lets it go."""
        self._socket.close()

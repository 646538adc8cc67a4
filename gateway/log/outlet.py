"""Where the log's lines go out: a thread of its own, so that nobody waits for whoever should read them.

What comes while a line cannot be written is held back by kind, bounded and counted (limit.py). A reader that does
not read stops this thread and nothing else; one that is gone is tried again with each line.
"""

import errno
import os
import select
import threading
import time
from collections.abc import Callable
from typing import Any, TextIO

from ..threads import NONE_LEFT
from .limit import Limit

Write = Callable[[bytes], None]


class Outlet:
    """Takes events from any thread at once, and writes their lines from its own, if one can start: OSError."""

    def __init__(self, write: Write, render: Callable[[dict[str, Any]], str], limit: Limit | None = None) -> None:
        self._write, self._render = write, render
        self._limit = limit or Limit()
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            raise OSError(errno.EAGAIN, NONE_LEFT) from error

    def put(self, event: dict[str, Any]) -> None:
        """Takes an event; never waits for the reader."""
        with self._wake:
            self._limit.offer(event)
            self._wake.notify()

    def close(self, timeout: float = 1.0) -> None:
        """Writes what waits, whatever the limits, for at most `timeout` s."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join(timeout)

    def _run(self) -> None:
        while (taken := self._taken()) is not None:
            key, event = taken
            line = (self._render(event) + "\n").encode("utf-8", "backslashreplace")
            try:
                self._write(line)
            except OSError:  # the reader is gone, or its disk is full: the next of this kind tells how many are missing
                with self._wake:
                    self._limit.lost(key, event)
            with self._wake:
                self._limit.spent(len(line))

    def _taken(self) -> tuple[Any, dict[str, Any]] | None:
        """Waits for the next event that may be told; None at the end."""
        with self._wake:
            while True:
                now = time.monotonic()
                taken = self._limit.rest() if self._closing else self._limit.take(now)
                if taken is not None or self._closing:
                    return taken
                self._wake.wait(self._limit.wait(now))


def onto(stream: TextIO) -> Write:
    """Writes to the stream's descriptor, past its buffer: a blocked flush would hold up the end of the process."""
    try:
        fd = stream.fileno()
    except (OSError, ValueError):  # no file behind it
        return lambda line: _whole(stream, line)
    return lambda line: _all(fd, line)


def _whole(stream: TextIO, line: bytes) -> None:
    stream.write(line.decode())
    stream.flush()


def _all(fd: int, line: bytes) -> None:
    rest = memoryview(line)
    while rest:
        try:
            rest = rest[os.write(fd, rest) :]
        except BlockingIOError:  # somebody who shares the terminal has set it so
            room = select.poll()
            room.register(fd, select.POLLOUT)
            room.poll()

"""What a feature's process prints: the newest line a second goes to the log, with how many there were."""

import asyncio
import socket
from collections.abc import Callable

PIECE = 1 << 16  # bytes read at once
MOST = 64  # pieces in PAUSE: beyond that whoever prints waits
PAUSE = 0.1  # s
EVERY = 1.0  # s between lines for the log
LONGEST = 500  # bytes kept of a line


class Output:
    """Reads `pipe` in the running loop until its end. tell: gets the newest line and the number of lines."""

    def __init__(self, pipe: socket.socket, tell: Callable[[str, int], None]) -> None:
        self._pipe, self._tell = pipe, tell
        self._loop = asyncio.get_running_loop()
        self._line, self._rest, self._lines = b"", b"", 0
        self._pieces = 0
        self._told: asyncio.TimerHandle | None = None
        self._pause: asyncio.TimerHandle | None = None
        pipe.setblocking(False)
        self._loop.add_reader(pipe, self._readable)

    def close(self) -> None:
        """Reads what is left, as far as it is there, and tells it."""
        if self._pipe.fileno() < 0:
            return
        for _ in range(MOST):
            if not self._read():
                break
        for timer in (self._told, self._pause):
            if timer is not None:
                timer.cancel()
        self._loop.remove_reader(self._pipe)
        self._pipe.close()
        if self._rest.strip():
            self._line, self._lines = self._rest, self._lines + 1
        self._say()

    def _readable(self) -> None:
        if not self._read():
            self._loop.remove_reader(self._pipe)
            return
        self._pieces += 1
        if self._pieces >= MOST:
            self._loop.remove_reader(self._pipe)
        if self._pause is None:
            self._pause = self._loop.call_later(PAUSE, self._again)

    def _again(self) -> None:
        self._pause = None
        if self._pieces >= MOST:
            self._loop.add_reader(self._pipe, self._readable)
        self._pieces = 0

    def _read(self) -> bool:
        """Takes a piece in; whether there was one."""
        try:
            piece = self._pipe.recv(PIECE)
        except OSError:  # nothing now, or nothing any more
            return False
        *lines, self._rest = (self._rest + piece).split(b"\n")
        self._rest = self._rest[:LONGEST]
        self._lines += len(lines)
        self._line = next((line[:LONGEST] for line in reversed(lines) if line.strip()), self._line)
        if self._lines and self._told is None:
            self._told = self._loop.call_later(EVERY, self._say)
        return bool(piece)

    def _say(self) -> None:
        self._told = None
        if self._lines:
            self._tell(self._line.decode(errors="replace").strip(), self._lines)
            self._lines = 0

"""Boards that say what a test has them say, on pseudo-terminals, and a gateway that reads them and serves its page."""

import contextlib
import itertools
import math
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from ..brokers import Mosquitto, free_port
from ..street import Gateway, configuration, running


class Talking:
    """A board that says a line of two temperatures ten times a second, until it is told not to."""

    def __init__(self, number: int) -> None:
        self._main, other = os.openpty()
        self.port = os.ttyname(other)
        os.set_blocking(self._main, False)
        self._other = other
        self.speaks = True
        self._next: list[bytes] = []
        self._over = threading.Event()
        self._number = number
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def say(self, line: bytes) -> None:
        """One line besides."""
        self._next.append(line)

    def _run(self) -> None:
        for turn in itertools.count():
            if self._over.wait(0.1):
                return
            one = 21 + self._number + math.sin(turn / 20)
            lines = [b"in=%.2f out=%.2f\r\n" % (one, one / 2)] if self.speaks else []
            while self._next:
                lines.append(self._next.pop())
            with contextlib.suppress(BlockingIOError):
                os.write(self._main, b"".join(lines))

    def end(self) -> None:
        """Unplugs it."""
        self._over.set()
        self._thread.join()
        os.close(self._main)
        os.close(self._other)


@contextlib.contextmanager
def gateway_of(
    folder: Path, boards: dict[str, Talking], extra: str = "", each: str = 'format = "kv"'
) -> Iterator[tuple[Gateway, str]]:
    """A gateway that reads them, a broker, and the address of its page."""
    broker, port = Mosquitto(folder), free_port()
    broker.start()
    text = configuration(
        broker.port, {name: one.port for name, one in boards.items()}, f'[web]\nlisten = "127.0.0.1:{port}"\n{extra}',
        each=f'baud = 115200\nsilent = "2s"\n{each}',
    )  # fmt: skip
    try:
        with running(folder, text) as gateway:
            yield gateway, f"http://127.0.0.1:{port}/"
    finally:
        broker.kill()
        for one in boards.values():
            one.end()

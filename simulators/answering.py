"""A board that speaks when it is asked, on a real pseudo-terminal; and what can go wrong with its answers.

question -> (echo) .. delay .. answer            silent: nothing; late: after so many s; garbled; cut
"""

import heapq
import math
import time
from collections import deque
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType
from typing import NamedTuple, Self

from simulators.loop import until
from simulators.uart import resample
from simulators.wire import Wire

LOOK = 0.001  # s between looks at what was asked

Cut = Callable[[bytes], tuple[bytes, bytes]]
"""What was written so far -> (the first whole question, or b"", and what is left)."""


class Trouble(NamedTuple):
    """What goes wrong with one answer. delay: s more; data: what is said in its place (None: the answer)."""

    delay: float = 0.0
    data: bytes | None = None


SILENT = Trouble(data=b"")


def lines(written: bytes) -> tuple[bytes, bytes]:
    """Questions of text, with a CR, a LF or both at their end; a LF that comes by itself is none."""
    written = written.removeprefix(b"\n")
    for at, byte in enumerate(written):
        if byte in b"\r\n":
            end = at + 2 if written[at : at + 2] == b"\r\n" else at + 1
            return written[:end], written[end:]
    return b"", written


class Answering:
    """A board on a port of its own. In a `with` it answers, from a thread.

    answer: what it says to a question; b"" is nothing. cut: how its questions are told apart. delay: s before each
    answer; late: s more before that to one question. echo: it says each question itself first, as a half-duplex adapter
    does. pieces: an answer comes in pieces of so many bytes, `pause` s apart (0: in one). link: a symlink on its port.
    baud: at another rate it hears what a UART makes of that, and is heard so (0: at any). part: s of silence behind
    which half a question is none.
    """

    def __init__(
        self,
        answer: Callable[[bytes], bytes],
        *,
        cut: Cut = lines,
        delay: float = 0.0,
        late: Callable[[bytes], float] = lambda question: 0.0,
        echo: bool = False,
        pieces: int = 0,
        pause: float = 0.002,
        link: Path | None = None,
        baud: int = 0,
        part: float = math.inf,
    ) -> None:
        self._baud, self._part = baud, part
        self._answer, self._cut, self._late = answer, cut, late
        self.delay, self.echo, self._pieces, self._pause = delay, echo, pieces, pause
        self._wire = Wire(link)
        self.asked: list[tuple[float, bytes]] = []  # the questions, and when each was whole (s, monotonic)
        self._troubles: deque[Trouble] = deque()
        self._due: list[tuple[float, int, bytes]] = []
        self._order = count()
        self._lock = Lock()
        self._over = Event()
        self._thread = Thread(target=self._run, name="answering", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        self._wire.close()

    @property
    def path(self) -> str:
        """Where a reader opens it."""
        return self._wire.path

    @property
    def questions(self) -> list[bytes]:
        """What it was asked so far."""
        return [question for _, question in list(self.asked)]

    def trouble(self, *troubles: Trouble) -> None:
        """What goes wrong with the next answers, one each."""
        self._troubles += troubles

    def say(self, data: bytes, after: float = 0.0) -> None:
        """Says something that nobody asked for."""
        self._plan(time.monotonic() + after, data)

    def wait_asked(self, times: int, timeout: float = 10.0) -> None:
        """Returns when it was asked so often. Raises TimeoutError."""
        until(lambda: len(self.asked) >= times, timeout, f"it was asked {len(self.asked)} times, and not {times}")

    def _run(self) -> None:
        written, heard = b"", 0.0
        while not self._over.is_set():
            now = time.monotonic()
            more = self._wire.read()
            if more:
                kept = written if now - heard <= self._part else b""
                written, heard = kept + self._heard(more), now
            question, rest = self._cut(written)
            while question:
                written = rest
                self._hear(question, now)
                question, rest = self._cut(written)
            written = rest
            self._speak(now)
            self._over.wait(LOOK)

    def _hear(self, question: bytes, now: float) -> None:
        self.asked.append((now, question))
        if self.echo:
            self._plan(now, question)
        trouble = self._troubles.popleft() if self._troubles else Trouble()
        data = self._answer(question) if trouble.data is None else trouble.data
        at = now + self.delay + trouble.delay + self._late(question)
        for place, piece in enumerate(self._cut_up(data)):
            self._plan(at + place * self._pause, piece)

    def _cut_up(self, data: bytes) -> Iterable[bytes]:
        size = self._pieces or max(1, len(data))
        return [data[at : at + size] for at in range(0, len(data), size)]

    def _plan(self, at: float, data: bytes) -> None:
        with self._lock:
            heapq.heappush(self._due, (at, next(self._order), data))

    def _speak(self, now: float) -> None:
        with self._lock:
            while self._due and self._due[0][0] <= now:
                _, _, data = heapq.heappop(self._due)
                self._wire.write(resample(data, self._baud, self._rate()))

    def _heard(self, data: bytes) -> bytes:
        """What the board reads of what was written."""
        return resample(data, self._rate(), self._baud)

    def _rate(self) -> int:
        """The other end's rate; the board's own where that makes no difference."""
        return (self._baud and self._wire.heard()) or self._baud

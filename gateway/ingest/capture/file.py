"""The file of a capture: one that grows line by line while a port is read, and one that is read.

Written, each line is with the kernel at once, where it survives this process, and on the disk within a second, where it
survives the power. A thread writes, so that a slow disk holds up no port. Nothing that was written is touched again:
what a crash can leave is one torn line, the last.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from ...shown import shown
from .lines import LONGEST, Header, Heard, Unreadable, headline, read, read_header, written
from .plain import Pieces, plain

SYNC = 1.0  # s in which what was written comes to the disk
FEW, PIECES = 1024, 262_144  # bytes that are looked at together: behind a line that is not plain, and at most
MOST_WAITING = 16_000_000  # bytes that wait for a disk which takes nothing: 20 minutes of 115200 baud


class CaptureError(Exception):
    """A file that cannot be used: one sentence that says what is wrong, where, and what to do."""


class Writer:
    """A new capture. failed: is called once, in the writing thread, when no more can be written; `error` says why."""

    def __init__(self, path: Path, header: Header, failed: Callable[[], object]) -> None:
        """Raises OSError, FileExistsError among them: no file is written over."""
        self.path = path
        self.size = 0  # bytes so far
        self.error: OSError | None = None
        self._failed = failed
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._waiting = bytearray()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="capture", daemon=True)
        self._thread.start()
        self._put(headline(header))

    def put(self, heard: Heard) -> None:
        """Takes down what was heard. Never waits."""
        self._put(written(heard))

    def close(self) -> None:
        """Returns when all is on the disk, or cannot be written."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        os.close(self._fd)

    def _put(self, line: str) -> None:
        data = line.encode() + b"\n"
        with self._changed:
            if self.error is None and len(self._waiting) + len(data) > MOST_WAITING:
                self._give_up(OSError("the disk takes nothing any more"))
            if self.error is None:
                self._waiting += data
                self.size += len(data)
                self._changed.notify()

    def _work(self) -> None:
        due = time.monotonic() + SYNC
        unsynced = False
        while True:
            with self._changed:
                ready = self._changed.wait_for(lambda: self._waiting or self._closing, SYNC if unsynced else None)
                data, self._waiting = self._waiting, bytearray()
                closing = self._closing
            try:
                while data:
                    unsynced = True
                    del data[: os.write(self._fd, data)]
                if unsynced and (closing or not ready or time.monotonic() >= due):
                    os.fdatasync(self._fd)
                    unsynced, due = False, time.monotonic() + SYNC
            except OSError as error:
                with self._changed:
                    self._give_up(error)
                return
            if closing:
                return

    def _give_up(self, error: OSError) -> None:
        if self.error is None:
            self.error = error
            self._failed()


class Capture:
    """A capture that is read. Iterated, it gives what was heard, a line at a time, however long the file is.

    torn: whether its last line was cut off in the middle, as a crash leaves it; that is then left out.
    """

    def __init__(self, path: Path, size: int = sys.maxsize) -> None:
        """size: bytes, at which it ends for us though it goes on. Raises CaptureError when it is no capture."""
        self.path, self.torn, self._left = path, False, size
        try:
            self._file = path.open("rb")
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            raise CaptureError(f"{_place(path)} cannot be read: {_why(error)}; give another file") from None
        try:
            self.header = read_header(self._line())
        except Unreadable as error:
            self._file.close()
            raise CaptureError(f"{_place(path)} is no capture: its first line {error}") from None
        except CaptureError:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def position(self) -> int:
        """Bytes that were read."""
        return self._file.tell()

    def __iter__(self) -> Iterator[Heard]:
        """Raises CaptureError at a line that is damaged, by its number."""
        number, since = 1, 0.0
        while line := self._line():
            number += 1
            heard = self._heard(line, number, since)
            if heard is None:
                return
            since = heard.at
            yield heard

    def _heard(self, line: bytes, number: int, since: float) -> Heard | None:
        """What a line says; None where it is torn. number: of the line; since: the time of the one before."""
        try:
            return read(line, since, asked=self.header.asked)
        except Unreadable as error:
            if not line.endswith(b"\n") and len(line) <= LONGEST:
                self.torn = True
                return None
            sentence = f"line {number} of {_place(self.path)} {error}; mend it, or take it out"
            raise CaptureError(sentence) from None

    def together(self) -> Iterator[Pieces | Heard]:
        """The same, with the plain lines that follow one another together, PIECES bytes of the file at most."""
        number, since, reach = 1, 0.0, FEW
        while text := self._block():
            place = 0
            while place < len(text):
                last = text.rfind(b"\n", place, place + reach) + 1
                if last:
                    pieces, place = plain(text, place, last, since)
                    if pieces.at:
                        number, since = number + len(pieces.at), pieces.at[-1]
                        yield pieces
                    if place == last:
                        reach = min(2 * reach, PIECES)
                        continue
                end = text.find(b"\n", place) + 1 or len(text)
                number, reach = number + 1, FEW
                heard = self._heard(text[place:end], number, since)
                if heard is None:
                    return
                place, since = end, heard.at
                yield heard

    def _block(self) -> bytes:
        """Some lines, of which the last may be the file's, and torn."""
        try:
            text = self._file.read(min(PIECES, self._left))
            text += self._file.readline(min(LONGEST + 1, self._left - len(text)))
        except OSError as error:
            raise CaptureError(f"{_place(self.path)} cannot be read: {_why(error)}") from None

        self._left -= len(text)
        return text

    def _line(self) -> bytes:
        try:
            line = self._file.readline(min(LONGEST + 1, self._left))
        except OSError as error:
            raise CaptureError(f"{_place(self.path)} cannot be read: {_why(error)}") from None
        self._left -= len(line)
        return line


def _place(path: Path) -> str:
    return shown(str(path), 500)


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).lower()

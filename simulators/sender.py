"""How lines leave a board: at the rate of its line, or as fast as the reader takes them; and what became of each."""

import math
import time
from collections import deque
from collections.abc import Iterator
from random import Random
from typing import IO

from simulators import faults
from simulators.faults import Fault
from simulators.kinds import Line
from simulators.loop import LOOK, until
from simulators.tally import Tally, log_line
from simulators.uart import line_time, resample
from simulators.wire import Wire

CHUNK = 4096  # bytes that go out in one write at most: a third of what a pty holds
TICK = 0.005  # s; lines that end within one go out together, and boards wake together
LATE = 0.25  # s; a board that was itself kept from running makes up for no more than this


class Sender:
    """The lines of one board on their way.

    baud: of its line; 0: none, so that any reader's is right (by_hand and flat_out only). period: s from record to
    record. most: lines after which it is done. log: where readings are told.
    """

    def __init__(
        self, name: str, lines: Iterator[Line], baud: int, period: float, most: float, log: IO[str] | None
    ) -> None:
        self.name, self.lines, self.baud = name, lines, baud
        self.written = Tally()
        self.starved = False
        self.ended = False  # there is no line left
        self.first: deque[Line] = deque()  # what goes before the lines
        self.alter: deque[Fault] = deque()  # what befalls the next lines
        self._period, self._left, self._log, self._random = period, most, log, Random(name)
        self._next: Line | None = None
        self._end: float | None = None  # when the next line will have left
        self._free = self._due = 0.0  # when the line is free; when the next record begins
        self._record = 0
        self._batch: list[Line] = []
        self._chunk, self._offset = b"", 0  # the bytes of the batch; how many are out
        self._torn = False  # a half line is out, so that the next one goes on it

    @property
    def done(self) -> bool:
        """Whether all lines are out."""
        return self.ended and self._next is None and not self.pending

    @property
    def pending(self) -> bool:
        """Whether part of a write is still to be made."""
        return bool(self._batch)

    def hold(self, until: float) -> None:
        """Nothing begins before `until`, and nothing is made up for."""
        self._free = self._due = until
        self._end = None
        self.starved = False

    def restart(self, lines: Iterator[Line], banner: bytes) -> None:
        """The board boots again: its banner, then `lines`."""
        self.lines, self.ended, self._next, self._end = lines, False, None, None
        self.first.clear()
        self.greet(banner)

    def greet(self, banner: bytes) -> None:
        """`banner` goes before what comes next."""
        if banner:
            self.first.append(Line(banner, what="noise"))

    def leave(self) -> None:
        """The reader is gone: what was not out is lost."""
        self._settle()
        self._torn = self.starved = False

    def half(self, wire: Wire, rate: int) -> None:
        """Half of the next line goes out, and the rest never."""
        line = self._peek()
        if line is not None and not self.pending:
            self._next = None
            self._load([line], rate)
            self._chunk = self._chunk[: len(self._chunk) // 2]
            if not self.flush(wire):
                self._settle()

    def by_hand(self, wire: Wire, rate: int, data: bytes, timeout: float) -> None:
        """`data` goes out now, after what is under way. Raises TimeoutError when nobody makes room."""
        nobody = f"nobody reads {wire.path}: it took no more bytes"
        until(lambda: self.flush(wire), timeout, nobody)
        self._load([Line(data, what="noise")], rate)
        until(lambda: self.flush(wire), timeout, nobody)

    def paced(self, wire: Wire | None, rate: int, now: float) -> float:
        """Sends the lines whose last byte has left by `now` at the board's baud; what finds no room is lost: a UART.

        wire: None: nobody is there. rate: at which the reader samples. Gives the time of the next step.
        """
        free = wire is not None and self.flush(wire)
        self.starved = False
        batch: list[Line] = []
        while (line := self._peek()) is not None:
            if self._end is None:
                self._end = self._begin(line, now) + line_time(len(line.data), self.baud)
            if self._end > now:
                break
            self._free, self._end = self._end, None
            self._next = None
            batch.append(line)
        if batch and wire is not None and free:
            self._load(batch, rate)
            if not self.flush(wire) and self._chunk[self._offset :] != b"\n":
                self._settle()  # but a line that lacks no more than that can be read: it may come late
        else:
            for line in batch:
                self.written.lost(line)
        if self._end is None:
            return now + LOOK
        return min(math.ceil(self._end / TICK) * TICK, now + LOOK)

    def flat_out(self, wire: Wire, rate: int, now: float) -> float:
        """Sends as much as the reader takes, in chunks that end with a line. Gives the time of the next step."""
        self._end = None
        for _ in range(8):  # then it is another board's turn
            if not self.flush(wire):
                self.starved = True
                return now + LOOK
            batch: list[Line] = []
            size = 0
            while (line := self._peek()) is not None and (size + len(line.data) <= CHUNK or not batch):
                size += len(line.data)
                self._next = None
                batch.append(line)
            if not batch:
                return now + LOOK
            self._load(batch, rate)
        return now

    def flush(self, wire: Wire) -> bool:
        """Writes what there is room for; whether the batch is out."""
        if self._offset < len(self._chunk):
            count = wire.write(memoryview(self._chunk)[self._offset :])
            self._offset += count
            self.written.bytes += count
        if self._offset < len(self._chunk):
            return False
        self._settle()
        self.starved = False
        return True

    def _begin(self, line: Line, now: float) -> float:
        """When the first bit of `line` leaves."""
        late = now - min(LATE, line_time(CHUNK, self.baud))
        if line.what != "data" or line.record == self._record > 0:  # not a record of its own
            return max(self._free, late)
        self._record = line.record
        begin = max(self._free, self._due, late)
        self._due = max(self._due + self._period, begin)
        return begin

    def _peek(self) -> Line | None:
        if self._next is None:
            if self.first:
                self._next = self.first.popleft()
            elif self._left > 0 and (line := next(self.lines, None)) is not None:
                self._left -= 1
                self._next = self._altered(line) if self.alter else line
            else:
                self.ended = True
        return self._next

    def _altered(self, line: Line) -> Line:
        fault = self.alter.popleft()
        if fault.name == "duplicate":
            self.first.extend([line._replace(what="copy")] * int(fault.arg))
            return line
        damage = faults.drop if fault.name == "drop" else faults.garble
        return damage(line, int(fault.arg), self._random)

    def _load(self, batch: list[Line], rate: int) -> None:
        """Makes `batch` what is to be written, as a reader at `rate` will find it."""
        data = b"".join([line.data for line in batch])
        heard = resample(data, self.baud, rate) if self.baud and rate else data
        if heard != data:
            batch = [Line(b"", what="noise" if line.what == "noise" else "damaged") for line in batch]
            batch[-1] = batch[-1]._replace(data=heard)
        self._batch, self._chunk, self._offset = batch, heard, 0

    def _settle(self) -> None:
        """Counts the batch: what went out whole, and not on a half line, was sent; the rest is lost."""
        now = time.monotonic()
        end = 0
        for line in self._batch:
            begin, end = end, end + len(line.data)
            whole = end <= self._offset
            if not whole or self._torn:
                self.written.lost(line)
            else:
                self.written.sent(line)
                if self._log is not None and line.what == "data":
                    log_line(self._log, self.name, line, now)
            if whole:
                self._torn = False
            elif begin < self._offset:
                self._torn = True
        self._batch, self._chunk, self._offset = [], b"", 0
        if self._log is not None:
            self._log.flush()

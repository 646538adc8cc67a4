"""Lines, put together into blocks: the framing of records that take several lines.

    [24.25, 24.00, 23.75,        the line that begins a block is part of it
    24.00, 24.25, 24.50,
    ]                            and so is the one that ends it
    Calibrating...               outside: noise
    [24.25, 24.00,               no end came: the next start ends this block, and it is bad
    [24.50, …

Where no line ends a block the next start does; where none begins one, it begins behind the end of the one before.
"""

from collections.abc import Callable

from ...model import HEAD, Frame, Noise, Refusal, Why
from .lines import Lines

Edge = Callable[[bytes], bool] | None
"""Whether a line begins or ends a block; None where no line tells."""


class Blocks:
    """Bytes -> blocks: frames whose lines are parted by LF. Each line outside of them is Noise.

    starts, ends: at least one is given. timeout: s without a byte after which a block under way is refused. A block of
    more than `limit` bytes gives one Refusal(TOO_LONG), and reading goes on behind its end. midstream: the stream may
    begin inside a block.
    """

    def __init__(self, limit: int, midstream: bool, starts: Edge, ends: Edge, timeout: float) -> None:
        self._lines = Lines(limit, midstream)
        self._starts, self._ends, self._timeout = starts, ends, timeout
        self._limit = limit
        self._block: list[bytes] = []  # the block under way
        self._size = 0  # bytes of it
        self._skipping = False  # that block was refused already: wait for its end
        self._whole = not midstream  # where no line begins a block: whether the next line does
        self._heard = 0.0

    @property
    def between(self) -> bool:
        """Whether the last byte ended a block, or a line outside of one."""
        outside = not self._block and not self._skipping
        return self._lines.between and outside and (self._starts is not None or self._whole)

    def feed(self, data: bytes, now: float = 0.0) -> list[Frame | Refusal | Noise]:
        """The blocks that `data` ends, and the lines outside of blocks. now: when it came, s, monotonic."""
        out: list[Frame | Refusal | Noise] = []
        if self._block and now - self._heard > self._timeout:
            out.append(self._given_up(Why.TIMEOUT))
        self._heard = now
        for item in self._lines.feed(data):
            if isinstance(item, bytes):
                self._take(item, out)
            elif isinstance(item, Refusal) and (self._block or self._skipping):
                if self._block:
                    out.append(self._given_up(item.why))
                self._skipping = True
            else:
                out.append(item)
        return out

    def lost(self) -> Noise | None:
        """Gives up the block and the line under way, at a close. None when there is none."""
        half = self._lines.lost()
        noise = Noise(self._head()) if self._block else half
        self._block, self._size, self._skipping = [], 0, False
        return noise

    def _take(self, line: bytes, out: list[Frame | Refusal | Noise]) -> None:
        starts = self._starts is not None and self._starts(line)
        ends = self._ends is not None and self._ends(line)
        if self._block or self._skipping:
            if ends:
                self._add(line, out)
                self._finish(out)
            elif starts:
                if self._ends is not None and self._block:
                    out.append(self._given_up(Why.BAD_FRAME))
                self._finish(out)
                self._add(line, out)
            elif self._block:
                self._add(line, out)
        elif starts or (self._starts is None and self._whole and not ends and line.strip()):
            self._add(line, out)
        else:
            out.append(Noise(line[:HEAD]))
            self._whole = self._whole or ends

    def _add(self, line: bytes, out: list[Frame | Refusal | Noise]) -> None:
        """One more line of the block under way."""
        if self._skipping:
            return
        self._block.append(line)
        self._size += len(line) + 1
        if self._size > self._limit + 1:
            out.append(self._given_up(Why.TOO_LONG))
            self._skipping = True

    def _finish(self, out: list[Frame | Refusal | Noise]) -> None:
        if self._block:
            out.append(b"\n".join(self._block))
        self._block, self._size, self._skipping = [], 0, False

    def _given_up(self, why: Why) -> Refusal:
        refusal = Refusal(why, self._head())
        self._block, self._size = [], 0
        return refusal

    def _head(self) -> bytes:
        return b"\n".join(self._block[:HEAD])[:HEAD]

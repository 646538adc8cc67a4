"""Frames that no reserved byte parts: looked for in the stream, at the place where one holds.

    … | whole frame | whole frame | garbage … | whole frame | …
                                    one refusal

A place is tried with the frame's shape (fixed.py, stx_etx.py, length.py) and its checksum. Garbage may hold what looks
like a frame, so one has to prove itself:

- by a checksum and constant bytes, together 24 bits or more: at once.
- by a shorter checksum (a CRC-8 holds at 1 of 256 wrong places): when the next one holds too, and no other place in
  between does as well; or at the place where it is due: behind a good frame, or behind one that was damaged. Once
  frames have been found, also where bytes come after a silence.
- by constant bytes alone, which data may hold too: when the next frame begins right behind it, or the one after that;
  or it begins where one is due, after a silence, and has come whole without another: then it need not wait.

A run of garbage is one refusal, of a whole frame's length for its checksum; so is each `limit` bytes of a longer one.
Lines of text are noise: they are said by a board that starts.
"""

from collections.abc import Callable
from typing import Protocol

from ...model import HEAD, Frame, Noise, Refusal, Why
from .banner import is_banner

SILENCE = 0.02
"""S without a byte, after which a frame may begin. Adapters hand on what they have every 16 ms at the latest."""
SURE = 24
"""Bits that let one frame stand by itself: random bytes at 115,200 baud have them once in 24 minutes."""
ENOUGH = 3
"""Frames in a row that show where frames are: with a CRC-8 as well random bytes hardly have them."""
UNKNOWN = -1
"""A length that more bytes will tell."""


class Shape(Protocol):
    """How a frame looks, apart from its checksum."""

    bits: int  # that are the same in each frame
    fixed: bool  # all frames have one length
    closed: bool  # it ends with a byte that it cannot hold elsewhere

    def length(self, data: bytearray, at: int) -> int:
        """Of the frame that begins at `at`: in bytes, 0 when none does, UNKNOWN when it takes more to say."""
        ...

    def begins(self, data: bytearray, at: int) -> int:
        """Whether one may begin at `at`, whatever of it has come: 1, 0 or UNKNOWN."""
        ...

    def seek(self, data: bytearray, at: int) -> int:
        """The first place from `at` on where a frame may begin, as far as its constant bytes say."""
        ...


class Hunt:
    """Bytes -> frames of a shape that pass `holds`, a checksum of so many `bits` (0: there is none).

    Holds at most three times the longest frame, and `limit` bytes of garbage.
    """

    def __init__(
        self, shape: Shape, holds: Callable[[bytearray], bool], bits: int, limit: int = 4000, midstream: bool = True
    ) -> None:
        self._shape, self._holds, self._checked, self._limit = shape, holds, bits > 0, limit
        self._alone = (bits > 0 and bits + shape.bits >= SURE) or shape.closed
        self._midstream = midstream  # no frame was found yet, so that garbage may be half of one
        self._rest = bytearray()
        self._marks: list[int] = []  # places in it where bytes came after a silence
        self._due: int | None = None if midstream else 0  # the place in it where the next frame has to begin
        self._damaged = False  # the frame due before that one did not hold
        self._chain = 0  # good frames in a row, each where it was due
        self._found = False  # ENOUGH in a row were found, and no long garbage came since
        self._run = bytearray()  # the garbage under way
        self._broken: int | None = None  # of a frame that stood at its begin, but for its checksum: the length, or 0
        self._heard = float("-inf")

    @property
    def between(self) -> bool:
        """Whether the last byte ended a frame, and no other bytes are under way."""
        return not (self._rest or self._run or self._midstream)

    def feed(self, data: bytes, now: float = 0.0) -> list[Frame | Refusal | Noise]:
        """The frames that `data` ends, or makes sure of."""
        out: list[Frame | Refusal | Noise] = []
        if data and now - self._heard >= SILENCE:
            self._marks.append(len(self._rest))
        self._heard = now
        self._rest += data
        while self._rest and self._step(out):
            pass
        return out

    def lost(self) -> Noise | None:
        """Gives up what is under way, as one piece."""
        head = bytes((self._run + self._rest)[:HEAD])
        self._rest.clear()
        self._run.clear()
        self._due, self._found, self._marks = None, False, []
        return Noise(head) if head else None

    def _step(self, out: list[Frame | Refusal | Noise]) -> bool:
        """Takes one frame, or one piece of garbage, off the front; False when that takes more bytes."""
        size = self._proven()
        if size > 0:
            self._take(size, out)
        elif size == 0:
            self._miss()
            self._skip(self._next(), out)
        elif (mark := self._at_a_mark()) is not None:
            self._skip(mark, out)
        else:
            return False
        return True

    def _whole(self, at: int) -> int:
        """Length of the frame at `at` if it has come whole and holds; else 0 or UNKNOWN."""
        size = self._shape.length(self._rest, at)
        if size > self._limit:
            return 0
        if size <= 0:
            return size
        if len(self._rest) < at + size:
            return UNKNOWN
        return size if self._holds(self._rest[at : at + size]) else 0

    def _neighbour(self, at: int) -> int:
        """Whether a frame stands at `at`: 1 or more, 0 or UNKNOWN. Without a checksum its begin is enough."""
        return self._whole(at) if self._checked else self._shape.begins(self._rest, at)

    def _proven(self) -> int:
        """Length of the frame at the front if it may be believed; else 0 or UNKNOWN."""
        size = self._whole(0)
        if size <= 0 or self._alone:
            return size
        if self._checked and (self._due == 0 or (self._found and 0 in self._marks)):
            return size
        if self._due == 0 and self._marks == [0] and len(self._rest) == size:
            return size
        after = self._neighbour(size)
        if self._due == 0:
            if self._shape.fixed:
                after = after or self._neighbour(2 * size)
            return size if after > 0 else after
        return self._rivalled(size, after) if after > 0 else after

    def _rivalled(self, size: int, after: int) -> int:
        """For two frames in a row: the first one's length, but 0 where another place in it is as good."""
        if not (self._checked or self._shape.fixed):  # a length that leads right to the next frame says enough
            return size
        unknown = False
        at = self._shape.seek(self._rest, 1)
        while at < size:
            length = self._whole(at)
            if length > 0 and (not self._checked or at + length <= size + after):  # which has come, for sure
                length = self._neighbour(at + length)
                if length > 0:
                    return 0
                unknown = unknown or length == UNKNOWN
            unknown = unknown or (length == UNKNOWN and not self._checked)
            at = self._shape.seek(self._rest, at + 1)
        return UNKNOWN if unknown else size

    def _at_a_mark(self) -> int | None:
        """Where, behind what cannot be told yet, a whole frame came after a silence."""
        for at in self._marks:
            size = self._whole(at) if at else 0
            told = self._found if self._checked else self._shape.begins(self._rest, at + size) != 0
            if size > 0 and (self._alone or told):
                return at
        return None

    def _next(self) -> int:
        """The next place from which on something may be a frame."""
        at = self._shape.seek(self._rest, 1)
        while at < len(self._rest) and self._whole(at) == 0:
            at = self._shape.seek(self._rest, at + 1)
        return min(at, len(self._rest))

    def _take(self, size: int, out: list[Frame | Refusal | Noise]) -> None:
        if self._run:
            out.append(self._refused())
        out.append(bytes(self._rest[:size]))
        self._drop(size)
        self._chain = self._chain + 1 if self._due == 0 else 1
        self._found = self._found or self._chain >= ENOUGH
        self._midstream = self._damaged = False
        self._due, self._broken = 0, None

    def _miss(self) -> None:
        """No frame begins at the front."""
        size = self._shape.length(self._rest, 0)
        if not 0 < size <= self._limit:
            size = 0
        if self._broken is None:
            self._broken = size if self._checked else 0
        if self._due == 0:
            self._due = size if size and not self._damaged else None
            self._damaged = True

    def _skip(self, size: int, out: list[Frame | Refusal | Noise]) -> None:
        """Makes the first `size` bytes garbage."""
        while size:
            piece = min(size, self._limit - len(self._run))
            self._run += self._rest[:piece]
            if self._due is not None:
                self._due = self._due - piece if self._due >= piece else None
            self._drop(piece)
            size -= piece
            if len(self._run) == self._limit:
                self._midstream = self._found = False
                self._broken = 0
                out.append(self._refused())

    def _drop(self, size: int) -> None:
        del self._rest[:size]
        self._marks = [mark - size for mark in self._marks if mark >= size]

    def _refused(self) -> Refusal | Noise:
        """What the run of garbage comes to, which is over."""
        head, length, banner = bytes(self._run[:HEAD]), len(self._run), is_banner(self._run)
        self._run.clear()
        if self._midstream or banner:
            return Noise(head)
        whole = self._broken and length % self._broken == 0
        return Refusal(Why.BAD_CHECKSUM if whole else Why.BAD_FRAME, head)

"""Bytes, cut anywhere, into lines: the framing of every text format."""

from collections.abc import Sequence

from ...model import HEAD, Frame, Noise, Refusal, Why


class Lines:
    """Bytes -> lines. CR LF, LF and CR alone each end a line; an empty line is an empty frame.

    Holds at most `limit` bytes. A line over it gives one Refusal(TOO_LONG), and reading goes on after its terminator.
    midstream: the port was opened while the board was talking, so what comes before the first terminator is Noise.
    However the bytes are cut, the same frames come out in the same order.
    """

    def __init__(self, limit: int = 4000, midstream: bool = True) -> None:
        self.limit = limit
        self._head = min(limit, HEAD)
        self._midstream = midstream
        self._rest = bytearray()  # the line under way
        self._skipping = False  # that line was refused already: wait for its end
        self._after_cr = False  # a LF that comes next belongs to the CR before it

    @property
    def between(self) -> bool:
        """Whether the last byte ended a line, and no line is under way."""
        return not (self._rest or self._skipping or self._midstream)

    def feed(self, data: bytes, now: float = 0.0) -> list[Frame | Refusal | Noise]:
        """The lines that `data` ends, without their terminators, whenever it came."""
        if self._after_cr and data[:1] == b"\n":
            data, self._after_cr = data[1:], False
        if not data:
            return []
        self._after_cr = data[-1] == 13
        lines, rest = data.splitlines(), self._rest
        size = len(rest) + len(data)
        half = b"" if data[-1] in b"\r\n" else lines.pop()
        if lines and rest:
            lines[0] = bytes(rest) + lines[0]
            rest.clear()
        rest += half  # in place: a long line in many small pieces is not copied at each of them
        if self._midstream or self._skipping or (size > self.limit and self._too_long(lines)):
            return self._with_care(lines)
        return lines  # type: ignore[return-value]  # list is invariant; a copy of it would cost more than the split

    def feed_many(self, pieces: Sequence[bytes]) -> tuple[list[bytes], list[int]] | None:
        """The same of some pieces in turn, with how many lines each of them ends, where their bytes alone say that: no
        line is over the limit, none is noise, and a CR has its LF behind it. Else None, and nothing is taken.
        """
        text = b"\0".join([bytes(self._rest), *pieces])
        ends, returns = text.count(b"\n"), text.count(b"\r")
        if self._midstream or self._skipping or self._after_cr or not ends or text.count(b"\0") != len(pieces):
            return None
        if returns and (returns != ends or text.count(b"\r\n") != ends):
            return None
        each_one = text.count(b"\n\0") == len(pieces) - 1 and ends == len(pieces) and text.endswith(b"\n")
        counts = [1] * ends if each_one else [piece.count(b"\n") for piece in pieces]
        lines = text.replace(b"\0", b"").split(b"\r\n" if returns else b"\n")
        if max(map(len, lines)) > self.limit:
            return None
        self._rest = bytearray(lines.pop())
        return lines, counts

    def lost(self) -> Noise | None:
        """Gives up the line under way, at a close: half a line is never a reading. None when there is none."""
        noise = Noise(bytes(self._rest[:HEAD])) if self._rest else None
        self._rest, self._skipping, self._after_cr = bytearray(), False, False
        return noise

    def _too_long(self, lines: list[bytes]) -> bool:
        return max(len(self._rest), max(map(len, lines), default=0)) > self.limit

    def _with_care(self, lines: list[bytes]) -> list[Frame | Refusal | Noise]:
        out: list[Frame | Refusal | Noise] = []
        for line in lines:
            if self._skipping:
                self._skipping = False
            elif len(line) > self.limit:
                out.append(Refusal(Why.TOO_LONG, line[: self._head]))
            else:
                out.append(Noise(line[:HEAD]) if self._midstream else line)
            self._midstream = False
        if self._skipping:
            self._rest.clear()
        elif len(self._rest) > self.limit:
            out.append(Refusal(Why.TOO_LONG, bytes(self._rest[: self._head])))
            self._rest.clear()
            self._skipping = True
        return out

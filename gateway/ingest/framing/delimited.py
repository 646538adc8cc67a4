"""Frames between bytes that are no part of any frame: stuffing takes care of that (cobs, slip, hdlc, escaped, hex).

    D | piece | D | piece | D D D | piece | D          nothing between two of them is nothing

What is damaged ends at the next such byte at the latest.
"""

from collections.abc import Callable

from ...model import HEAD, Frame, Noise, Refusal, Why

Open = Callable[[bytes], Frame | Refusal | Noise]
"""What a piece comes to, once it is unstuffed."""


class Delimited:
    """Bytes -> what `opened` makes of each piece. Holds at most `limit` bytes; a longer piece is one Refusal(TOO_LONG).

    proven: a whole frame shows that it is one, by its size or its checksum. In midstream the first piece may be half
    of one, so it is noise unless it is proven. delimiters: each of these bytes ends a piece.
    """

    def __init__(
        self, delimiters: bytes, opened: Open, *, proven: bool, limit: int = 4000, midstream: bool = True
    ) -> None:
        self._delimiter, self._opened, self._proven, self._limit = delimiters[:1], opened, proven, limit
        self._same = bytes.maketrans(delimiters[1:], delimiters[:1] * len(delimiters[1:])) if delimiters[1:] else None
        self._head = min(limit, HEAD)
        self._midstream = midstream
        self._rest = bytearray()
        self._skipping = False  # that piece was refused already: wait for its end

    @property
    def between(self) -> bool:
        """Whether the last byte ended a frame, and none is under way."""
        return not (self._rest or self._skipping or self._midstream)

    def feed(self, data: bytes, now: float = 0.0) -> list[Frame | Refusal | Noise]:
        """What the pieces that `data` ends come to, whenever it came."""
        *pieces, half = (data.translate(self._same) if self._same else data).split(self._delimiter)
        out: list[Frame | Refusal | Noise] = []
        for piece in pieces:
            if self._rest:
                piece = bytes(self._rest) + piece
                self._rest.clear()
            if self._skipping:
                self._skipping = False
            elif len(piece) > self._limit:
                out.append(Refusal(Why.TOO_LONG, piece[: self._head]))
            elif piece:
                out.append(self._first(piece) if self._midstream else self._opened(piece))
            self._midstream = False
        if not self._skipping:
            self._rest += half
        if len(self._rest) > self._limit:
            out.append(Refusal(Why.TOO_LONG, bytes(self._rest[: self._head])))
            self._rest.clear()
            self._skipping = True
        return out

    def lost(self) -> Noise | None:
        """Gives up the piece under way. None when there is none."""
        noise = Noise(bytes(self._rest[:HEAD])) if self._rest else None
        self._rest.clear()
        self._skipping = False
        return noise

    def _first(self, piece: bytes) -> Frame | Refusal | Noise:
        result = self._opened(piece) if self._proven else None
        return result if isinstance(result, bytes) else Noise(piece[:HEAD])

"""The newest bytes of a port, with their times: what a person who debugs a board wants to see. Bounded; no port."""

from collections import deque
from typing import NamedTuple

MOST_BYTES, MOST_PIECES = 65_536, 2_000
BYTES = MOST_BYTES + 250 * MOST_PIECES
"""Of memory, at the most."""


class Piece(NamedTuple):
    """What one read of the port gave, or what was sent. at: s of the monotonic clock."""

    at: float
    data: bytes
    sent: bool


class Tail:
    """What came and what was sent last, oldest first; kept only where that is wanted."""

    def __init__(self) -> None:
        self.pieces: deque[Piece] = deque()
        self.kept = False
        self._bytes = 0

    def keep(self, *, kept: bool) -> None:
        """Keeps it from now on, or nothing any more."""
        if not kept:
            self.pieces.clear()
            self._bytes = 0
        self.kept = kept

    def take(self, data: bytes, at: float, *, sent: bool = False) -> None:
        """Takes bytes, and forgets the oldest beyond the bounds. at: as in Piece."""
        if not self.kept:
            return
        data = data[-MOST_BYTES:]
        pieces = self.pieces
        pieces.append(Piece(at, data, sent))
        self._bytes += len(data)
        while self._bytes > MOST_BYTES or len(pieces) > MOST_PIECES:
            self._bytes -= len(pieces.popleft().data)

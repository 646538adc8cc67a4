"""What waits for one feature, and what its process has been asked. No I/O, no clock."""

from __future__ import annotations

from collections import deque

from ..batching import HEAVIEST, MOST
from .pieces import Call, Piece
from .window import Window


class Queue:
    """Pieces in the order in which they came; sensors take turns. `asked`: calls without an answer, oldest first."""

    def __init__(self) -> None:
        self.asked: deque[Call] = deque()
        self._waiting: dict[Window, deque[Piece]] = {}

    def put(self, piece: Piece) -> None:
        """Takes a piece in."""
        self._waiting.setdefault(piece.window, deque()).append(piece)

    def left(self, piece: Piece) -> None:
        """A piece does not wait any longer; if it is here, it is the oldest of its window."""
        pieces = self._waiting.get(piece.window)
        if pieces and pieces[0] is piece:
            pieces.popleft()
            if not pieces:
                del self._waiting[piece.window]

    def ask(self) -> list[tuple[int, bytes, bytes]]:
        """The next calls, as work.py takes them: new readings, times and values. A bounded share of what waits."""
        calls, weight = [], 0
        while self._waiting and weight < HEAVIEST:
            call = self._next()
            window, first, last = call.pieces[0].window, call.pieces[0].span, call.pieces[-1].span
            calls.append((call.new, *window.read(first.start, last.end)))
            weight += last.end - first.start
            self.asked.append(call)
        return calls

    def _next(self) -> Call:
        """The pieces of the window whose turn it is, up to about MOST readings."""
        window = next(iter(self._waiting))
        waiting = self._waiting.pop(window)
        call, readings = Call([]), 0
        while waiting and readings < MOST:
            call.pieces.append(waiting.popleft())
            readings += len(call.pieces[-1].features)
        if waiting:
            self._waiting[window] = waiting
        return call

    def back(self) -> None:
        """What was asked and not begun with waits again, in front."""
        again: dict[Window, deque[Piece]] = {}
        for call in self.asked:
            for piece in call.pieces:
                if not piece.left:
                    again.setdefault(piece.window, deque()).append(piece)
        self.asked.clear()
        for window, pieces in self._waiting.items():
            again.setdefault(window, deque()).extend(pieces)
        self._waiting = again

    def clear(self) -> list[Piece]:
        """Takes out all that is here."""
        self.back()
        pieces = [piece for waiting in self._waiting.values() for piece in waiting]
        self._waiting = {}
        return pieces

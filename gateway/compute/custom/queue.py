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
        self._returned: deque[Call] = deque()  # what a cluster has not answered: it is asked first, and here
        self._waiting: dict[Window, deque[Piece]] = {}

    def __len__(self) -> int:
        """How many calls wait, about."""
        return len(self._returned) + len(self._waiting)

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

    def ask(self, most: int | None = None) -> list[tuple[int, bytes, bytes]]:
        """The next calls, as work.py takes them: new readings, times and values. A bounded share of what waits.

        most: calls.
        """
        calls: list[tuple[int, bytes, bytes]] = []
        weight = 0
        while (self._returned or self._waiting) and weight < HEAVIEST and (most is None or len(calls) < most):
            call = self._returned.popleft() if self._returned else self._next()
            call = Call([piece for piece in call.pieces if not piece.left])
            if call.pieces:
                calls.append(call.written())
                weight += call.weight
                self.asked.append(call)
        return calls

    def next(self) -> Call | None:
        """What would be asked next and may be asked elsewhere; `take` then takes it out."""
        window = next(iter(self._waiting), None)
        return None if window is None else Call(self._next_of(window))

    def take(self) -> Call:
        """That, to be asked elsewhere."""
        return self._next()

    def returned(self, call: Call) -> None:
        """It was asked elsewhere, and not answered."""
        self._returned.append(call)

    def _next(self) -> Call:
        """The pieces of the window whose turn it is, up to about MOST readings."""
        window = next(iter(self._waiting))
        call, waiting = Call(self._next_of(window)), self._waiting.pop(window)
        for _ in call.pieces:
            waiting.popleft()
        if waiting:
            self._waiting[window] = waiting
        return call

    def _next_of(self, window: Window) -> list[Piece]:
        """Its oldest pieces, one behind the other: what is between two of them may be under way elsewhere."""
        pieces: list[Piece] = []
        readings = 0
        for piece in self._waiting[window]:
            if pieces and piece.span.new != pieces[-1].span.end:
                break
            pieces.append(piece)
            readings += len(piece.features)
            if readings >= MOST:
                break
        return pieces

    def back(self) -> None:
        """What was asked and not begun with waits again, in front."""
        again: dict[Window, deque[Piece]] = {}
        for call in (*self._returned, *self.asked):
            for piece in call.pieces:
                if not piece.left:
                    again.setdefault(piece.window, deque()).append(piece)
        self.asked.clear()
        self._returned.clear()
        for window, pieces in self._waiting.items():
            again.setdefault(window, deque()).extend(pieces)
        self._waiting = {
            window: deque(sorted(pieces, key=lambda piece: piece.span.new)) for window, pieces in again.items()
        }

    def clear(self) -> list[Piece]:
        """Takes out all that is here."""
        self.back()
        pieces = [piece for waiting in self._waiting.values() for piece in waiting]
        self._waiting = {}
        return pieces

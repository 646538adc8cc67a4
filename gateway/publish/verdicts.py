"""What becomes of what was sent: the broker takes it, refuses it, or cuts the line at it. Pure.

Each reading is counted here, to its end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from ..ledger import Account
from ..model import Drop
from .broker import TOO_LARGE
from .crossing import Crossing
from .documents import Documents
from .lane import Piece
from .messages import MOST_ROWS
from .refusals import CUT, INVALID, Refusals, pause
from .spool.nouns import Block
from .turns import Turns
from .window import Flight


class Verdicts:
    """account: of a board, where outcomes are counted.

    done: told of readings that need their block no more. most_rows: readings of a message that holds many, as far as
    the broker takes them.
    """

    def __init__(self, account: Callable[[str], Account], turns: Turns, crossing: Crossing) -> None:
        self.refusals, self.documents = Refusals(), Documents()
        self.most_rows = MOST_ROWS
        self.done: Callable[[Block, int], None] = lambda block, readings: None
        self._account, self._turns, self._crossing = account, turns, crossing

    def taken(self, flights: Sequence[Flight]) -> None:
        """The broker has taken these."""
        readings: Counter[str] = Counter()
        for flight in flights:
            if (piece := flight.piece) is not None:
                readings[piece.features.board] += piece.last - piece.first
                self._finish(piece, flight.copy)
            else:
                self.documents.taken(flight)
        for board, count in readings.items():
            self._account(board).acknowledged += count
        if self.refusals.any:
            for flight in flights:
                self.refusals.clear(flight.topic)

    def refused(self, flight: Flight, reason: int, now: float) -> float | None:
        """The broker does not take it. Gives the seconds after which it may be tried again, if it may."""
        piece = flight.piece
        if piece is None and not flight.payload:
            self.refusals.clear(flight.topic)  # what was to be taken back is of another time, when this broker may have
            self.documents.told(flight.topic)  # let us write it
            return None
        self.refusals.add(flight.topic, reason)
        if piece is not None:
            return self._refused(piece, flight.copy, reason, now)
        if reason == TOO_LARGE:
            self.documents.refused(flight)
        return None

    def _refused(self, piece: Piece, copy: int | None, reason: int, now: float) -> float | None:
        if reason in INVALID and not (reason == TOO_LARGE and len(piece) > 1):
            self.drop(piece, copy, Drop.TOO_LARGE if reason == TOO_LARGE else Drop.REFUSED_BY_BROKER)
            return None
        lanes = self._turns.of(piece)
        if copy is not None:
            self._crossing.promoted(copy)  # it comes from there, before what is newer and lies there already
        else:
            lanes.back([piece], sealed=True)
        if reason == TOO_LARGE:
            self.most_rows = max(1, len(piece) // 2)
            return None
        lanes.hold(piece.lane, now + pause(reason))
        return pause(reason)

    def left(self, flight: Flight) -> None:
        """It has left our hands, which is all that can be known with QoS 0."""
        if (piece := flight.piece) is not None:
            self._account(piece.features.board).sent_unacknowledged += len(piece)
            self._finish(piece, flight.copy)
        else:
            self.documents.told(flight.topic)

    def cut(self, flight: Flight, now: float) -> bool:
        """The broker cuts the line at this message, again and again. Whether it is given up for that.

        When one message after the other of a sensor is such, its next one waits: to find each costs all others a few
        connections.
        """
        piece = flight.piece
        if piece is None:
            self.documents.cut(flight, now + self.refusals.cut(flight.topic, 1))
            return True
        if len(piece) > 1:  # one of them, which is found by halves
            self.refusals.add(flight.topic, CUT)
            self.most_rows = max(1, len(piece) // 2)
            return False
        self.most_rows = MOST_ROWS
        self.drop(piece, flight.copy, Drop.REFUSED_BY_BROKER)
        if wait := self.refusals.cut(flight.topic):
            self._turns.hold(piece.lane, now + wait)
        return True

    def cut_after(self, flight: Flight, now: float) -> None:
        """The broker refused this message, and then cut the line: if that comes again the topic's next ones wait."""
        wait = self.refusals.cut_after(flight.topic)
        if not wait:
            return
        if flight.piece is None:
            self.documents.cut(flight, now + wait)
        else:
            self._turns.hold(flight.piece.lane, now + wait)

    def too_large(self, piece: Piece, topic: str) -> None:
        """It is larger than the broker takes, and is not sent."""
        self.drop(piece, None, Drop.TOO_LARGE)
        self.refusals.add(topic, TOO_LARGE)

    def drop(self, piece: Piece, copy: int | None, reason: Drop) -> None:
        """It is not sent, or not again."""
        self._account(piece.features.board).dropped[reason] += len(piece)
        self._turns.of(piece).skipped(piece)
        self._forget(piece, copy)

    def _finish(self, piece: Piece, copy: int | None) -> None:
        self._turns.of(piece).taken(piece)
        self._forget(piece, copy)

    def _forget(self, piece: Piece, copy: int | None) -> None:
        """Nobody needs its readings any more."""
        if piece.block is not None:
            self.done(piece.block, len(piece))
        if copy is not None:
            self._crossing.uncopied(copy)

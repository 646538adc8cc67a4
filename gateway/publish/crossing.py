"""Live readings on their way to the disk: what waited leaves its lane, what is on the wire gets a copy. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from .lanes import Lanes, Piece
from .window import Flight, Window


class Crossing:
    """Between the live lanes, the window and the disk.

    uncopied: told of a copy that nobody needs any more; promoted: of a copy that is all there is of its readings now.
    """

    def __init__(self, lanes: Lanes, window: Window) -> None:
        self._lanes, self._window = lanes, window
        self._moving: Counter[str] = Counter()  # readings, by board
        self._staying: set[tuple[str, str]] = set()  # lanes of which something is moving, or getting its copy
        self.uncopied: Callable[[int], None] = lambda copy: None
        self.promoted: Callable[[int], None] = lambda copy: None

    def moving(self, board: str) -> int:
        """Readings of `board` that have left their lane and are not known to be on the disk."""
        return self._moving[board]

    def copied(self, board: str) -> int:
        """Readings of `board` on the wire that have a copy on the disk."""
        flights = (flight.piece for flight in self._window.flights.values() if flight.copy is not None)
        return sum(len(piece) for piece in flights if piece is not None and piece.features.board == board)

    def oldest(self) -> float:
        """When the oldest reading came that is on no disk; s, monotonic; infinity when there is none."""
        on_wire = min((piece.oldest() for piece, _ in self._window.unsafe()), default=math.inf)
        return min(self._lanes.oldest(), on_wire)

    def begin(self, cut: float, most: int) -> tuple[list[Piece], list[Flight]]:
        """What came until `cut`: what waited, out of its lane and to be told by `end`; and what is on the wire.

        About `most` readings; what is on the wire, which is older, before all else. Until `end`, or `let_go`, nothing
        of their lanes is sent: if the disk does not take them they have to go first.
        """
        flights: list[Flight] = []
        for piece, flight in self._window.unsafe():
            if piece.oldest() <= cut and most > 0:
                flights.append(flight)
                most -= len(piece)
        waiting = self._lanes.older(cut, most)
        for piece in waiting:
            self._moving[piece.features.board] += len(piece)
        pieces = [*waiting, *(flight.piece for flight in flights if flight.piece is not None)]
        self._staying = {(piece.features.board, piece.features.sensor) for piece in pieces}
        self._lanes.stay(self._staying, True)
        return waiting, flights

    def let_go(self) -> None:
        """What is newer waits no more for what is moving: the disk takes its time."""
        self._lanes.stay(self._staying, False)
        self._staying = set()

    def end(self, waiting: Sequence[Piece], copied: Mapping[int, Flight] | None) -> None:
        """It is on the disk. copied: the flights, by the numbers of their copies. None: it is not, and waits again."""
        self.let_go()
        for piece in waiting:
            self._moving[piece.features.board] -= len(piece)
        if copied is None:
            self._lanes.back(waiting)
            return
        under_way = {id(flight) for flight in self._window.flights.values()}
        for copy, flight in copied.items():
            if id(flight) in under_way:
                flight.copy = copy
            elif flight.piece is not None and self._lanes.take_out(flight.piece):
                self.promoted(copy)
            else:  # acknowledged meanwhile, or sent anew
                self.uncopied(copy)

    def vanished(self, copies: Collection[int]) -> None:
        """The disk has lost these copies: what is on the wire has none any more."""
        for flight in self._window.flights.values():
            if flight.copy in copies:
                flight.copy = None

"""Live readings on their way to the disk: what waited leaves its lane, what is on the wire gets a copy. Pure.

begin ──▶ the disk writes ──▶ end          what waited is on the disk, or back in its lanes
     └──▶ it takes long: let_go ──▶ end    back in its lanes at once, to be sent in its order; what of it is still
                                           there at the end leaves memory for the copy, what has gone needs none
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from .lane import Piece
from .lanes import Lanes
from .window import Flight, Window


class Crossing:
    """Between the live lanes, the window and the disk.

    uncopied: told of a copy that nobody needs any more; promoted: of a copy that is all there is of its readings now.
    """

    def __init__(self, lanes: Lanes, window: Window) -> None:
        self._lanes, self._window = lanes, window
        self._moving: Counter[str] = Counter()  # readings, by board
        self._staying: set[tuple[str, str]] = set()  # lanes of which something is moving, or getting its copy
        self._let_go = False  # what was moving is back in its lanes
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

    def begin(self, cut: float, most: int, late: float = math.inf) -> tuple[list[Piece], list[Flight]]:
        """What came until `cut`: what waited, out of its lane and to be told by `end`; and what is on the wire.

        late: only of sensors of which something has come until then, so that a flood drives no others to the disk.

        About `most` readings; what is on the wire, which is older, before all else. Until `end`, or `let_go`, nothing
        of their lanes is sent: if the disk does not take them they have to go first.
        """
        flights: list[Flight] = []
        unsafe = list(self._window.unsafe())
        concerned = self._lanes.late(late) | {piece.lane for piece, _ in unsafe if piece.oldest() <= late}
        for piece, flight in unsafe:
            if piece.oldest() <= cut and most > 0 and piece.lane in concerned:
                flights.append(flight)
                most -= len(piece)
        waiting = self._lanes.older(cut, most, concerned)
        for piece in waiting:
            self._moving[piece.features.board] += len(piece)
        pieces = [*waiting, *(flight.piece for flight in flights if flight.piece is not None)]
        self._staying = {piece.lane for piece in pieces}
        self._lanes.stay(self._staying, True)
        return waiting, flights

    def let_go(self, waiting: Sequence[Piece]) -> None:
        """The disk takes its time: what waited does so in its lane again, and goes first, so that order is kept."""
        self._let_go = True
        self._moved(waiting)
        self._lanes.back(waiting, sealed=True, unsent=True)

    def end(self, blocks: Sequence[Sequence[Piece]], stored: tuple[Mapping[int, Flight], Sequence[int]] | None) -> None:
        """The disk has answered. blocks: what waited. stored: the flights by the numbers of their copies, and the
        numbers of the blocks; None: it does not take them.
        """
        let_go, self._let_go = self._let_go, False
        waiting = [piece for block in blocks for piece in block]
        if not let_go:
            self._moved(waiting)
        if stored is None:
            if not let_go:
                self._lanes.back(waiting, unsent=True)
            return
        copied, numbers = stored
        under_way = {id(flight) for flight in self._window.flights.values()}
        for copy, flight in copied.items():  # before the blocks, which are newer
            if id(flight) in under_way:
                flight.copy = copy
            elif flight.piece is not None:
                self._leave([flight.piece], copy)
        for number, block in zip(numbers, blocks, strict=True):
            if let_go:
                self._leave(block, number)
            else:
                self.promoted(number)

    def _moved(self, waiting: Sequence[Piece]) -> None:
        """They move no more, and nobody waits for them."""
        self._lanes.stay(self._staying, False)
        self._staying = set()
        for piece in waiting:
            self._moving[piece.features.board] -= len(piece)

    def _leave(self, pieces: Sequence[Piece], copy: int) -> None:
        """Gives up pieces for their copy, if all of them wait; if some were sent, or shed, nobody needs the copy.

        Nor where something older of their sensor stays in memory: it may come to the disk yet, and would lie behind.
        """
        lane = pieces[0].lane
        older = any(piece.lane == lane for piece, _ in self._window.unsafe()) or not self._lanes.leads(pieces[0])
        if not older and all(map(self._lanes.waits, pieces)):
            for piece in pieces:
                self._lanes.take_out(piece)
            self.promoted(copy)
        else:
            self.uncopied(copy)

    def vanished(self, copies: Collection[int]) -> None:
        """The disk has lost these copies: what is on the wire has none any more."""
        for flight in self._window.flights.values():
            if flight.copy in copies:
                flight.copy = None

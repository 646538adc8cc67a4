"""Whose turn it is: live readings first, and behind them what comes back from the disk, at its own pace. Pure."""

from __future__ import annotations

import sys
from collections.abc import Callable

from .lane import Piece
from .lanes import Lanes
from .pace import Pace
from .window import Window


class Turns:
    """The lanes of live readings and those of readings that had been on the disk.

    most: live readings that may wait; shed: told of those that find no room. rows: a message holds many readings.
    How much comes back from the disk is up to who fetches it: none of that is shed.
    """

    def __init__(self, most: int, shed: Callable[[str, int], None], *, rows: bool) -> None:
        self.live, self.replay = Lanes(most, shed), Lanes(sys.maxsize, shed)
        self.pace = Pace()
        self._rows = rows

    def put(self, piece: Piece, now: float) -> None:
        """Takes in live readings. now: s, monotonic."""
        self.live.put(piece)
        self.pace.live(1 if self._rows else len(piece), now)

    def of(self, piece: Piece) -> Lanes:
        """The lanes that a piece came from."""
        return self.live if piece.block is None else self.replay

    def hold(self, piece: Piece, until: float) -> None:
        """Keeps the sensor of `piece` back until then (s, monotonic): what is live and what comes from the disk."""
        for lanes in (self.live, self.replay):
            lanes.hold(piece, until)

    def forget(self, board: str) -> None:
        """Lets the lanes of a board go of which nothing waits."""
        for lanes in (self.live, self.replay):
            lanes.forget(board)

    def next(self, window: Window, most_rows: int, now: float) -> Piece | None:
        """The next piece to send; None: nothing may leave now. most_rows: readings of a message that holds many."""
        piece = self.live.next(most_rows if self._rows else self._share(window), now)
        if piece is None and self.replay.waiting:
            return self._replayed(window, most_rows, now)
        return piece

    def _share(self, window: Window) -> int:
        """Messages of a board's turn: all boards' turns fill the window once, so that none waits for a second one."""
        return min(window.room, max(1, window.limit // max(1, self.live.boards)))

    def _replayed(self, window: Window, most_rows: int, now: float) -> Piece | None:
        """Fills at most half of the window, so that live readings find room."""
        share = min(max(1, window.limit // 2) - window.replayed, window.room)
        if share <= 0:
            return None
        messages = self.pace.take(1 if self._rows else share, now)
        piece = self.replay.next(most_rows if self._rows else messages, now) if messages else None
        used = 0 if piece is None else 1 if self._rows else len(piece)
        self.pace.give_back(messages - used)
        return piece

"""Whose turn it is: live readings first, and behind them what comes back from the disk, at its own pace. Pure.

Where live readings alone take all that the broker does, a tenth is left to the disk: else what a flood has driven there
would stay for as long as the flood.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection

from .lane import Piece
from .lanes import Among, Lanes
from .pace import Pace
from .window import Window

TENTH = 9  # live messages for each one from the disk, where there are always more of them


class Turns:
    """The lanes of live readings and those of readings that had been on the disk.

    most: live readings that may wait; shed: told of those that find no room. rows: a message holds many readings.
    How much comes back from the disk is up to who fetches it: none of that is shed.
    """

    def __init__(self, most: int, shed: Callable[[str, int], None], *, rows: bool) -> None:
        self.live, self.replay = Lanes(most, shed), Lanes(sys.maxsize, shed)
        self.pace = Pace()
        self._due = 0  # live messages since the last from the disk
        self._rows = rows

    def put(self, piece: Piece, now: float) -> None:
        """Takes in live readings. now: s, monotonic."""
        self.live.put(piece)
        self.pace.live(1 if self._rows else len(piece), now)

    def of(self, piece: Piece) -> Lanes:
        """The lanes that a piece came from."""
        return self.live if piece.block is None else self.replay

    def hold(self, key: tuple[str, str], until: float) -> None:
        """Keeps (board, sensor) back until then (s, monotonic): what is live and what comes from the disk."""
        for lanes in (self.live, self.replay):
            lanes.hold(key, until)

    def may_go(self, keys: Collection[tuple[str, str]], now: float) -> bool:
        """Whether something of one of these (board, sensor) waits and is not kept back."""
        return any(lanes.may_go(keys, now) for lanes in (self.live, self.replay))

    def forget(self, board: str) -> None:
        """Lets the lanes of a board go of which nothing waits."""
        for lanes in (self.live, self.replay):
            lanes.forget(board)

    def next(self, window: Window, most_rows: int, now: float, among: Among | None = None) -> Piece | None:
        """The next piece to send; None: nothing may leave now.

        most_rows: readings of a message that holds many. among: see Lanes.next.
        """
        if self._due >= TENTH and self.replay.waiting:
            piece = self._replayed(window, most_rows, now, self._due // TENTH, among)
            self._due = 0
            if piece is not None:
                return piece
        piece = self.live.next(most_rows if self._rows else self._share(window), now, among)
        if piece is None and self.replay.waiting:
            return self._replayed(window, most_rows, now, window.limit, among)
        self._due += 0 if piece is None else 1 if self._rows else len(piece)
        return piece

    def _share(self, window: Window) -> int:
        """Messages of a board's turn: all boards' turns fill the window once, so that none waits for a second one."""
        return min(window.room, max(1, window.limit // max(1, self.live.boards)))

    def _replayed(self, window: Window, most_rows: int, now: float, most: int, among: Among | None) -> Piece | None:
        """Fills at most half of the window, so that live readings find room. most: messages."""
        share = min(max(1, window.limit // 2) - window.replayed, window.room, most)
        if share <= 0:
            return None
        messages = self.pace.take(1 if self._rows else share, now)
        piece = self.replay.next(most_rows if self._rows else messages, now, among) if messages else None
        used = 0 if piece is None else 1 if self._rows else len(piece)
        self.pace.give_back(messages - used)
        return piece

"""Features that wait for the broker: a lane a sensor (lane.py). Boards take turns, and so do the lanes of a board.

Bounded; what is shed is counted.

Live readings and those that come back from the disk have lanes of their own each, so that neither waits for the other.

A lane's readings are `waiting`, or on the wire (a Piece that the window holds) until the broker has acknowledged them.
When the connection breaks, what was on the wire goes back to the front of its lane.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator

from .lane import Lane, Piece

Among = Callable[[tuple[str, str]], bool]


class Lanes:
    """All lanes. most: readings that may wait in all; dropped: told of (board, readings) when more come."""

    def __init__(self, most: int, dropped: Callable[[str, int], None]) -> None:
        self.most, self._dropped = most, dropped
        self.waiting = 0
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._boards: deque[str] = deque()  # whose turns come; each takes one of its lanes
        self._turns: dict[str, deque[Lane]] = {}
        self._by_board: dict[str, int] = {}
        self._probing: set[tuple[str, str]] = set()  # lanes of which one reading goes alone

    def held(self, board: str) -> int:
        """Readings of `board` that wait."""
        return self._by_board.get(board, 0)

    @property
    def boards(self) -> int:
        """How many boards have something waiting."""
        return len(self._boards)

    def put(self, piece: Piece) -> None:
        """Takes in computed readings."""
        lane = self._of(piece)
        lane.put(piece)
        self._count(lane.board, len(piece))
        self._turn(lane)
        if self.waiting > self.most:
            self._shed(self.waiting - self.most + self.most // 100)  # some at once: each search for the oldest costs

    def oldest(self) -> float:
        """When the oldest reading that waits came; s, monotonic; infinity when none does."""
        return min((lane.waiting[0].oldest() for lane in self._filled()), default=math.inf)

    def late(self, until: float) -> set[tuple[str, str]]:
        """The (board, sensor) of which a reading waits that came until then; s, monotonic."""
        return {(lane.board, lane.sensor) for lane in self._filled() if lane.waiting[0].oldest() <= until}

    def older(self, cut: float, most: int, keys: Collection[tuple[str, str]]) -> list[Piece]:
        """Takes out readings of `keys` that came until `cut` (s, monotonic), at most `most`, in order of each lane."""
        taken: list[Piece] = []
        for lane in (lane for lane in self._filled() if (lane.board, lane.sensor) in keys):
            for piece in lane.older(cut, most):
                taken.append(piece)
                most -= len(piece)
                self._count(lane.board, -len(piece))
        return taken

    def next(self, most: int, now: float, among: Among | None = None) -> Piece | None:
        """The next piece to send, at most `most` readings; its lane goes behind the others. None: nothing may leave.

        among: tells of a lane, (board, sensor), whether it may; None: all may.
        """
        left = -1  # turns until all lanes were seen; not known before one is kept back
        while self._boards and left:
            lane = self._turned()
            if lane.held_until > now or lane.stays or (among is not None and not among((lane.board, lane.sensor))):
                self._turn(lane)
                left = (left if left > 0 else len(self._boards) * max(map(len, self._turns.values()))) - 1
            elif lane.waiting:
                piece = lane.take(1 if lane.probing else most)
                if lane.probing:
                    lane.held_until = math.inf
                self._count(lane.board, -len(piece))
                self._turn(lane)
                return piece
        return None

    def back(self, pieces: Iterable[Piece], *, sealed: bool = False, unsent: bool = False) -> None:
        """Puts pieces that were on the wire, or for the disk (unsent), back to their places in front."""
        for piece in reversed(list(pieces)):  # the newest first: each place is then found at once
            piece.sealed = sealed
            lane = self._of(piece)
            lane.back(piece)
            if not unsent:
                self.parted(piece)
            self._count(lane.board, len(piece))
            self._turn(lane)

    def hold(self, key: tuple[str, str], until: float) -> None:
        """Keeps the lane of (board, sensor) back until then."""
        lane = self._at(key)
        lane.held_until, lane.probing = until, True
        self._probing.add(key)

    def taken(self, piece: Piece) -> None:
        """The broker has taken `piece`: its lane, if it was kept back, is free."""
        if self._probing and piece.lane in self._probing:
            self._probing.remove(piece.lane)
            lane = self._of(piece)
            lane.held_until, lane.probing = 0.0, False

    def parted(self, piece: Piece) -> None:
        """`piece` is not on the wire any more: if it went alone, the next one does."""
        if self._probing and (lane := self._of(piece)).held_until == math.inf:
            lane.held_until = 0.0

    def stay(self, keys: Iterable[tuple[str, str]], stays: bool) -> None:
        """Keeps the lanes of (board, sensor) back, or lets them go."""
        for key in keys:
            if (lane := self._lanes.get(key)) is not None:  # its board may have been let go meanwhile
                lane.stays = stays

    def is_held(self, key: tuple[str, str], now: float) -> bool:
        """Whether the lane of (board, sensor) is kept back."""
        return key in self._lanes and self._lanes[key].held_until > now

    def may_go(self, keys: Iterable[tuple[str, str]], now: float) -> bool:
        """Whether something waits in one of the lanes of (board, sensor), and is not kept back."""
        lanes = (self._lanes[key] for key in keys if key in self._lanes)
        return any(lane.waiting and not lane.stays and lane.held_until <= now for lane in lanes)

    def ready(self, now: float) -> int:
        """Readings that wait and may leave."""
        if not self.waiting:
            return 0
        held = (lane for lane in self._filled() if lane.held_until > now)
        return self.waiting - sum(len(piece) for lane in held for piece in lane.waiting)

    def waits(self, piece: Piece) -> bool:
        """Whether a piece still waits as it is."""
        return piece in self._of(piece).waiting

    def leads(self, piece: Piece) -> bool:
        """Whether nothing older of its lane waits."""
        waiting = self._of(piece).waiting
        return not waiting or waiting[0].place >= piece.place

    def take_out(self, piece: Piece) -> None:
        """Takes out a piece that waits."""
        lane = self._of(piece)
        lane.waiting.remove(piece)
        self._count(lane.board, -len(piece))

    def take_all(self) -> list[Piece]:
        """Takes out all that waits, in order within each lane."""
        taken = [piece for lane in self._filled() for piece in lane.waiting]
        for lane in self._filled():
            lane.waiting.clear()
        for piece in taken:
            self._count(piece.features.board, -len(piece))
        return taken

    def skipped(self, piece: Piece) -> None:
        """The readings of `piece`, the newest that were taken, are not sent at all."""
        self._of(piece).skipped(piece)
        self.parted(piece)

    def forget(self, board: str) -> None:
        """Lets the lanes of a board go of which nothing waits."""
        if not self.held(board):
            self._by_board.pop(board, None)
            self._turns.pop(board, None)
            self._boards = deque(name for name in self._boards if name != board)
            self._lanes = {key: lane for key, lane in self._lanes.items() if key[0] != board}
            self._probing = {key for key in self._probing if key[0] != board}

    def shed_all(self) -> None:
        """Gives up what waits: the end of a run, with nowhere to keep it."""
        self._shed(self.waiting)

    def _of(self, piece: Piece) -> Lane:
        return self._at(piece.lane)

    def _at(self, key: tuple[str, str]) -> Lane:
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(*key)
        return lane

    def _filled(self) -> Iterator[Lane]:
        """Those in which something waits: all of them have their turn coming."""
        return (lane for lanes in self._turns.values() for lane in lanes if lane.waiting)

    def _turn(self, lane: Lane) -> None:
        """Puts a lane behind the others of its board, and a board that had none behind the others."""
        if lane.waiting and not lane.queued:
            lane.queued = True
            lanes = self._turns.setdefault(lane.board, deque())
            if not lanes:
                self._boards.append(lane.board)
            lanes.append(lane)

    def _turned(self) -> Lane:
        board = self._boards.popleft()
        lane = self._turns[board].popleft()
        lane.queued = False
        if self._turns[board]:
            self._boards.append(board)
        return lane

    def _count(self, board: str, readings: int) -> None:
        self.waiting += readings
        self._by_board[board] = self._by_board.get(board, 0) + readings

    def _shed(self, surplus: int) -> None:
        """Drops the oldest readings of the board that holds most."""
        while surplus > 0:
            board = max(self._by_board, key=self._by_board.__getitem__)
            lanes = (lane for lane in self._turns[board] if lane.waiting)
            lane = min(lanes, key=lambda lane: lane.waiting[0].features.mono[lane.waiting[0].first])
            piece = lane.take(surplus)
            lane.skipped(piece)
            surplus -= len(piece)
            self._count(board, -len(piece))
            self._dropped(board, len(piece))

"""Features that wait for the broker: a lane a sensor, in order. Boards take turns, and so do the lanes of a board.

Bounded; what is shed is counted.

Live readings and those that come back from the disk have lanes of their own each, so that neither waits for the other.

A lane's readings are `waiting`, or on the wire (a Piece that the window holds) until the broker has acknowledged them.
When the connection breaks, what was on the wire goes back to the front of its lane.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from ..model import Features
from .spool.nouns import Block

JOINED = 256  # readings up to which small pieces are joined, so that a long wait costs no object a reading


@dataclass(slots=True, eq=False)
class Piece:
    """Rows first…last - 1 of `features`. condensed: by seq, the readings left out just before.

    tried: it was sent before, and perhaps it arrived. block: where it comes from, when it was on the disk.
    sealed: nothing is joined to it, as a copy of it may be under way to the disk.
    """

    features: Features
    first: int
    last: int
    condensed: dict[int, int] = field(default_factory=dict)
    tried: bool = False
    block: Block | None = None
    sealed: bool = False

    def __len__(self) -> int:
        return self.last - self.first

    @property
    def place(self) -> tuple[int, int]:
        """Where it belongs in its lane: runs and blocks come one after another, and seq counts within them."""
        return (0 if self.block is None else self.block.id), self.features.seq[self.first]

    def oldest(self) -> float:
        """When its first reading came; s, monotonic."""
        return self.features.mono[self.first]


@dataclass(slots=True, eq=False)
class Lane:
    """One sensor's pieces, oldest first."""

    board: str
    sensor: str
    waiting: deque[Piece] = field(default_factory=deque)
    queued: bool = False  # has its turn coming
    held_until: float = 0.0  # the broker refused it: not before (s, monotonic)
    probing: bool = False  # after that one reading goes alone, and the others when it was taken
    stays: bool = False  # some of its readings are on their way to the disk, and may come back
    owed: int = 0  # readings that were condensed before some that are not sent either

    def put(self, piece: Piece) -> None:
        """Adds newer readings, joined to the last piece where they fit."""
        if self.owed:
            _owe(piece, piece.first, self.owed)
            self.owed = 0
        if self.waiting and _joins(self.waiting[-1], piece):
            last = self.waiting[-1]
            last.features.extend(piece.features)
            last.last = len(last.features)
            last.condensed |= piece.condensed
        else:
            self.waiting.append(piece)

    def back(self, piece: Piece) -> None:
        """Puts an older piece back to its place, which is near the front."""
        place = 0
        while place < len(self.waiting) and self.waiting[place].place < piece.place:
            place += 1
        self.waiting.insert(place, piece)

    def take(self, most: int) -> Piece:
        """The oldest readings, at most `most`, as a piece of their own."""
        head = self.waiting[0]
        if len(head) <= most:
            return self.waiting.popleft()
        self.waiting[0] = replace(head, first=head.first + most)  # who knows the whole of it finds it no more
        return replace(head, last=head.first + most)

    def older(self, cut: float, most: int) -> Iterator[Piece]:
        """Takes out the readings that came until `cut`, the oldest `most` of them."""
        while most > 0 and self.waiting and self.waiting[0].oldest() <= cut:
            head = self.waiting[0]
            piece = self.take(min(most, bisect_right(head.features.mono, cut, head.first, head.last) - head.first))
            most -= len(piece)
            yield piece

    def skipped(self, piece: Piece) -> None:
        """`piece` is not sent: what was condensed before its readings is told with the next one that is."""
        seq = piece.features.seq[piece.first : piece.last]
        owed = sum(piece.condensed.get(number, 0) for number in seq) if piece.condensed else 0
        if not owed or piece.tried:  # if it has arrived it has told of them already
            return
        if piece.last < len(piece.features):
            _owe(piece, piece.last, owed)
        elif self.waiting:
            _owe(self.waiting[0], self.waiting[0].first, owed)
        else:
            self.owed += owed


class Lanes:
    """All lanes. most: readings that may wait in all; dropped: told of (board, readings) when more come."""

    def __init__(self, most: int, dropped: Callable[[str, int], None]) -> None:
        self.most, self._dropped = most, dropped
        self.waiting = 0
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._boards: deque[str] = deque()  # whose turns come; each takes one of its lanes
        self._turns: dict[str, deque[Lane]] = {}
        self._by_board: dict[str, int] = {}

    def held(self, board: str) -> int:
        """Readings of `board` that wait."""
        return self._by_board.get(board, 0)

    @property
    def boards(self) -> int:
        """How many boards have something waiting."""
        return len(self._boards)

    def put(self, piece: Piece) -> None:
        """Takes in computed readings."""
        features = piece.features
        key = (features.board, features.sensor)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(*key)
        lane.put(piece)
        self._count(lane.board, len(piece))
        self._turn(lane)
        if self.waiting > self.most:
            self._shed(self.waiting - self.most + self.most // 100)  # some at once: each search for the oldest costs

    def oldest(self) -> float:
        """When the oldest reading that waits came; s, monotonic; infinity when none does."""
        return min((lane.waiting[0].oldest() for lane in self._lanes.values() if lane.waiting), default=math.inf)

    def older(self, cut: float, most: int) -> list[Piece]:
        """Takes out readings that came until `cut` (s, monotonic), at most `most`, in order within each lane."""
        taken: list[Piece] = []
        for lane in self._lanes.values():
            for piece in lane.older(cut, most):
                taken.append(piece)
                most -= len(piece)
                self._count(lane.board, -len(piece))
        return taken

    def next(self, most: int, now: float) -> Piece | None:
        """The next piece to send, at most `most` readings; its lane goes behind the others. None: nothing may leave."""
        for _ in range(sum(map(len, self._turns.values()))):
            lane = self._turned()
            if lane.held_until > now or lane.stays:
                self._turn(lane)
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
            lane = self._lanes[piece.features.board, piece.features.sensor]
            lane.back(piece)
            if not unsent:
                self.parted(piece)
            self._count(lane.board, len(piece))
            self._turn(lane)

    def hold(self, piece: Piece, until: float) -> None:
        """Keeps the lane of `piece` back until then."""
        lane = self._lanes[piece.features.board, piece.features.sensor]
        lane.held_until, lane.probing = until, True

    def taken(self, piece: Piece) -> None:
        """The broker has taken `piece`: its lane, if it was kept back, is free."""
        lane = self._lanes[piece.features.board, piece.features.sensor]
        if lane.probing:
            lane.held_until, lane.probing = 0.0, False

    def parted(self, piece: Piece) -> None:
        """`piece` is not on the wire any more: if it went alone, the next one does."""
        lane = self._lanes[piece.features.board, piece.features.sensor]
        if lane.held_until == math.inf:
            lane.held_until = 0.0

    def stay(self, keys: Iterable[tuple[str, str]], stays: bool) -> None:
        """Keeps the lanes of (board, sensor) back, or lets them go."""
        for key in keys:
            self._lanes[key].stays = stays

    def is_held(self, key: tuple[str, str], now: float) -> bool:
        """Whether the lane of (board, sensor) is kept back."""
        return key in self._lanes and self._lanes[key].held_until > now

    def ready(self, now: float) -> int:
        """Readings that wait and may leave."""
        held = (lane for lane in self._lanes.values() if lane.held_until > now)
        return self.waiting - sum(len(piece) for lane in held for piece in lane.waiting)

    def waits(self, piece: Piece) -> bool:
        """Whether a piece still waits as it is."""
        return piece in self._lanes[piece.features.board, piece.features.sensor].waiting

    def take_out(self, piece: Piece) -> None:
        """Takes out a piece that waits."""
        lane = self._lanes[piece.features.board, piece.features.sensor]
        lane.waiting.remove(piece)
        self._count(lane.board, -len(piece))

    def take_all(self) -> list[Piece]:
        """Takes out all that waits, in order within each lane."""
        taken = [piece for lane in self._lanes.values() for piece in lane.waiting]
        for lane in self._lanes.values():
            lane.waiting.clear()
        for piece in taken:
            self._count(piece.features.board, -len(piece))
        return taken

    def skipped(self, piece: Piece) -> None:
        """The readings of `piece`, the newest that were taken, are not sent at all."""
        self._lanes[piece.features.board, piece.features.sensor].skipped(piece)
        self.parted(piece)

    def shed_all(self) -> None:
        """Gives up what waits: the end of a run, with nowhere to keep it."""
        self._shed(self.waiting)

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
            lanes = (lane for lane in self._lanes.values() if lane.board == board and lane.waiting)
            lane = min(lanes, key=lambda lane: lane.waiting[0].features.mono[lane.waiting[0].first])
            piece = lane.take(surplus)
            lane.skipped(piece)
            surplus -= len(piece)
            self._count(board, -len(piece))
            self._dropped(board, len(piece))


def _joins(last: Piece, piece: Piece) -> bool:
    a, b = last.features, piece.features
    return (
        len(a) + len(b) <= JOINED  # what was taken from the front counts: it is freed with the rest
        and (a.unit, a.keys, a.unset) == (b.unit, b.keys, b.unset)
        and last.block is piece.block is None
        and not (last.tried or last.sealed)
        and last.last == len(a)
        and piece.first == 0
        and piece.last == len(b)
    )


def _owe(piece: Piece, row: int, readings: int) -> None:
    """Adds to what was condensed before `row` of the features of `piece`."""
    seq = piece.features.seq[row]
    piece.condensed[seq] = piece.condensed.get(seq, 0) + readings

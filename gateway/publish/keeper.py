"""Sees to it that what is at risk is on the disk in time, and that what is on the disk goes out again.

At risk is a reading that came longer than `at_risk` ago and is neither acknowledged nor on the disk, in whichever stage
it waits. While the broker keeps up there is none, and the disk is not touched.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from ..model import Features
from .lanes import Piece
from .outbox import Outbox
from .spool.filing import Saved
from .spool.nouns import Block, Lane
from .spool.spool import Spool

LOOKS = 10  # in at_risk
BLOCK_ROWS = 512  # readings of a block, of those that lie side by side
READ_AHEAD = 2000  # readings from the disk that may wait to be sent
FORGET = 1.0  # s between transactions that forget what was sent
AGAIN = 1.0  # s after the disk refused


class Upstream(Protocol):
    """The stages before this one."""

    def oldest(self) -> float:
        """When the oldest reading came that waits there; s, monotonic; infinity when none does."""
        ...

    def older(self, cut: float) -> list[Features]:
        """Those that came until `cut`, in order within each sensor; as far as they are computed."""
        ...


@dataclass(frozen=True, slots=True)
class Keeping:
    """What readings are kept with. at_risk: s; now: s, on the clock of Features.mono; tags: of (board, sensor)."""

    spool: Spool
    upstream: Upstream
    at_risk: float
    now: Callable[[], float]
    tags: Callable[[str, str], dict[str, str]]


class Keeper:
    """Moves readings between the outbox and the spool. pump: to be called when there is more to send."""

    def __init__(self, outbox: Outbox, keeping: Keeping, *, run: str, pump: Callable[[], None]) -> None:
        self._outbox, self._spool, self._upstream = outbox, keeping.spool, keeping.upstream
        self._at_risk, self._now, self._tags = keeping.at_risk, keeping.now, keeping.tags
        self._run, self._pump = run, pump
        self._copies: dict[Lane, list[tuple[int, int]]] = {}  # upstream: (last seq, copy) of each copy, in order
        self._not_before = -math.inf
        self._forgot = -math.inf
        self._hungry = asyncio.Event()
        self.connected = False

    def hungry(self) -> None:
        """The outbox has room for more from the disk."""
        if self.connected and self._spool.waiting and self._outbox.replay.waiting < READ_AHEAD // 2:
            self._hungry.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                async with asyncio.timeout(self._at_risk / LOOKS):
                    await self._hungry.wait()
            except TimeoutError:
                pass
            self._hungry.clear()
            await self._look()

    async def _look(self) -> None:
        now = self._now()
        fresh = self._fresh(now)
        if now >= self._not_before and (self._outbox.crossing.oldest() <= now - self._at_risk or fresh):
            await self._keep(math.inf if not self.connected else now - self._at_risk / 2, fresh)
        elif self._spool.untidy and (now - self._forgot >= FORGET or not self._spool.waiting):
            self._forgot = now
            await self._spool.forget()
        await self._spool.age()
        await self._fetch()

    # to the disk

    def _fresh(self, now: float) -> list[Features]:
        """What waits upstream, is at risk, and has no copy yet; copies of what has left are given up on the way."""
        if self._upstream.oldest() > now - self._at_risk and not self._copies:
            return []
        waiting = self._upstream.older(now - self._at_risk / 2)
        first: dict[Lane, int] = {}
        for features in waiting:
            first.setdefault((features.board, features.sensor), features.seq[0])
        for lane, copies in list(self._copies.items()):
            while copies and copies[0][0] < first.get(lane, copies[0][0] + 1):
                self._spool.uncopied(copies.pop(0)[1])
            if not copies:
                del self._copies[lane]
        fresh = [part for features in waiting if (part := self._without_copy(features)) is not None]
        return fresh if any(features.mono[0] <= now - self._at_risk for features in fresh) else []

    def _without_copy(self, features: Features) -> Features | None:
        copies = self._copies.get((features.board, features.sensor))
        if not copies or features.seq[0] > copies[-1][0]:
            return features
        at = next((at for at, seq in enumerate(features.seq) if seq > copies[-1][0]), len(features))
        return features.cut(at, len(features)) if at < len(features) else None

    async def _keep(self, cut: float, fresh: Sequence[Features]) -> None:
        waiting, flights = self._outbox.crossing.begin(cut)
        on_wire = [self._saved([flight.piece]) for flight in flights if flight.piece is not None]
        moved = [self._saved(pieces) for pieces in _blocks(waiting)]
        done = await self._spool.keep(on_wire, moved, [Saved(f, {}, self._run, self._of(f)) for f in fresh])
        if done is None:
            self._not_before = self._now() + AGAIN
            self._outbox.crossing.end(waiting, None)
            return
        self._outbox.crossing.end(waiting, dict(zip(done[0], flights, strict=True)))
        for features, number in zip(fresh, done[1], strict=True):
            self._copies.setdefault((features.board, features.sensor), []).append((features.seq[-1], number))

    def _saved(self, pieces: Sequence[Piece]) -> Saved:
        features, condensed = joined(pieces)
        return Saved(features, condensed, self._run, self._of(features))

    def _of(self, features: Features) -> dict[str, str]:
        return self._tags(features.board, features.sensor)

    # from the disk

    async def _fetch(self) -> None:
        now, replay = asyncio.get_running_loop().time(), self._outbox.replay  # the clock by which lanes are held
        while self.connected and self._spool.waiting and replay.ready(now) < READ_AHEAD:
            found = await self._spool.fetch(lambda lane: not replay.is_held(lane, now))
            if found is None:
                return
            self._outbox.return_from_disk(*found)
            self._pump()

    # the end

    async def finish(self, left: Sequence[Features], patience: float) -> bool:
        """Everything that is not acknowledged goes to the disk, `left` too, which came after all that is here.

        False: the disk did not take it within `patience` s, and what was in the outbox is there still.
        """
        waiting, flights = self._outbox.crossing.begin(math.inf)
        on_wire = [self._saved([flight.piece]) for flight in flights if flight.piece is not None]
        moved = [self._saved(pieces) for pieces in _blocks(waiting)]
        for copies in self._copies.values():
            for _, number in copies:
                self._spool.uncopied(number)
        self._copies = {}
        last = [Saved(features, {}, self._run, self._of(features)) for features in left]
        done = None
        try:
            async with asyncio.timeout(patience):
                done = await self._spool.keep(on_wire, [*moved, *last], [])
        except TimeoutError:  # it hangs; the thread that it hangs in holds up nothing
            pass
        self._outbox.crossing.end(waiting, None if done is None else dict(zip(done[0], flights, strict=True)))
        return done is not None


def joined(pieces: Sequence[Piece]) -> tuple[Features, dict[int, int]]:
    """Pieces that follow one another, as one, in columns of their own."""
    features = pieces[0].features.cut(pieces[0].first, pieces[0].last)
    condensed = dict(pieces[0].condensed)
    for piece in pieces[1:]:
        features.extend(piece.features.cut(piece.first, piece.last))
        condensed |= piece.condensed
    return features, condensed


def _blocks(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Neighbours that can lie in one block, of so many readings."""

    def shared(piece: Piece) -> tuple[object, ...]:
        f = piece.features
        return f.board, f.sensor, f.unit, f.keys, f.unset

    for _, alike in groupby(pieces, shared):
        part: list[Piece] = []
        for piece in alike:
            if part and sum(map(len, part)) + len(piece) > BLOCK_ROWS:
                yield part
                part = []
            part.append(piece)
        yield part


def rest_of(pieces: Sequence[Piece]) -> list[tuple[Block, Features, dict[int, int]]]:
    """What is left of each block that was being sent. pieces: those not acknowledged."""
    by_block: dict[Block, list[Piece]] = {}
    for piece in pieces:
        if piece.block is not None:
            by_block.setdefault(piece.block, []).append(piece)
    return [(block, *joined(sorted(some, key=lambda piece: piece.place))) for block, some in by_block.items()]

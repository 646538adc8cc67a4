"""Sees to it that what is at risk is on the disk in time, and that what is on the disk goes out again.

At risk is a reading that came longer than `at_risk` ago and is neither acknowledged nor on the disk, in whichever stage
it waits. While the broker keeps up there is none, and the disk is not touched.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from ..model import Features
from .dating import marked
from .lane import Piece
from .outbox import Outbox
from .pieces import BLOCK_ROWS, in_blocks, together
from .spool.filing import Saved
from .spool.nouns import Block, Lane
from .spool.spool import Spool

LOOKS = 10  # in at_risk, while the disk is in use
READ_AHEAD = 2000  # readings from the disk that may wait to be sent
FORGET = 1.0  # s between transactions that forget what was sent
AGAIN = 1.0  # s after the disk refused
LEAST = 64  # readings of a parcel at the end, on a full disk
LATE = 0.5  # s that a lane waits for what is on its way to the disk; then that goes first, from memory


class Upstream(Protocol):
    """The stages before this one."""

    def oldest(self) -> float:
        """When the oldest reading came that waits there; s, monotonic; infinity when none does."""
        ...

    def firsts(self) -> dict[Lane, int]:
        """The lowest seq that waits there, by lane."""
        ...

    def older(self, cut: float, beyond: Mapping[Lane, int]) -> list[Features]:
        """Those that came until `cut` and whose seq is beyond that of their lane, in order within each sensor.

        As far as they are computed.
        """
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
    """Moves readings between the outbox and the spool.

    pump: to be called when there is more to send. unset_until: as dating.py takes it.
    """

    def __init__(
        self, outbox: Outbox, keeping: Keeping, *, run: str, pump: Callable[[], None], unset_until: Callable[[], float]
    ) -> None:
        self._outbox, self._spool, self._upstream = outbox, keeping.spool, keeping.upstream
        self._at_risk, self._now, self._tags = keeping.at_risk, keeping.now, keeping.tags
        self._run, self._pump, self._unset_until = run, pump, unset_until
        self._copies: dict[Lane, list[tuple[int, int]]] = {}  # upstream: (last seq, copy) of each copy, in order
        self._not_before = -math.inf
        self._forgot = -math.inf
        self._hungry = asyncio.Event()
        self._looking: asyncio.Future[None] | None = None
        self.connected = False
        keeping.spool.vanished = self._vanished

    def hungry(self) -> None:
        """The outbox has room for more from the disk."""
        if self.connected and self._spool.waiting and self._outbox.replay.waiting < READ_AHEAD // 2:
            self._hungry.set()

    async def run(self) -> None:
        """For ever. When it is cancelled, what is under way to the disk is seen to by `finish`."""
        while True:
            try:
                async with asyncio.timeout(self._pause()):
                    await self._hungry.wait()
            except TimeoutError:
                pass
            self._hungry.clear()
            self._looking = asyncio.ensure_future(self._look())
            await asyncio.shield(self._looking)

    def _pause(self) -> float:
        """S until there can be something to do; while the broker keeps up, until the oldest reading is at risk."""
        least = self._at_risk / LOOKS
        if self._spool.waiting or self._spool.untidy or self._copies:
            return least
        now = self._now()
        oldest = min(now, self._upstream.oldest(), self._outbox.crossing.oldest())
        return max(least, oldest + self._at_risk - now)

    async def _look(self) -> None:
        now = self._now()
        fresh = self._fresh(now)
        if now >= self._not_before and (self._outbox.crossing.oldest() <= now - self._at_risk or fresh):
            cuts = (now - self._at_risk / 2, now - self._at_risk) if self.connected else (now, math.inf)
            await self._keep(*cuts, fresh)
        elif self._spool.untidy and (now - self._forgot >= FORGET or not self._spool.waiting):
            self._forgot = now
            await self._spool.forget()
        await self._spool.tend()
        await self._fetch()

    # to the disk

    def _fresh(self, now: float) -> list[Features]:
        """What waits upstream, is at risk, and has no copy yet; copies of what has left are given up on the way."""
        if self._upstream.oldest() > now - self._at_risk and not self._copies:
            return []
        firsts = self._upstream.firsts()
        for lane, copies in list(self._copies.items()):
            while copies and copies[0][0] < firsts.get(lane, math.inf):
                self._spool.uncopied(copies.pop(0)[1])
            if not copies:
                del self._copies[lane]
        copied = {lane: copies[-1][0] for lane, copies in self._copies.items()}
        at_risk = self._upstream.older(now - self._at_risk, copied)
        return self._upstream.older(now - self._at_risk / 2, copied) if at_risk else []

    async def _keep(self, cut: float, late: float, fresh: Sequence[Features]) -> None:
        if not await self._move(cut, late, self._spool.parcel):
            return
        for part in self._parcels(fresh):
            done = await self._spool.keep([], [], part)
            if done is None:
                self._not_before = self._now() + AGAIN
                return
            for one, number in zip(part, done[1], strict=True):
                lane = one.features.board, one.features.sensor
                self._copies.setdefault(lane, []).append((one.features.seq[-1], number))

    async def _move(self, cut: float, late: float, most: int) -> bool:
        """What the outbox holds goes to the disk, a parcel after the other. False: the disk does not take it.

        cut, most, late: as Crossing.begin takes them.
        """
        crossing = self._outbox.crossing
        while any(found := crossing.begin(cut, most, late)):
            waiting, flights = found
            blocks, stored = list(in_blocks(waiting)), None
            slow = asyncio.get_running_loop().call_later(LATE, self._let_go, list(chain.from_iterable(blocks)))
            try:
                on_wire = [self._saved([flight.piece]) for flight in flights if flight.piece is not None]
                done = await self._spool.keep(on_wire, [], [self._saved(pieces) for pieces in blocks])
                stored = None if done is None else (dict(zip(done[0], flights, strict=True)), done[1])
            finally:  # also when nobody waits for the disk any more
                slow.cancel()
                crossing.end(blocks, stored)
            if stored is None:
                self._not_before = self._now() + AGAIN
            self._pump()
            if stored is None:
                return False
        return True

    def _let_go(self, waiting: Sequence[Piece]) -> None:
        self._outbox.crossing.let_go(waiting)
        self._pump()

    def _parcels(self, several: Sequence[Features]) -> Iterator[list[Saved]]:
        """Readings that came before they were features, as blocks, and so many of these as the disk takes at once."""
        part, readings = list[Saved](), 0
        for features in marked(several, self._unset_until()):
            for first in range(0, len(features), BLOCK_ROWS):
                cut = features.cut(first, min(first + BLOCK_ROWS, len(features)))
                if part and readings + len(cut) > self._spool.parcel:
                    yield part
                    part, readings = [], 0
                part.append(Saved(cut, {}, self._run, self._of(cut)))
                readings += len(cut)
        if part:
            yield part

    def _vanished(self, copies: set[int]) -> None:
        """The disk has lost these copies."""
        self._outbox.crossing.vanished(copies)
        for lane, have in list(self._copies.items()):
            self._copies[lane] = [one for one in have if one[1] not in copies]
            if not self._copies[lane]:
                del self._copies[lane]

    def _saved(self, pieces: Sequence[Piece]) -> Saved:
        features, condensed = together(pieces)
        return Saved(features, condensed, self._run, self._of(features))

    def _of(self, features: Features) -> dict[str, str]:
        return self._tags(features.board, features.sensor)

    # from the disk

    async def _fetch(self) -> None:
        now, replay = asyncio.get_running_loop().time(), self._outbox.replay  # the clock by which lanes are held
        boards = sorted(self._spool.boards, key=replay.held)  # who has least here is first: none waits for all others
        share = READ_AHEAD // max(1, len(boards))

        def wanted(board: str) -> int:
            held = replay.held(board)
            room = self.connected and (not held or (held <= share and replay.ready(now) < READ_AHEAD))
            return max(1, share - held) if room else 0

        for board in boards:
            while most := wanted(board):
                lanes = [lane for lane in self._spool.lanes(board) if not replay.is_held(lane, now)]
                found = await self._spool.fetch(lanes, most)
                if not found:
                    break
                for one in found:
                    self._outbox.return_from_disk(*one)
                self._pump()

    # the end

    async def finish(self, left: Sequence[Features], patience: float) -> list[Features]:
        """Everything that is not acknowledged goes to the disk, `left` too, which came after all that is here.

        Gives what of `left` the disk did not take within `patience` s; what was in the outbox is there still, then.
        """
        over: list[Saved] = []
        parcels = list(self._parcels(left))
        finishing = asyncio.ensure_future(self._finish(parcels, over))
        await asyncio.wait({finishing}, timeout=patience)
        if not finishing.done():  # it hangs; the thread that it hangs in holds up nothing
            finishing.cancel()
            await asyncio.wait({finishing})
        if not finishing.cancelled():
            finishing.result()
        done = {id(one) for one in over}
        return [one.features for part in parcels for one in part if id(one) not in done]

    async def _finish(self, parcels: Sequence[list[Saved]], over: list[Saved]) -> None:
        if self._looking is not None:
            await self._looking
        most, spool = self._spool.parcel, self._spool
        while not await self._move(math.inf, math.inf, most):
            if most < LEAST or not await spool.spend_reserve():
                return
            most //= 4  # what the reserve has room for, about; then what is left of that
        copies = [number for some in self._copies.values() for _, number in some]
        for part in parcels:  # copies of what is left are there until all of it is
            instead = copies if part is parcels[-1] else ()
            while await spool.keep([], part, [], instead) is None:
                if spool.spent or not await spool.spend_reserve():
                    return
            over += part
        if not parcels:
            for number in copies:
                self._spool.uncopied(number)
        self._copies = {}


def rest_of(pieces: Sequence[Piece]) -> list[tuple[Block, Features, dict[int, int]]]:
    """What is left of each block that was being sent. pieces: those not acknowledged."""
    by_block: dict[Block, list[Piece]] = {}
    for piece in pieces:
        if piece.block is not None:
            by_block.setdefault(piece.block, []).append(piece)
    return [(block, *together(sorted(some, key=lambda piece: piece.place))) for block, some in by_block.items()]

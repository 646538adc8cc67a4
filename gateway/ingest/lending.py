"""A port that is lent: closed, so that a person can write a board's firmware, and taken back by itself.

It is taken back when its time is over and nobody has it open any more: opening a port restarts most boards, which would
end the writing of their firmware halfway.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, NamedTuple

from ..instants import instant
from ..model import Chunk
from ..threads import tried
from .dial import SCHEME
from .identity import device
from .loans import Loan, Loans
from .reader import Reader
from .sharing import sharers

if TYPE_CHECKING:  # it is imported when a port is lent for the first time
    from .opens import Opens

LOOK = 0.5  # s between looks at a port that is lent, whether another device is there
OVERDUE_LOOK = 2.0  # s between looks through all processes, when its time is over; most ends are told by the kernel
UNSEEN = 600.0  # s after which nobody is believed to have it of whom only an opening was told, and no end
CLOSING = 3.0  # s that a request waits for the port to be closed, or taken back


class Lent(NamedTuple):
    """What came of a request. boards: all on the port; until: s since 1970; done: it is closed, or read again, by now;
    holder: who has it open otherwise.
    """

    port: str
    boards: list[str]
    until: float | None
    done: bool
    holder: str | None


class Lending:
    """Reads the port of `reader`, but for the times when it is lent. loans: of all ports."""

    def __init__(self, reader: Reader, loans: Loans | None = None) -> None:
        self.reader = reader
        self.holder: str | None = None  # who has the port open although its time is over
        self._loans = loans or Loans()
        self._clock = self._loans.clock
        self._reading: asyncio.Task[None] | None = None
        self._loan = self._loans.at(reader.board.port.path)
        self._changed = asyncio.Event()
        self._out, self._back = asyncio.Event(), asyncio.Event()

    @property
    def until(self) -> float | None:
        """When the time is over for which it is lent, s since 1970; None when it is not lent."""
        return None if self._loan is None else self._loan.until.wall

    async def run(self) -> None:
        """Reads, and lends, for ever."""
        while True:
            if self._loan is None:
                await self._read()
            else:
                await self._lent(self._loan)

    async def lend(self, seconds: float) -> bool:
        """Lends the port from now on for so long, also when it is lent already. Gives whether it is closed by now."""
        at = self._clock()
        until = Chunk(at.wall + seconds, at.mono + seconds)
        self._loan = self._loans.begin(until, self.reader.board.port.path, self.reader.port)
        self._loan.tended = True
        self._say()
        if self._reading is not None:
            self._reading.cancel()
        return await self._soon(self._out)

    async def take_back(self) -> bool:
        """Its time is over. Gives whether it is taken back by now: not while somebody has it open."""
        if self._loan is None:
            return True
        self._loan.until = self._clock()
        self._loans.changed.set()
        return await self._soon(self._back)

    async def _soon(self, event: asyncio.Event) -> bool:
        self._changed.set()
        try:
            async with asyncio.timeout(CLOSING):
                await event.wait()
        except TimeoutError:
            return False
        return True

    async def _read(self) -> None:
        self._back.set()
        self._reading = asyncio.create_task(self.reader.run())
        try:
            await asyncio.wait({self._reading})
        finally:
            self._reading.cancel()
            await asyncio.wait({self._reading})
            self._back.clear()
        if not self._reading.cancelled():
            self._reading.result()  # it has failed

    async def _lent(self, loan: Loan) -> None:
        from .opens import Opens

        loan.tended = True
        self._say()
        opens = Opens(self.reader.port, self._changed.set)
        try:
            self._out.set()
            while await self._is_out(loan, opens):
                self._say()
                left = loan.until.mono - self._clock().mono
                await self._change(OVERDUE_LOOK if left <= 0 else min(LOOK, left))
                opens.look()
        except asyncio.CancelledError:  # who reads this port next, soon, shall know
            soon = self._clock()
            loan.tended = False
            loan.until = max(loan.until, Chunk(soon.wall + CLOSING, soon.mono + CLOSING), key=lambda at: at.mono)
            raise
        finally:
            opens.close()
            self._out.clear()
            self.holder = None
        self._loans.end(loan)
        self._loan = None
        self.reader.take_back()

    async def _is_out(self, loan: Loan, opens: Opens) -> bool:
        """Whether its time is not over, or somebody has it open."""
        self._changed.clear()
        if loan.until.mono > self._clock().mono:
            self.holder = None
            return True
        found = None if self.reader.port.startswith(SCHEME) else await tried(self._sharer, "sharers", None)
        unseen = opens.others > 0 and self._clock().mono - opens.latest < UNSEEN
        self.holder = found or ("another program" if unseen else None)
        return self.holder is not None or loan.until.mono > self._clock().mono  # it was lent anew meanwhile

    async def _change(self, most: float) -> None:
        """Waits so many seconds, or until something has happened since the last look."""
        try:
            async with asyncio.timeout(most):
                await self._changed.wait()
        except TimeoutError:
            return

    def _sharer(self) -> str | None:
        try:
            one = device(os.stat(self.reader.port))
        except OSError:  # it is not plugged in
            return None
        found = sharers({one}).get(one)
        return found and f"{found.program} (pid {found.pid})"

    def _say(self) -> None:
        if self._loan is None:
            return
        if self.holder is None:
            self.reader.lend(f"the port is lent until {instant(self._loan.until.wall)}, and not read meanwhile")
        else:
            self.reader.lend(
                f"the time for which the port was lent is over, and {self.holder} still has it open: it is read again "
                "when that is closed"
            )

"""What is heard of a board on its open port: how often, what of it begins a line, and what of it is only boot text.

Pure: no port, no clock; times are s of the monotonic clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from operator import sub
from typing import TYPE_CHECKING

from ..ledger import Account
from ..model import Board, Chunk
from .intake import Intake
from .link import patience, usual, usual_after
from .modem import Losses
from .silence import silent_for
from .tail import Tail
from .together import TakeRows, feed_many

if TYPE_CHECKING:  # it is imported where a rate is to be found
    from .finding.seeking import Seeking

TURNING = 2.0  # s after which another intake takes over in the middle of a frame, if none has ended
QUIET = 0.25  # s without a byte after a port was opened anew in a silence; what comes then begins a line


class Hearing:
    """Takes a board's bytes over all its links. latest: when it was heard last, or could have been."""

    def __init__(self, board: Board, intake: Intake, account: Account) -> None:
        self.interval: float | None = None  # s, usually, between frames
        self.latest = 0.0
        self.settled_at = 0.0
        self.tail = Tail()  # of the port
        self._board, self._intake, self._account = board, intake, account
        self._framed: float | None = None  # when a frame came last
        self._renewed: float | None = None  # when the port was opened in a silence, until something is heard
        self._between = False  # it was between two lines at the close
        self._losses: Losses | None = None  # as last seen; None where the driver does not count
        self.seeking: Seeking | None = None  # of a board whose rate is to be found
        self._open = False
        self._next: tuple[Board, Callable[[], Intake], float] | None = None  # from the next frame on, and since when

    @property
    def baud(self) -> int:
        """The rate at which the port is to be."""
        return self._board.port.baud if self.seeking is None else self.seeking.baud

    def tuned(self) -> None:
        """The port is at that rate."""
        if self.seeking is not None:
            self.seeking.tuned()
            self._intake.retuned()

    def untuned(self) -> None:
        """The port does not take that rate."""
        if self.seeking is not None:
            self.seeking.refused()

    def becomes(self, board: Board, intake: Callable[[], Intake], now: float) -> None:
        """The board is read by another table from its next frame on, with its port open; the port's settings are as
        before. intake: makes what takes its bytes then.
        """
        self._next = board, intake, now
        if not self._open or self._intake.between:
            self._turn()

    def _turn(self) -> None:
        """Reads on by the other table."""
        if self._next is None:
            return
        whole, shared = self._open and self._intake.between, self._intake.trust.shared
        self._intake.gap()
        self._board, make, _ = self._next
        self._next, self._intake = None, make()
        self._intake.trust.shared = shared
        if whole:
            self._intake.gap(midstream=False)

    @property
    def patience(self) -> float:
        """S without a byte after which the board is silent."""
        return patience(self.interval, self._board.silent)

    def opened(self, now: float, *, anew: bool) -> None:
        """The port is open; anew: it was closed for that, in a silence which goes on."""
        self._open = True
        self._intake.sensors.anew()  # another board may be there now
        self._renewed = now if anew else None
        self.restarts(now)
        if not anew:
            self.resumes(now)

    def restarts(self, now: float) -> None:
        """The board may say its boot text from now on."""
        self.settled_at = now + self._board.port.settle

    def resumes(self, now: float) -> None:
        """It was not read before, so that the pause says nothing about the board."""
        self.latest, self._framed = now, None

    @property
    def accounts(self) -> list[Account]:
        """Whose counts tell what happens to the port."""
        return [self._account]

    def silenced(self) -> None:
        """The board is silent."""
        self._account.silences += 1

    def silence(self, now: float) -> str:
        """What is to be said of a silence."""
        return silent_for(now - self.latest)

    def share(self, shared: bool) -> None:
        """Another program has the port open as well, or no more."""
        self._intake.trust.shared = shared

    def closed(self) -> None:
        """The port is closed: half a line is noise."""
        if self.seeking is not None:
            self.seeking.closed()
            self._strays()
        self._between = self._intake.between
        self._losses = None
        self._open = False
        self._intake.gap()
        self._turn()

    def counts(self, losses: Losses | None, now: float) -> None:
        """What the driver has lost, as it says before more is taken; None where it does not count."""
        before, self._losses = self._losses, losses
        if before is None or losses is None:
            return
        if losses.overruns > before.overruns:
            self.lost_bytes(losses.overruns - before.overruns, now)
        self._account.line_errors += max(0, losses.errors - before.errors)

    def lost_bytes(self, times: int, now: float) -> None:
        """The kernel or the adapter has lost bytes, so many times."""
        self._account.overruns += times
        self._intake.trust.lost_bytes(now)

    def begins(self) -> None:
        """What comes next is known to begin a frame."""
        self._intake.gap(midstream=False)

    def take(self, data: bytes, at: Chunk) -> bool:
        """Takes bytes. Whether they show that the board speaks, and are no boot text nor an adapter's stray byte."""
        self.tail.take(data, at.mono)
        seeking = self.seeking
        if seeking is None:
            return self._read(data, at)
        decoded = self._account.decoded
        heard = [self._read(piece, when) for piece, when in seeking.take(data, at)]
        if seeking.found:
            good = self._account.decoded > decoded or not (self._intake.binary or self._intake.trust.garbage)
            if seeking.judge(data, at.mono, good=good):
                self._account.retuned += 1
        self._strays()
        if seeking.found:
            return any(heard)
        self.latest = at.mono
        return at.mono >= self.settled_at

    def take_many(self, data: Sequence[bytes], at: Sequence[float], wall: float, take: TakeRows) -> bool:
        """The same as `take` of each, with the silences in between counted, where nothing else is to be seen to.

        Whether it is so; else nothing is taken. See together.py.
        """
        seen_to = self.seeking is not None or self._renewed is not None or self._next is not None or self.tail.kept
        if seen_to or at[0] < self.settled_at:
            return False
        counts = feed_many(self._intake, data, at, wall, take)
        if counts is None:
            return False
        framed = at if 0 not in counts else [when for when, count in zip(at, counts, strict=True) if count]
        if max(map(sub, at, chain((self.latest,), at))) < patience(None, self._board.silent):
            if framed:
                before = () if self._framed is None else (self._framed,)
                self.interval = usual_after(self.interval, map(sub, framed[1 - len(before) :], chain(before, framed)))
                self._framed = framed[-1]
            self.latest = at[-1]
            return True
        for now, count in zip(at, counts, strict=True):
            if now - self.latest >= self.patience:
                self.silenced()
            self.latest = now
            if count:
                self.framed(now)
        return True

    def _strays(self) -> None:
        """Counts what came at other rates."""
        if self.seeking is not None:
            for data in self.seeking.strays:
                self._intake.stray(data, new=True)
            self.seeking.strays.clear()

    def _read(self, data: bytes, at: Chunk) -> bool:
        now = at.mono
        stray = self._renewed is not None and now - self._renewed < QUIET
        if stray:
            self._between = False  # it may be the rest of a line, or the start of one that goes on later
        else:
            if self._renewed is not None and self._between:
                self._intake.gap(midstream=False)
            self._renewed = None
        settling = now < self.settled_at
        frames = self._intake.feed(data, at, settling=settling)
        self.latest = now
        if self._next is not None and (self._intake.between or now - self._next[2] > TURNING):
            self._turn()
        if frames:
            self.framed(now)
        return not settling and bool(frames or not stray)

    def framed(self, now: float) -> None:
        """A frame has come, or an answer."""
        if self._framed is not None:
            self.interval = usual(self.interval, now - self._framed)
        self.latest = self._framed = now
        self._renewed = None

"""Takes down what is heard of a port: bytes as they come and go, and what happens to it. No port, no file."""

import time
from collections.abc import Callable

from ...ledger import Account
from ...model import Board, Chunk, Port
from ..asking.talk import Talk
from ..hearing import Hearing
from ..intake import Intake
from ..modem import Losses
from .lines import Heard, Mark


class Tape:
    """tell: gets all in the order of its times. start: s of the monotonic clock, from which `Heard.at` counts.

    why, sharer: give what is wrong with the port, and who else has it open. clock: gives the present.
    """

    def __init__(
        self,
        tell: Callable[[Heard], None],
        start: float,
        why: Callable[[], str | None],
        sharer: Callable[[], str | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tell, self._start, self._why, self._sharer, self._clock = tell, start, why, sharer, clock
        self._closed_at: float | None = None  # it is told with its reason, which is known a moment later
        self._shared: str | None = None

    def look(self) -> None:
        """Tells what has changed about the port besides; for when something about it may have."""
        if self._closed_at is not None:
            at, self._closed_at = self._closed_at, None
            self.mark(at, Mark.LOST, self._why() or "")
        if (sharer := self._sharer()) != self._shared:
            self._shared = sharer
            self.mark(self._clock(), Mark.ALONE if sharer is None else Mark.SHARED, sharer or "")

    def opened(self, now: float, *, anew: bool) -> None:
        """The port is open."""
        self.look()
        self.mark(now, Mark.RENEWED if anew else Mark.OPENED)

    def closed(self) -> None:
        """It is closed, for a reason that is not known yet."""
        self._closed_at = self._clock()

    def bytes(self, data: bytes, now: float, *, sent: bool = False) -> None:
        """Bytes have come, or were sent."""
        self.look()
        self._tell(Heard(now - self._start, data, sent=sent))

    def mark(self, now: float, mark: Mark, why: str = "") -> None:
        """Something has happened to the port."""
        self._tell(Heard(now - self._start, mark=mark, why=why))


class TapedHearing(Hearing):
    """What is heard of a board that speaks by itself is taken down. See Hearing for its methods."""

    def __init__(self, tape: Tape, board: Board, intake: Intake, account: Account) -> None:
        super().__init__(board, intake, account)
        self._tape = tape

    def opened(self, now: float, *, anew: bool) -> None:
        """See Hearing."""
        super().opened(now, anew=anew)
        self._tape.opened(now, anew=anew)

    def closed(self) -> None:
        """See Hearing."""
        super().closed()
        self._tape.closed()

    def lost_bytes(self, times: int, now: float) -> None:
        """See Hearing."""
        super().lost_bytes(times, now)
        self._tape.mark(now, Mark.OVERRUN)

    def take(self, data: bytes, at: Chunk) -> bool:
        """See Hearing."""
        self._tape.bytes(data, at.mono)
        return super().take(data, at)


class TapedTalk(Talk):
    """The conversation on a port is taken down. See Talk for its methods."""

    def __init__(self, tape: Tape, port: Port) -> None:
        super().__init__(port)
        self._tape = tape

    def opened(self, now: float, *, anew: bool) -> None:
        """See Talk."""
        super().opened(now, anew=anew)
        self._tape.opened(now, anew=anew)

    def closed(self) -> None:
        """See Talk."""
        super().closed()
        self._tape.closed()

    def counts(self, losses: Losses | None, now: float) -> None:
        """See Talk."""
        before = sum(account.overruns for account in self.accounts)
        super().counts(losses, now)
        if sum(account.overruns for account in self.accounts) > before:
            self._tape.mark(now, Mark.OVERRUN)

    def take(self, data: bytes, at: Chunk) -> bool:
        """See Talk."""
        self._tape.bytes(data, at.mono)
        return super().take(data, at)

    def question(self, now: float) -> bytes:
        """See Talk."""
        data = super().question(now)
        if data:
            self._tape.bytes(data, now, sent=True)
        return data

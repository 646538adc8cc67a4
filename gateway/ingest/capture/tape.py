"""Takes down what a reader hears: its bytes as they come, and what happens to its port. No port, no file."""

import time
from collections.abc import Callable

from ...model import Chunk
from ..hearing import Hearing
from ..modem import Losses
from ..seen import Seen
from .lines import Heard, Mark


class Tape(Hearing):
    """What `reader` hears from now on is told as well. tell: gets it in the order of its times.

    start: s of the monotonic clock, from which `Heard.at` counts. clock: gives the present on it.
    """

    def __init__(
        self, reader: Seen, tell: Callable[[Heard], None], start: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(reader.board, reader.intake, reader.account)
        self._reader, self._tell, self._start, self._clock = reader, tell, start, clock
        self._closed_at: float | None = None  # it is told with its reason, which is known a moment later
        self._sharer: str | None = None
        reader.hearing = self

    def look(self) -> None:
        """Tells what has changed about the port besides; for when the reader says that something has."""
        if self._closed_at is not None:
            at, self._closed_at = self._closed_at, None
            self._tell(Heard(at - self._start, mark=Mark.LOST, why=self._reader.reason or ""))
        if self._reader.sharer != self._sharer:
            self._sharer = self._reader.sharer
            self._mark(self._clock(), Mark.ALONE if self._sharer is None else Mark.SHARED, self._sharer or "")

    def opened(self, now: float, *, anew: bool) -> None:
        """See Hearing."""
        self.look()
        super().opened(now, anew=anew)
        self._mark(now, Mark.RENEWED if anew else Mark.OPENED)

    def closed(self) -> None:
        """See Hearing."""
        super().closed()
        self._closed_at = self._clock()

    def counts(self, losses: Losses | None, now: float) -> None:
        """See Hearing."""
        before = self._account.overruns
        super().counts(losses, now)
        if self._account.overruns > before:
            self._mark(now, Mark.OVERRUN)

    def take(self, data: bytes, at: Chunk) -> bool:
        """See Hearing."""
        self.look()
        self._tell(Heard(at.mono - self._start, data))
        return super().take(data, at)

    def _mark(self, now: float, mark: Mark, why: str = "") -> None:
        self._tell(Heard(now - self._start, mark=mark, why=why))

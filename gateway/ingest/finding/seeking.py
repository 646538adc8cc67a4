"""`baud = "auto"` of a board that is read: its rate is found by listening, and looked for again when it has changed.

    looking   what comes is kept until its rate is known to be the board's, and read then; else it is noise
    found     all is read; while nothing but garbage comes for LONG, the board has another rate now

What comes at the right rate is text, or frames of the board whose checksums hold. Pure: no port, no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

from ...model import Board, Chunk
from ..formats import decoder
from .rates import RATES, Sort, Tuning, share_of_text, sort_of
from .recognise import Candidate, attempt

LONG = 10.0  # s of garbage, and no less than so many bytes of it, after which the rate is another one
LEAST = 200
FRAMES = 2  # that are read show that the rate is right, however short they are
MOST = 4000  # bytes that tell nothing, after which the next rate is tried
LEAST_BINARY, SIZES = 120, 4  # bytes, and times a frame, without frames of a board that sends binary ones, after which
UNSIZED = (
    1200  # they were at another rate; bytes where a frame's size is not known. Twice as many in each further round
)
NOT_YET = "its baud rate is not known yet: what comes is neither text nor a frame at any rate that was tried"


class Seeking:
    """The rate of one board. baud: to be listened at now; found: it is the board's.

    first: the rate that was found before, or 0. told: is called when a rate was found, or has become wrong.
    """

    def __init__(self, board: Board, first: int = 0, told: Callable[[], None] = lambda: None) -> None:
        self.found = False
        self.strays: list[bytes] = []  # that came at other rates; for whoever counts them
        self.heard = False  # something has come since it is looked for
        self._board, self._told = board, told
        self._binary = getattr(decoder(board.format, board.options), "binary", False)
        size = board.options.size
        self._enough = max(LEAST_BINARY, SIZES * size) if isinstance(size, int) else UNSIZED
        self._passed = 0  # rates at which nothing was found
        self._rates = [first, *(rate for rate in RATES if rate != first)] if first else list(RATES)
        self._tuning = self._begun(self._rates)
        self._held: list[tuple[bytes, Chunk]] = []
        self._turning = False  # the port is being set to `baud`
        self._bad_since, self._bad = inf, b""  # s, monotonic; what came since nothing good did

    @property
    def baud(self) -> int:
        """Bits a second."""
        return self._tuning.baud

    @property
    def reason(self) -> str | None:
        """What there is to say."""
        return NOT_YET if self.heard and not self.found else None

    def tuned(self) -> None:
        """The port is at `baud` now."""
        self._turning = False

    def refused(self) -> None:
        """The port does not take `baud`."""
        self._passed += 1
        self._tuning.go_on()

    def closed(self) -> None:
        """The port is closed, and what was under way with it."""
        self._drop()
        self._turning = False

    def take(self, data: bytes, at: Chunk) -> list[tuple[bytes, Chunk]]:
        """Takes bytes. Gives what is to be read now, in order: these, and those that were kept."""
        if self.found:
            return [(data, at)]
        self.heard = True
        if self._turning:
            self.strays.append(data)
            return []
        self._held.append((data, at))
        if self._tuning.feed(data, at.mono):
            self._drop()
            self._turning = True
            self._passed += 1
        elif self._tuning.found:
            self.found, self._passed = True, 0
            self._bad_since, self._bad = inf, b""
            kept, self._held = self._held, []
            self._told()
            return kept
        return []

    def judge(self, data: bytes, now: float, *, good: bool) -> bool:
        """What came was read, and some of it was good, or none. Whether the rate has to be looked for again."""
        if good:
            self._bad_since, self._bad = inf, b""
            return False
        self._bad_since = min(self._bad_since, now)
        self._bad = (self._bad + data)[-LEAST:]
        if now - self._bad_since < LONG or len(self._bad) < LEAST:
            return False
        self.found = self.heard = False
        self._tuning = self._begun([self.baud, *(rate for rate in self._rates if rate != self.baud)])
        self._tuning.go_on(self._bad)
        self._turning = True
        self._told()
        return True

    def _drop(self) -> None:
        self.strays += [data for data, _ in self._held]
        self._held.clear()

    def _begun(self, rates: Sequence[int]) -> Tuning:
        return Tuning(rates, sort=self._sort)

    def _sort(self, data: bytes) -> Sort:
        """What all that came at a rate is."""
        if self._binary:
            enough = self._enough << (self._passed // len(self._rates))
            return Sort.TEXT if self._reads(data) else Sort.OTHER if len(data) >= enough else Sort.UNKNOWN
        sort = sort_of(data)
        if sort is Sort.UNKNOWN and share_of_text(data) == 1 and self._reads(data):
            return Sort.TEXT
        return Sort.OTHER if sort is Sort.UNKNOWN and len(data) >= MOST else sort

    def _reads(self, data: bytes) -> bool:
        """Whether the board's own format reads some frames of it."""
        return attempt(Candidate(self._board), [(0.0, data)]).account.decoded >= FRAMES

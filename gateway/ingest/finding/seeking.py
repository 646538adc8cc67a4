"""`baud = "auto"` of a board that is read: its rate is found by listening, and looked for again when it has changed.

    looking   what comes is kept until its rate is known to be the board's, and read then; else it is noise
    found     all is read; while nothing but garbage comes for LONG, the board has another rate now

What comes at the right rate is text, or frames of the board whose checksums hold. Pure: no port, no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

from ...model import Board, Chunk, Decoded, FormatOptions
from ..formats import decoder
from ..framing import Framing
from .rates import LONGEST, RATES, Sort, Tuning, share_of_text, sort_of
from .recognise import Candidate, attempt

LONG = 10.0  # s of garbage, and no less than so many bytes of it, after which the rate is another one
LEAST = 200
FRAMES = 2  # that are read show that the rate is right, however short they are
PROOF = 32  # bits of checksum and constant bytes that garbage does not have by chance; of so many frames
SHARE = 0.25  # of what came is in such frames, since among very many bytes chance has some
MOST = 4000  # bytes that tell nothing, after which the next rate is tried
LEAST_BINARY, CUT = 120, 2  # bytes, and frames more than are needed, without those of a binary board, after which
UNSIZED = 1200  # they were at another rate; bytes where a frame's size is not known. Twice as many in a further round,
MOST_BINARY, DOUBLED = LONGEST // 2, 7  # up to these, unless a frame's size asks for more
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
        self._frames = _needed(board.options)
        size = board.options.size
        sized = max(LEAST_BINARY, (self._frames + CUT) * size) if isinstance(size, int) else UNSIZED
        self._enough = min(LONGEST, sized)
        self._passed = 0  # rates at which nothing was found
        self._rates = [first, *(rate for rate in RATES if rate != first)] if first else list(RATES)
        self._next = 0  # bytes of this rate, with which they are looked at again
        self._tuning = self._begun(self._rates)
        self._held: list[tuple[bytes, Chunk]] = []
        self._holds = 0  # bytes
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
        self._next = 0
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
        if self._holds < LONGEST:
            self._held.append((data, at))
            self._holds += len(data)
        else:  # the rate is not found by these any more
            self.strays.append(data)
        if self._tuning.feed(data, at.mono):
            self._drop()
            self._turning = True
            self._passed += 1
            self._next = 0
        elif self._tuning.found:
            self.found, self._passed = True, 0
            self._bad_since, self._bad = inf, b""
            kept, self._held, self._holds = self._held, [], 0
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
        self._holds = 0

    def _begun(self, rates: Sequence[int]) -> Tuning:
        self._next = 0
        return Tuning(rates, sort=self._sort)

    def _sort(self, data: bytes) -> Sort:
        """What all that came at a rate is."""
        if self._binary:
            doubled = self._enough << min(self._passed // len(self._rates), DOUBLED)
            enough = min(doubled, max(MOST_BINARY, self._enough))
            if self._due(data, enough) and self._framed(data):
                return Sort.TEXT
            return Sort.OTHER if len(data) >= enough else Sort.UNKNOWN
        sort = sort_of(data)
        if sort is Sort.UNKNOWN and self._due(data, MOST) and share_of_text(data) == 1 and self._reads(data):
            return Sort.TEXT
        return Sort.OTHER if sort is Sort.UNKNOWN and len(data) >= MOST else sort

    def _due(self, data: bytes, enough: int) -> bool:
        """Whether to read all of `data` anew: it is short, half as long again as last time, or just `enough`."""
        size = len(data)
        if size < self._next:
            return False
        longer = size + (size // 2 if size > LEAST_BINARY else 1)
        self._next = min(longer, enough) if size < enough else longer
        return True

    def _reads(self, data: bytes) -> bool:
        """Whether the board's own format reads some frames of text."""
        return attempt(Candidate(self._board), [(0.0, data)]).account.decoded >= FRAMES

    def _framed(self, data: bytes) -> bool:
        """Whether `data` has frames that are no chance; the sum of a frame of zeros holds, so one such byte is none."""
        made = decoder(self._board.format, self._board.options)
        framing: Framing = made.framing(self._board.max_line, True)  # type: ignore[attr-defined]  # as binary ones have
        items = [item for item in framing.feed(data) if isinstance(item, bytes) and len(set(item)) > 1]
        frames = [item for item in items if isinstance(made.decode(item), Decoded)]
        return len(frames) >= self._frames and sum(map(len, frames)) >= SHARE * len(data)


def _needed(options: FormatOptions) -> int:
    """Frames that show that the rate is right."""
    checked = (options.crc.width if options.crc else 0) + (len(options.magic.data) if options.magic else 0)
    return max(FRAMES, -(-PROOF // (8 * checked or PROOF)))

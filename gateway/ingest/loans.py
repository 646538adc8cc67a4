"""Which ports are lent, and until when; they outlast the readers of their boards, and the gateway itself."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..model import Chunk
from .dial import SCHEME
from .waiting import now

LONGEST = 86_400.0  # s


@dataclass(eq=False, slots=True)
class Loan:
    """paths: of the port, by which it may be asked for. until: by both clocks. tended: somebody waits for its end."""

    paths: frozenset[str]
    until: Chunk
    tended: bool = False


class Loans:
    """The ports that are lent now. A reload may change the boards on them."""

    def __init__(self, clock: Callable[[], Chunk] = now) -> None:
        self.clock = clock
        self.changed = asyncio.Event()  # `told` gives something else
        self._loans: list[Loan] = []

    def told(self) -> list[tuple[list[str], float]]:
        """For the next run: the paths of each port that is lent, and until when, s since 1970."""
        return [(sorted(loan.paths), loan.until.wall) for loan in self._loans if loan.until.wall > self.clock().wall]

    def remember(self, told: Iterable[tuple[list[str], float]]) -> None:
        """Lends what was lent when a run before ended, with or without a word, as long as was said then."""
        at = self.clock()
        for paths, until in told:
            if paths and 0 < until - at.wall <= LONGEST:  # else the clock is wrong
                self.begin(Chunk(until, at.mono + until - at.wall), *paths)

    @property
    def any(self) -> bool:
        """Whether there is one: what is plugged in then may be a board that waits for its new firmware."""
        at = self.clock().mono
        self._loans = [loan for loan in self._loans if loan.tended or loan.until.mono > at]
        return bool(self._loans)

    def at(self, *paths: str) -> Loan | None:
        """The loan of the port that one of these leads to."""
        wanted = _paths(*paths)
        return next((loan for loan in self._loans if self.any and loan.paths & wanted), None)

    def begin(self, until: Chunk, *paths: str) -> Loan:
        """The port is lent, or for another time than before."""
        if (loan := self.at(*paths)) is None:
            self._loans.append(loan := Loan(_paths(*paths), until))
        loan.until = until
        self.changed.set()
        return loan

    def end(self, loan: Loan) -> None:
        """The port is taken back."""
        self._loans = [one for one in self._loans if one is not loan]
        self.changed.set()


def _paths(*paths: str) -> frozenset[str]:
    return frozenset(paths) | {os.path.realpath(path) for path in paths if not path.startswith(SCHEME)}

"""One board's turns: at which pace it is asked, which question is next, and how rarely when it does not answer. Pure.

round due . question . question . question              round due, `every` s later
a miss ends its round; the next one begins behind that question, so that one bad question does not hide the others
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, inf

from .endings import Ending

LEAST = 0.01  # s between an answer and the next question
GRACE = 2.0  # times the timeout that is listened on after a miss
RARELY = 30.0  # s at most between questions to a board that does not answer, beside its own pace


@dataclass(frozen=True, slots=True)
class Question:
    """What is written, and how its answer is known."""

    data: bytes
    ending: Ending
    timeout: float  # s
    echo: bytes = b""  # what an adapter may send back before the answer; b"": that cannot be told from an answer
    limit: int = 4000  # bytes of an answer; what is longer is taken for one as it is


@dataclass(eq=False, slots=True)
class Turn:
    """One board's place among those of the port. Times: s, monotonic."""

    questions: Sequence[Question]
    every: float = 0.0  # s; 0: as fast as answers come
    start: Sequence[bytes] = ()  # written after an open, and again after a miss
    apart: bool = False  # answers say whose they are
    due: float = 0.0
    round: float = 0.0  # when this round was due
    place: int = 0  # of the next question
    left: int = 0  # questions in this round
    missed: int = 0  # in a row
    told: int = 0  # of `start`, how many are written

    @property
    def question(self) -> Question | None:
        """The next one; None where there is nothing but a start."""
        return self.questions[self.place] if self.questions else None

    def begin(self, now: float) -> None:
        """The board has started anew."""
        self.place, self.left, self.missed, self.told = 0, len(self.questions), 0, 0
        self.due = self.round = now if self.questions or self.start else inf

    @property
    def next(self) -> bytes:
        """What it is told or asked next; b"" where there is nothing more."""
        if self.told < len(self.start):
            return self.start[self.told]
        return self.questions[self.place].data if self.questions else b""

    def writes(self, data: bytes) -> bool:
        """Whether it is ever told or asked this."""
        return data in self.start or any(data == each.data for each in self.questions)

    def turn_to(self, data: bytes) -> None:
        """Makes something that it is told or asked the next."""
        if data == self.next:
            return
        place = next((at for at, each in enumerate(self.questions) if each.data == data), None)
        if place is None:
            self.told = self.start.index(data)
        else:
            self.told, self.place = len(self.start), place

    def starts(self) -> bytes:
        """What it has to be told before its next question; b"" when it was told all."""
        if self.told == len(self.start):
            return b""
        self.told += 1
        if self.told == len(self.start) and not self.questions:
            self.due = inf
        return self.start[self.told - 1]

    def answered(self, now: float) -> None:
        """It has answered the question."""
        self.missed, self.left = 0, self.left - 1
        self.place = (self.place + 1) % len(self.questions)
        if self.left > 0:
            self.due = now + LEAST
        else:
            self._round(now)

    def miss(self, now: float, *, alone: bool) -> None:
        """It has not answered the question. alone: no other board is kept waiting by it."""
        timeout = self.questions[self.place].timeout
        self.missed, self.told = self.missed + 1, 0
        self.place = (self.place + 1) % len(self.questions)
        self._round(now)
        rarer = 0.0 if alone else min(RARELY, max(self.every, timeout) * 2.0 ** min(self.missed - 1, 30))
        self.due = max(self.due, now + GRACE * timeout, now + rarer)

    def _round(self, now: float) -> None:
        """The next round is due on the grid of `every`: what was missed is not made up for."""
        self.left = len(self.questions)
        if self.every > LEAST:
            self.round += self.every * (floor(max(0.0, now - self.round) / self.every) + 1)
        self.due = max(self.round, now + LEAST)

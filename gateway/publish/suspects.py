"""Which message makes the broker cut the line: found by what is unanswered at each cut, then by sending it alone. Pure.

Some brokers close the connection at a message that they do not take, and would do so for ever, all others behind it.
"""

from collections.abc import Collection
from typing import NamedTuple

TOGETHER, ALONE = 3, 2  # cuts at the same message, among others and then by itself, until it is found guilty


class Mark(NamedTuple):
    """Which message: its topic, and the number of its first reading, or -1 for a document."""

    topic: str
    seq: int


class Suspects:
    """The messages that were unanswered at each of the last cuts: one of them is to blame, unless it is the network.

    Not only the oldest: a broker may cut before it has answered what came first.
    """

    def __init__(self) -> None:
        self._marks: set[Mark] = set()
        self._cuts = 0

    @property
    def alone(self) -> bool:
        """Whether messages are to go one by one, so that it is known at which the line is cut."""
        return self._cuts >= TOGETHER

    def cut(self, unanswered: Collection[Mark]) -> bool:
        """The line was cut. Whether it is the fault of what was unanswered, which then is one message."""
        common = self._marks.intersection(unanswered)
        if not common:
            self._cuts = 0
        self._marks = common or set(unanswered)
        self._cuts += 1
        guilty = self._cuts >= TOGETHER + ALONE and len(unanswered) == 1
        if guilty:
            self.clear()
        return guilty

    def answered(self, mark: Mark) -> bool:
        """A message was answered. Whether that clears the last suspect."""
        if mark not in self._marks:
            return False
        self._marks.discard(mark)
        if self._marks:
            return False
        self.clear()
        return True

    def clear(self) -> None:
        """Nobody is suspected."""
        self._marks, self._cuts = set(), 0

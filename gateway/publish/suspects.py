"""Which message makes the broker cut the line: found by what is unanswered at each cut, then by sending it alone. Pure.

Some brokers close the connection at a message that they do not take, and would do so for ever, all others behind it.
"""

from typing import NamedTuple

TOGETHER, ALONE = 3, 2  # cuts at the same message, among others and then by itself, until it is found guilty


class Mark(NamedTuple):
    """Which message: its topic, and the number of its first reading, or -1 for a document."""

    topic: str
    seq: int


class Suspects:
    """The message that was the oldest unanswered one at the last cuts."""

    def __init__(self) -> None:
        self._mark: Mark | None = None
        self._cuts = 0

    @property
    def alone(self) -> bool:
        """Whether messages are to go one by one, so that it is known at which the line is cut."""
        return self._cuts >= TOGETHER

    def cut(self, oldest: Mark) -> bool:
        """The line was cut. Whether `oldest`, which was not answered, is guilty of it."""
        if oldest != self._mark:
            self._mark, self._cuts = oldest, 0
        self._cuts += 1
        guilty = self._cuts >= TOGETHER + ALONE
        if guilty:
            self.clear()
        return guilty

    def answered(self, mark: Mark) -> bool:
        """A message was answered. Whether that clears the suspect."""
        cleared = mark == self._mark
        if cleared:
            self.clear()
        return cleared

    def clear(self) -> None:
        """Nobody is suspected."""
        self._mark, self._cuts = None, 0

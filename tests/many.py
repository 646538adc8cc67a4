"""Boards for a measurement, of many sensors each: `python -m tests.many SENSORS DIRECTORY BOARDS CONTROL`.

As gateway/bench/sender.py has them, only that a line is "s7,41922.585225": the next sensor in turn, and the time.
"""

import itertools
import sys
import time
from pathlib import Path

from gateway.bench import sender


class Board(sender.Board):
    """One port with many sensors behind it."""

    def __init__(self, link: Path) -> None:
        super().__init__(link)
        self._turn = itertools.cycle([b"s%d" % number for number in range(SENSORS)])

    def say(self, lines: int) -> None:
        """Has so many lines more to write, of this moment."""
        now = b",%.6f\n" % time.monotonic()
        self.rest += b"".join([next(self._turn) + now for _ in range(lines)])


if __name__ == "__main__":
    SENSORS = int(sys.argv[1])
    sender.main(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), Board)

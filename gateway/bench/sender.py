"""Boards for a measurement, a process of their own: `python -m gateway.bench.sender DIRECTORY BOARDS CONTROL`.

Each board is a pseudo-terminal, DIRECTORY/b1, …; a line is one number, the time of writing it (s, monotonic), so that
whoever hears of the reading knows how long it took. From the descriptor CONTROL come lines "RATE SECONDS MOST", RATE in
lines a second of all boards together, 0 for as fast as they are read, and then MOST lines or a few more; for each, one
JSON line says how many lines the terminals took, and when that began and ended. The end of CONTROL is the end of all.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
import tty
from collections.abc import Callable
from pathlib import Path

AT_ONCE = 16  # lines of a board, at full speed
PATIENCE = 10.0  # s for the terminals to take what is left at the end
FULL = 0.0005  # s until a terminal is tried again that has room, but for less than it is to take


class Board:
    """One pseudo-terminal, and what it has not taken yet."""

    def __init__(self, link: Path) -> None:
        self.fd, theirs = os.openpty()
        tty.setraw(theirs)
        os.set_blocking(self.fd, False)
        link.symlink_to(os.ttyname(theirs))
        os.close(theirs)  # whoever has it open shares the port
        self.rest = b""

    def say(self, lines: int) -> None:
        """Has so many lines more to write, of this moment."""
        self.rest += b"%.6f\n" % time.monotonic() * lines

    def write(self) -> int:
        """Writes what the terminal takes; gives how many lines that ends."""
        try:
            taken = os.write(self.fd, self.rest)
        except BlockingIOError:
            return 0
        done, self.rest = self.rest[:taken], self.rest[taken:]
        return done.count(b"\n")


def write(boards: list[Board], patience: float) -> int:
    """Waits until one of these has room, and writes; gives how many lines that ends."""
    ready = select.select([], [board.fd for board in boards], [], patience)[1]
    lines = sum(board.write() for board in boards if board.fd in ready)
    if ready and not lines:
        time.sleep(FULL)
    return lines


def at_full_speed(boards: list[Board], seconds: float, most: float) -> int:
    """Always has something to say, for so long and so many lines; gives the lines that were taken."""
    end, lines = time.monotonic() + seconds, 0
    while time.monotonic() < end and lines < most:
        for board in boards:
            if not board.rest:
                board.say(AT_ONCE)
        lines += write(boards, 0.05)
    return lines


def paced(boards: list[Board], rate: float, seconds: float) -> int:
    """Says a line at its time, the boards in turn; gives the lines that were taken."""
    began, lines = time.monotonic(), 0
    for number in range(round(rate * seconds)):
        ahead = began + number / rate - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        board = boards[number % len(boards)]
        board.say(1)
        lines += board.write()
    return lines


def left(boards: list[Board]) -> int:
    """What had no room before, as far as there is some soon; gives the lines that were taken."""
    end, lines = time.monotonic() + PATIENCE, 0
    while (late := [board for board in boards if board.rest]) and time.monotonic() < end:
        lines += write(late, 0.05)
    return lines


def main(directory: Path, count: int, control: int, made: Callable[[Path], Board] = Board) -> None:
    """The boards from their plug to their end. made: by the path of its port, a board."""
    boards = [made(directory / f"b{number}") for number in range(1, count + 1)]
    print(json.dumps({"boards": count}), flush=True)
    with os.fdopen(control) as orders:
        for order in orders:
            rate, seconds, most = map(float, order.split())
            began = time.monotonic()
            lines = paced(boards, rate, seconds) if rate else at_full_speed(boards, seconds, most)
            lines += left(boards)
            print(json.dumps({"lines": lines, "began": began, "ended": time.monotonic()}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

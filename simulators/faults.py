"""What can go wrong with a board, by name, and at what time: "NAME@SECONDS[:ARG]"."""

import math
from dataclasses import dataclass
from random import Random

from simulators.kinds import Line

FAULTS = {
    "drop": 3.0,  # bytes lost from the next line
    "garble": 3.0,  # bytes of the next line with one bit changed
    "duplicate": 1.0,  # how often the next line is sent once more
    "stall": 5.0,  # s of silence, the port open
    "unplug": 3.0,  # s until it is plugged in again; it goes in mid-line
    "flood": 1.0,  # s in which lines come as fast as the reader takes them
    "reboot": 0.2,  # s until the banner comes; then its numbers start at 1 again
    "baud": 9600.0,  # the rate at which the board goes on; the reader is not told
}
"""The faults, and what each takes when nothing is said."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault to come. at: s after all boards began; arg: as in FAULTS. Raises ValueError with a sentence."""

    at: float
    name: str
    arg: float
    board: str = ""  # "": every board

    def __post_init__(self) -> None:
        if self.name not in FAULTS:
            raise ValueError(f"there is no fault {self.name!r}; use one of {', '.join(FAULTS)}")
        if not (0 <= self.at < math.inf and 0 <= self.arg < math.inf):
            raise ValueError(f"{self.name}: times and amounts are numbers from 0 up")
        if self.name == "baud" and self.arg < 1:
            raise ValueError("baud: a line has a rate of 1 baud or more")


def parse(text: str) -> Fault:
    """`[BOARD/]NAME@SECONDS[:ARG]`. Raises ValueError with a sentence."""
    board, _, rest = text.rpartition("/")
    name, _, when = rest.partition("@")
    at, _, arg = when.partition(":")
    try:
        start, amount = float(at), float(arg) if arg else FAULTS.get(name, 0.0)
    except ValueError:
        raise ValueError(f"{text!r}: say when, and how much if it matters: stall@5 or stall@5:2") from None
    return Fault(start, name, amount, board)


ENDS = b"\r\n\0\xc0"
"""Bytes that end a line, or a binary record."""


def drop(line: Line, count: int, random: Random) -> Line:
    """`line` without `count` of its bytes, in one run; its end of line stays."""
    body = line.data.rstrip(ENDS)
    count = min(count, len(body))
    start = random.randrange(len(body) - count + 1)
    return line._replace(data=body[:start] + body[start + count :] + line.data[len(body) :], what="damaged")


def garble(line: Line, count: int, random: Random) -> Line:
    """`line` with one bit changed in each of `count` bytes; its length and its end of line stay."""
    data = bytearray(line.data)
    body = len(line.data.rstrip(ENDS))
    for place in random.sample(range(body), min(count, body)):
        data[place] ^= 1 << random.randrange(8)
    return line._replace(data=bytes(data), what="damaged")

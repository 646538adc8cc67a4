"""Somebody who has a simulated board's port open, and reads it; what its lines are made of."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import serial

from simulators import Board
from simulators.loop import until

KV = re.compile(rb"^T1:\d\d\.\d\d,T2:\d\d\.\d\d,T3:\d\d\.\d\d,T4:\d\d\.\d\d,MSG:(\d+)\r$", re.MULTILINE)
LINES = [b"21.50 22.06\r\n"] * 20


@contextmanager
def reader(board: Board | str, baud: int = 115_200) -> Iterator[serial.Serial]:
    """Somebody who has the port open."""
    with serial.Serial(board if isinstance(board, str) else board.path, baud, timeout=0) as port:
        yield port


def read_until(port: serial.Serial, enough: Callable[[bytearray], object], timeout: float = 10.0) -> bytes:
    """What comes until it is `enough`."""
    got = bytearray()

    def more() -> object:
        got.extend(port.read(65_536))
        return enough(got)

    until(more, timeout, f"not enough came, only {bytes(got[-200:])!r},")
    return bytes(got)


def read_all(port: serial.Serial, board: Board) -> bytes:
    """What comes until the board is done and all that it wrote is here."""
    got = bytearray()

    def more() -> bool:
        got.extend(port.read(65_536))
        return board.done and len(got) >= board.written.bytes

    until(more, 20.0, f"{board.name} wrote {board.written.bytes} bytes, fewer came")
    return bytes(got)


def read_all_left(port: serial.Serial, board: Board, have: int) -> bytes:
    """The rest of what a board wrote, when `have` bytes of it were read."""
    return read_until(port, lambda got: board.done and have + len(got) >= board.written.bytes)

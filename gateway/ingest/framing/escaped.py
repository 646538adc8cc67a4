"""Frames between a start and a stop byte of the board's own; an escape byte has bits of the next one turned over.

40 3f 10 … 00 1b e4 1b bf 78 … 0d        { start = 0x40, stop = 0x0d, escape = 0x1b, xor = 0xff }
   3f 10 … 00 1b    40    78 …           the frame
7e 01 7d 5e 02 7e                        { stop = 0x7e, escape = 0x7d, xor = 0x20 } is hdlc

What is before the last start is no part of the frame. Where one byte begins and ends it, it stands between two frames.
"""

import re
from collections.abc import Callable

from ...layouts import Escapes


def unstuffing(marks: Escapes) -> Callable[[bytes], bytes | None]:
    """How a piece is unstuffed; None for one without a start, and for one that ends with an escape."""
    start = b"" if marks.start is None or marks.start == marks.stop else bytes([marks.start])
    escape = b"" if marks.escape is None else bytes([marks.escape])
    escaped, xor = re.compile(re.escape(escape) + b"(.)", re.DOTALL), marks.xor

    def unstuffed(piece: bytes) -> bytes | None:
        if start:
            _, found, piece = piece.rpartition(start)
            if not found:
                return None
        if not escape or escape not in piece:
            return piece
        plain = escaped.sub(lambda match: bytes([match[1][0] ^ xor]), piece)
        return None if _given_up(piece, escape) else plain

    return unstuffed


def _given_up(piece: bytes, escape: bytes) -> bool:
    """Whether it ends with an escape that is not itself escaped."""
    return (len(piece) - len(piece.rstrip(escape))) % 2 == 1

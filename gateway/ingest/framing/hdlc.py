"""hdlc: frames between flags, as on asynchronous lines (RFC 1662, section 4): 7D takes the bit 20 out of the next byte.

    7e 01 7d 5e 02 7d 5d cc cc 7e        frame 01 7e 02 7d and a checksum: usually CRC-16/IBM-SDLC, little endian

A sender gives a frame up with 7D right before the flag.
"""

import re
from collections.abc import Callable

DELIMITER = b"\x7e"
_ESCAPED = re.compile(rb"\x7d(.?)", re.DOTALL)


def unstuffing() -> Callable[[bytes], bytes | None]:
    """How a piece is unstuffed; None for one that was given up."""
    return _unstuffed


def _unstuffed(piece: bytes) -> bytes | None:
    if piece.endswith(b"\x7d"):
        return None
    return _ESCAPED.sub(_restored, piece) if b"\x7d" in piece else piece


def _restored(match: re.Match[bytes]) -> bytes:
    return bytes([match[1][0] ^ 0x20])

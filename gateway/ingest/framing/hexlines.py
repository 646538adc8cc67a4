"""hex: frames written as lines of hexadecimal digits, two a byte, as in Modbus ASCII.

:010304FFF40105FF CR LF              frame 01 03 04 ff f4 01 05 ff
01 03 04 FF F4 LF                    blanks between bytes are none of it; nor are signs around them
"""

import string
from collections.abc import Callable

DELIMITER = b"\n\r"
_AROUND = bytes(each for each in range(128) if chr(each) not in string.ascii_letters + string.digits)


def unstuffing() -> Callable[[bytes], bytes | None]:
    """How a line becomes bytes; None for one with anything but digits in it, or with half a byte."""
    return _unstuffed


def _unstuffed(piece: bytes) -> bytes | None:
    try:
        return bytes.fromhex(piece.strip(_AROUND).decode("ascii")) or None
    except ValueError:
        return None

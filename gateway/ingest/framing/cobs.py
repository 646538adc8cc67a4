"""cobs: Consistent Overhead Byte Stuffing (Cheshire and Baker, 1999): a frame without zeros, between zeros.

07 67 12 00 00 ac 41                 a frame
04 07 67 12 01 03 ac 41 00           as it is sent: 04 = three bytes and then a zero, 01 = a zero at once,
                                     03 = two bytes, and the zero behind them is the end
"""

from collections.abc import Callable

DELIMITER = b"\0"


def unstuffing() -> Callable[[bytes], bytes | None]:
    """How a piece is unstuffed; None for one that is damaged. The door to the library cobs."""
    from cobs.cobs import DecodeError, decode  # type: ignore[import-untyped]

    def unstuffed(piece: bytes) -> bytes | None:
        try:
            return bytes(decode(piece))
        except DecodeError:
            return None

    return unstuffed

"""slip: RFC 1055: the byte C0 ends a frame, and may begin it too.

c0 da 12 34 db dc 56 db dd 78 c0     frame da 12 34 c0 56 db 78: DB DC stands for C0, DB DD for DB
"""

from collections.abc import Callable

DELIMITER = b"\xc0"


def unstuffing() -> Callable[[bytes], bytes | None]:
    """How a piece is unstuffed; None for one with a DB before anything else. The door to the library sliplib."""
    from sliplib import ProtocolError, decode  # type: ignore[import-untyped]

    def unstuffed(piece: bytes) -> bytes | None:
        try:
            return bytes(decode(piece))
        except ProtocolError:
            return None

    return unstuffed

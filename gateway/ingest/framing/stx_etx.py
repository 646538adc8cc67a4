"""stx-etx: frames between the bytes 02 and 03, both of them part of the frame.

    02 80 80 … 08 00 00 00 00 03     size = 45: 02 and 03 may be data as well, so the size decides
    02 32 31 2e 35 03 | 02 32 …      without a size: they are no data, and the first 03 ends the frame

A checksum at the end stands behind the 03.
"""

from .constant import UNKNOWN

STX, ETX = 2, 3


class StxEtx:
    """The shape of such a frame. size: None where it varies. behind: bytes of a checksum behind the 03."""

    def __init__(self, size: int | None, behind: int, limit: int) -> None:
        self._size, self._behind, self._limit = size, behind, limit
        self.bits = 16
        self.fixed, self.closed = size is not None, size is None

    def length(self, data: bytearray, at: int) -> int:
        """As configured; or up to the first 03, and its checksum."""
        if at >= len(data):
            return UNKNOWN
        if data[at] != STX:
            return 0
        if self._size is not None:
            etx = at + self._size - self._behind - 1
            return self._size if etx >= len(data) or data[etx] == ETX else 0
        etx = data.find(ETX, at)
        if data.find(STX, at + 1, etx if etx > 0 else len(data)) > 0:
            return 0
        if etx < 0:
            return UNKNOWN if len(data) - at <= self._limit else 0
        return etx + 1 + self._behind - at

    def begins(self, data: bytearray, at: int) -> int:
        """With 02."""
        return UNKNOWN if at >= len(data) else int(data[at] == STX)

    def seek(self, data: bytearray, at: int) -> int:
        """The next 02."""
        found = data.find(STX, at)
        return found if found >= 0 else len(data)

"""fixed: frames of one size, one behind the other.

1f 06 4c 00 f5 00 25 00 98 3a | 1f 06 …        size = 10, crc = "CRC-8/SMBUS"
5a 5a 02 06 …1538 bytes… ss ss | 5a 5a 02 06   size = 1544, magic = "5a 5a 02 06"
"""

from ...layouts import Magic
from .constant import Constant


class Fixed:
    """The shape of such a frame."""

    fixed, closed = True, False

    def __init__(self, size: int, magic: Magic | None) -> None:
        self._size, self._constant = size, Constant(magic)
        self.bits = self._constant.bits
        self.begins, self.seek = self._constant.met, self._constant.seek

    def length(self, data: bytearray, at: int) -> int:
        """Always the same, where one may begin."""
        met = self._constant.met(data, at)
        return self._size if met > 0 else met

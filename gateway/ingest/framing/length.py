"""length: frames that say how long they are. LL counts some of the bytes, and the others are always as many.

    01 10 01 f0 01 70 LL 02 …LL bytes… 03 cc cc 04     size = { at = 6, type = "u8", add = 12 }, magic = "01 10"

A length over `max_line`, or below what the frame must have, begins no frame.
"""

from ...layouts import WIDTHS, Endian, Length, Magic
from .constant import UNKNOWN, Constant


class Lengthy:
    """The shape of such a frame. least: bytes that it has at least, beyond the length and the constant ones."""

    fixed, closed = False, False

    def __init__(self, length: Length, endian: Endian, magic: Magic | None, least: int) -> None:
        self._said, self._endian, self._constant = length, length.endian or endian, Constant(magic)
        self._end = length.at + WIDTHS[length.type]
        self._least = max(self._end, self._constant.end) + least
        self.bits = self._constant.bits
        self.begins, self.seek = self._constant.met, self._constant.seek

    def length(self, data: bytearray, at: int) -> int:
        """As the frame says."""
        met = self._constant.met(data, at)
        if met <= 0:
            return met
        if len(data) < at + self._end:
            return UNKNOWN
        size = int.from_bytes(data[at + self._said.at : at + self._end], self._endian) + self._said.add
        return size if size >= self._least else 0

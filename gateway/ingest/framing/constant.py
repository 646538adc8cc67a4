"""Bytes that are the same in each frame, at one place in it: what is called magic."""

from ...layouts import Magic

UNKNOWN = -1


class Constant:
    """Where a frame may begin, as far as its constant bytes say; without any, everywhere."""

    def __init__(self, magic: Magic | None) -> None:
        self.data = b"" if magic is None else magic.data
        self.bits = 8 * len(self.data)
        self._at = 0 if magic is None else magic.at
        self.end = self._at + len(self.data)

    def met(self, data: bytes | bytearray, at: int) -> int:
        """Whether a frame may begin at `at`: 1, 0, or UNKNOWN while the bytes that tell have not come."""
        there = data[at + self._at : at + self.end]
        if there == self.data:
            return 1 if at < len(data) else UNKNOWN
        return UNKNOWN if self.data.startswith(there) else 0

    def seek(self, data: bytearray, at: int) -> int:
        """The first place from `at` on where it is not known that none begins."""
        if not self.data:
            return at
        found = data.find(self.data, at + self._at)
        if found >= 0:
            return found - self._at
        place = max(at, len(data) - self.end + 1)
        while place < len(data) and self.met(data, place) == 0:
            place += 1
        return place

"""The columns of a block, each in its shortest exact form. Pure.

A column begins with a letter that says how it is written. Its numbers are little-endian and turned, so that equal bytes
stand together (all first bytes, then all second ones, …): that deflates far better.
"""

from __future__ import annotations

import json
import struct
from array import array
from collections.abc import Callable, Sequence
from typing import Any

from .nouns import Damaged

TENS = 1e4  # most boards, and both founding features, send at most four decimals
NO_COUNT = -(2**63)  # stands for None
COUNT_TEXT = 64  # bytes a reading, where counts are written as text


# written


def turned(data: bytes, width: int) -> bytes:
    """All first bytes of the numbers in `data`, then all second ones, …"""
    return b"".join([data[at::width] for at in range(width)])


def whole(column: array[int]) -> bytes:
    """Whole numbers of 64 bits: all alike, ascending by one, all near the smallest, or any."""
    least, most = min(column), max(column)
    if least == most:
        return b"c" + struct.pack("<q", least)
    if column[0] == least and most - least == len(column) - 1 and column == array("q", range(least, most + 1)):
        return b"s" + struct.pack("<q", least)
    if most - least < 2**32:
        return b"u" + struct.pack("<q", least) + turned(array("I", [x - least for x in column]).tobytes(), 4)
    return b"q" + turned(column.tobytes(), 8)


def numbers(column: array[float]) -> bytes:
    """Any numbers."""
    data = column.tobytes()
    if data == data[:8] * len(column):
        return b"c" + data[:8]
    if (small := _scaled(column)) is not None:
        return b"f" + turned(small.tobytes(), 4)
    return b"d" + turned(data, 8)


def _scaled(column: array[float]) -> array[int] | None:
    """The numbers as whole ten-thousandths, where every one of them is exactly that."""
    try:
        if round(column[-1] * TENS) / TENS != column[-1]:  # most columns that are not are so at once
            return None
        small = array("i", [round(x * TENS) for x in column])
    except (ValueError, OverflowError):  # NaN, infinity, or too large
        return None
    return small if array("d", [x / TENS for x in small]).tobytes() == column.tobytes() else None  # -0.0 is none


def walls(wall: array[float]) -> bytes:
    """Times near one another: numbers of one sign and size differ as their bits do."""
    return whole(array("q", wall.tobytes()))


def monos(wall: array[float], mono: array[float]) -> bytes:
    """The other clock, to a microsecond: how far it is behind the first one, which hardly changes."""
    behind = wall[0] - mono[0]
    try:
        off = array("i", [round((w - m - behind) * 1e6) for w, m in zip(wall, mono, strict=True)])
    except (ValueError, OverflowError):  # no times, or clocks that have been set
        return b"d" + turned(mono.tobytes(), 8)
    return b"o" + struct.pack("<d", behind) + whole(array("q", off))


def octets(column: bytes) -> bytes:
    """Small numbers, a byte each."""
    return b"c" + column[:1] if column == column[:1] * len(column) else b"b" + column


def counts(column: Sequence[int | None]) -> bytes:
    """The boards' own numbers; most have none."""
    if all(count is None for count in column):
        return b"n"
    try:
        if NO_COUNT not in column:
            return b"i" + whole(array("q", [NO_COUNT if count is None else count for count in column]))
    except OverflowError:
        pass
    text = json.dumps(column).encode()
    return b"j" + struct.pack("<I", len(text)) + text


# read


class Columns:
    """Reads one column after another from `body`. at: where the next one begins. Raises Damaged, and struct.error."""

    def __init__(self, body: bytes, at: int, rows: int) -> None:
        self.body, self.at, self.rows = body, at, rows

    def _take(self, size: int) -> bytes:
        data = self.body[self.at : self.at + size]
        if len(data) != size:
            raise Damaged("no block: it is too short")
        self.at += size
        return data

    def _array(self, code: str, width: int) -> array[Any]:
        data, out = self._take(width * self.rows), bytearray(width * self.rows)
        for place in range(width):
            out[place::width] = data[place * self.rows : (place + 1) * self.rows]
        return array(code, bytes(out))

    def _one(self, code: str) -> Any:
        return struct.unpack(f"<{code}", self._take(8))[0]

    def _one_of(self, **ways: Callable[[], Any]) -> Any:
        kind = self._take(1).decode("latin-1")
        if kind not in ways:
            raise Damaged(f"no block: a column of kind {kind!r}")
        return ways[kind]()

    def whole(self) -> array[int]:
        """What `whole` has written."""

        def near() -> array[int]:
            least = self._one("q")
            return array("q", [least + x for x in self._array("I", 4)])

        def ascending() -> array[int]:
            least = self._one("q")
            return array("q", range(least, least + self.rows))

        return self._one_of(  # type: ignore[no-any-return]
            c=lambda: array("q", [self._one("q")]) * self.rows, s=ascending, u=near, q=lambda: self._array("q", 8)
        )

    def numbers(self) -> array[float]:
        """What `numbers` has written."""
        return self._one_of(  # type: ignore[no-any-return]
            c=lambda: array("d", self._take(8) * self.rows),
            f=lambda: array("d", [x / TENS for x in self._array("i", 4)]),
            d=lambda: self._array("d", 8),
        )

    def walls(self) -> array[float]:
        """What `walls` has written."""
        return array("d", self.whole().tobytes())

    def monos(self, wall: array[float]) -> array[float]:
        """What `monos` has written."""

        def behind() -> array[float]:
            offset = self._one("d")
            return array("d", [w - offset - off / 1e6 for w, off in zip(wall, self.whole(), strict=True)])

        return self._one_of(o=behind, d=lambda: self._array("d", 8))  # type: ignore[no-any-return]

    def octets(self) -> bytes:
        """What `octets` has written."""
        return self._one_of(c=lambda: self._take(1) * self.rows, b=lambda: self._take(self.rows))  # type: ignore[no-any-return]

    def counts(self) -> list[int | None]:
        """What `counts` has written."""

        def listed() -> list[int | None]:
            (size,) = struct.unpack("<I", self._take(4))
            found = json.loads(self._take(size)) if size <= COUNT_TEXT * self.rows else None
            if type(found) is not list or len(found) != self.rows or not all(map(_is_count, found)):
                raise Damaged("no block: its counts are none")
            return found

        return self._one_of(  # type: ignore[no-any-return]
            n=lambda: [None] * self.rows,
            i=lambda: [None if count == NO_COUNT else count for count in self.whole()],
            j=listed,
        )


def _is_count(count: object) -> bool:
    return count is None or type(count) is int

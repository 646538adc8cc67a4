"""A block: readings of one sensor as they lie on the disk, and back. Pure; each column in its shortest exact form.

V CCCC | LLLL FFFFFFFF | seq | wall | mono | value | n | quality | count | a column a key … | condensed

V: 1, or 2 when what follows C is deflated   C: CRC-32 of what follows   L: rows   F: seq of the first (int64)
Each column begins with a letter that says how it is written; numbers are little-endian, and those of a column are
turned so that equal bytes stand together (all first bytes, then all second ones, …), which deflates far better.
"""

from __future__ import annotations

import json
import struct
import zlib
from array import array
from collections.abc import Callable, Sequence
from typing import Any

from ...model import Features, Quality
from .nouns import Damaged, Source

PLAIN, DEFLATED = 1, 2
HEAD, START = struct.Struct("<BI"), struct.Struct("<Iq")
MOST_ROWS = 4096  # of a block; more is none of ours
LARGEST = 1 << 22  # bytes of a block that is not deflated
TINY = 200  # bytes that are not worth deflating
TENS = 1e4  # most boards, and both founding features, send at most four decimals
NO_COUNT = -(2**63)
SAME_CLOCK = 1e-3  # s by which the two clocks may differ over a block that keeps one of them only


def written(features: Features, condensed: dict[int, int]) -> bytes:
    """The block of `features`, at least one reading. condensed: by seq, the readings left out before it."""
    rows = len(features)
    seq = features.seq
    parts = [START.pack(rows, seq[0]), _seq(seq), *_times(features.wall, features.mono), _numbers(features.value)]
    parts += [_small(features.n), _bytes(features.quality), _counts(features.count)]
    parts += map(_numbers, features.columns)
    left = {number: condensed[number] for number in seq if number in condensed} if condensed else {}
    parts.append(json.dumps(list(left.items())).encode() if left else b"")
    body = b"".join(parts)
    if len(body) < TINY:
        return HEAD.pack(PLAIN, zlib.crc32(body)) + body
    body = zlib.compress(body, 1)
    return HEAD.pack(DEFLATED, zlib.crc32(body)) + body


def read(source: Source, data: bytes) -> tuple[Features, dict[int, int]]:
    """The features in a block, and what was condensed. Raises Damaged for bytes that are none."""
    try:
        body = _body(data)
        rows, first = START.unpack_from(body)
        if not 0 < rows <= MOST_ROWS:
            raise Damaged(f"a block of {rows} readings")
        column = _Column(body, START.size, rows)
        seq = column.seq(first)
        wall = column.wall()
        mono = column.mono(wall)
        value, n, quality, count = column.numbers(), column.small(), column.bytes(), column.counts()
        columns = [column.numbers() for _ in source.keys]
        condensed = {int(number): int(left) for number, left in json.loads(body[column.at :] or b"[]")}
    except (struct.error, zlib.error, ValueError, TypeError, OverflowError, IndexError, RecursionError) as error:
        raise Damaged(f"no block: {error}") from None
    if max(quality) >= len(Quality) or any(map(_infinite, (*value, *wall))):
        raise Damaged("no block: a value that cannot be")
    features = Features(
        source.board, source.sensor, source.unit, source.keys, seq, wall, mono, value, count, n, quality, columns,
        source.unset,
    )  # fmt: skip
    return features, condensed


def joined(blocks: Sequence[tuple[Features, dict[int, int]]]) -> tuple[Features, dict[int, int]]:
    """Blocks of one source as one, in their order; the first is extended."""
    first, condensed = blocks[0]
    for features, more in blocks[1:]:
        first.extend(features)
        condensed |= more
    return first, condensed


def _infinite(number: float) -> bool:
    return not abs(number) < float("inf")


def _body(data: bytes) -> bytes:
    kind, check = HEAD.unpack_from(data)
    body = data[HEAD.size :]
    if zlib.crc32(body) != check or kind not in (PLAIN, DEFLATED):
        raise Damaged("no block: its checksum is wrong")
    if kind == DEFLATED:
        inflater = zlib.decompressobj()
        body = inflater.decompress(body, LARGEST)
        if not inflater.eof:
            raise Damaged("no block: it is too large")
    return body


# columns, written


def _turned(data: bytes, width: int) -> bytes:
    """All first bytes of the numbers in `data`, then all second ones, …"""
    return b"".join([data[at::width] for at in range(width)])


def _seq(seq: array[int]) -> bytes:
    if seq[-1] - seq[0] == len(seq) - 1:  # ascending, so they follow one another
        return b"s"
    return b"q" + _turned(seq.tobytes(), 8)


def _times(wall: array[float], mono: array[float]) -> tuple[bytes, bytes]:
    """Both clocks: µs after the first reading, and what one clock is behind the other where that does not change."""
    first = round(wall[0] * 1e6)
    since = [round(t * 1e6) - first for t in wall]
    if min(since) >= 0 and max(since) < 2**32:
        walls = b"u" + struct.pack("<q", first) + _turned(array("I", since).tobytes(), 4)
    else:
        walls = b"d" + _turned(wall.tobytes(), 8)
    behind = wall[0] - mono[0]
    if all(abs(a - b - behind) < SAME_CLOCK for a, b in zip(wall, mono, strict=True)):
        return walls, b"o" + struct.pack("<d", behind)
    return walls, b"d" + _turned(mono.tobytes(), 8)


def _numbers(column: array[float]) -> bytes:
    data = column.tobytes()
    if data == data[:8] * len(column):
        return b"c" + data[:8]
    if (small := _scaled(column)) is not None:
        return b"f" + _turned(small.tobytes(), 4)
    return b"d" + _turned(data, 8)


def _scaled(column: array[float]) -> array[int] | None:
    """The numbers as whole ten-thousandths, where every one of them is exactly that."""
    try:
        if round(column[-1] * TENS) / TENS != column[-1]:  # most columns that are not are so at once
            return None
        small = array("i", [round(x * TENS) for x in column])
    except (ValueError, OverflowError):  # NaN, infinity, or too large
        return None
    return small if array("d", [x / TENS for x in small]).tobytes() == column.tobytes() else None  # -0.0 is none


def _small(column: array[int]) -> bytes:
    if min(column) == max(column):
        return b"c" + struct.pack("<i", column[0])
    return b"i" + _turned(array("i", column).tobytes(), 4)


def _bytes(column: bytes) -> bytes:
    return b"c" + column[:1] if column == column[:1] * len(column) else b"b" + column


def _counts(column: Sequence[int | None]) -> bytes:
    if all(count is None for count in column):
        return b"c"
    try:
        return b"q" + _turned(array("q", [NO_COUNT if count is None else count for count in column]).tobytes(), 8)
    except OverflowError:
        text = json.dumps(column).encode()
        return b"j" + struct.pack("<I", len(text)) + text


# columns, read


class _Column:
    """Reads one column after another. at: where the next one begins."""

    def __init__(self, body: bytes, at: int, rows: int) -> None:
        self.body, self.at, self.rows = body, at, rows

    def _kind(self) -> bytes:
        self.at += 1
        return self.body[self.at - 1 : self.at]

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

    def _one_of(self, **ways: Callable[[], Any]) -> Any:
        kind = self._kind().decode("latin-1")
        if kind not in ways:
            raise Damaged(f"no block: a column of kind {kind!r}")
        return ways[kind]()

    def seq(self, first: int) -> array[int]:
        return self._one_of(  # type: ignore[no-any-return]
            s=lambda: array("q", range(first, first + self.rows)), q=lambda: self._array("q", 8)
        )

    def wall(self) -> array[float]:
        def since() -> array[float]:
            (first,) = struct.unpack("<q", self._take(8))
            return array("d", [(first + us) / 1e6 for us in self._array("I", 4)])

        return self._one_of(u=since, d=lambda: self._array("d", 8))  # type: ignore[no-any-return]

    def mono(self, wall: array[float]) -> array[float]:
        def behind() -> array[float]:
            (offset,) = struct.unpack("<d", self._take(8))
            return array("d", [t - offset for t in wall])

        return self._one_of(o=behind, d=lambda: self._array("d", 8))  # type: ignore[no-any-return]

    def numbers(self) -> array[float]:
        return self._one_of(  # type: ignore[no-any-return]
            c=lambda: array("d", self._take(8) * self.rows),
            f=lambda: array("d", [x / TENS for x in self._array("i", 4)]),
            d=lambda: self._array("d", 8),
        )

    def small(self) -> array[int]:
        return self._one_of(  # type: ignore[no-any-return]
            c=lambda: array("q", struct.unpack("<i", self._take(4)) * self.rows),
            i=lambda: array("q", self._array("i", 4)),
        )

    def bytes(self) -> bytes:
        return self._one_of(c=lambda: self._take(1) * self.rows, b=lambda: self._take(self.rows))  # type: ignore[no-any-return]

    def counts(self) -> list[int | None]:
        def listed() -> list[int | None]:
            found = json.loads(self._take(struct.unpack("<I", self._take(4))[0]))
            if len(found) != self.rows or not all(count is None or type(count) is int for count in found):
                raise Damaged("no block: its counts are none")
            return list(found)

        return self._one_of(  # type: ignore[no-any-return]
            c=lambda: [None] * self.rows,
            q=lambda: [None if count == NO_COUNT else count for count in self._array("q", 8)],
            j=listed,
        )

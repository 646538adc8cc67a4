"""A block: readings of one sensor as they lie on the disk, and back. Pure; exact but for `mono`, to a microsecond.

V CCCC | LLLL | seq | wall | mono | value | n | quality | count | a column a key … | alarm | condensed

V: 1, or 2 when what follows C is deflated; 3 and 4 with `alarm`, which is there where it says something
C: CRC-32 of what follows   L: rows   the columns: columns.py
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from math import isfinite

from ...model import ALARMS, Features, Quality
from . import columns as write
from .columns import Columns
from .nouns import Damaged, Source

PLAIN, DEFLATED = 1, 2
WITH_ALARM = 2  # is added to either
KINDS = (PLAIN, DEFLATED, PLAIN + WITH_ALARM, DEFLATED + WITH_ALARM)
HEAD, START = struct.Struct("<BI"), struct.Struct("<I")
MOST_ROWS = 4096  # of a block
MOST_CELLS = 1 << 20  # numbers in the columns of a block
LARGEST = 16 << 20  # bytes of a block that is not deflated
TINY = 200  # bytes that are not worth deflating
EARLIEST, LATEST = -1e5, 2.5e11  # s since 1970: years of four digits, whatever a clock that was never set says
CONDENSED_TEXT = 64  # bytes a reading


def written(features: Features, condensed: dict[int, int]) -> bytes:
    """The block of `features`, at least one reading. condensed: by seq, the readings left out before it.

    Raises ValueError for more than a block can hold.
    """
    rows = len(features)
    if rows > MOST_ROWS or rows * len(features.keys) > MOST_CELLS:
        raise ValueError(f"a block of {rows} readings with {len(features.keys)} features")
    parts = [START.pack(rows), write.whole(features.seq), write.walls(features.wall)]
    parts += [write.monos(features.wall, features.mono), write.numbers(features.value)]
    parts += [write.whole(features.n), write.octets(features.quality), write.counts(features.count)]
    parts += map(write.numbers, features.columns)
    parts += [write.octets(features.alarm)] if any(features.alarm) else []
    left = {number: condensed[number] for number in features.seq if number in condensed} if condensed else {}
    parts.append(json.dumps(list(left.items())).encode() if left else b"")
    body = b"".join(parts)
    more = WITH_ALARM if any(features.alarm) else 0
    if len(body) < TINY:
        return HEAD.pack(PLAIN + more, zlib.crc32(body)) + body
    body = zlib.compress(body, 1)
    return HEAD.pack(DEFLATED + more, zlib.crc32(body)) + body


def read(source: Source, data: bytes) -> tuple[Features, dict[int, int]]:
    """The features in a block, and what was condensed. Raises Damaged for bytes that are none."""
    try:
        body, watched = _body(data)
        (rows,) = START.unpack_from(body)
        if not 0 < rows <= MOST_ROWS or rows * len(source.keys) > MOST_CELLS:
            raise Damaged(f"no block: {rows} readings with {len(source.keys)} features")
        column = Columns(body, START.size, rows)
        seq, wall = column.whole(), column.walls()
        mono = column.monos(wall)
        value, n, quality, count = column.numbers(), column.whole(), column.octets(), column.counts()
        columns = [column.numbers() for _ in source.keys]
        alarm = column.octets() if watched else b""
        condensed = _condensed(body[column.at :], rows)
    except (struct.error, zlib.error, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Damaged(f"no block: {error}") from None
    known = max(quality) < len(Quality) and max(alarm, default=0) < len(ALARMS)
    if not known or not all(map(isfinite, value)) or not all(EARLIEST < t < LATEST for t in wall):
        raise Damaged("no block: a value that cannot be")
    features = Features(
        source.board, source.sensor, source.unit, source.keys, seq, wall, mono, value, count, n, quality, columns,
        source.unset, alarm,
    )  # fmt: skip
    return features, condensed


def joined(blocks: Sequence[tuple[Features, dict[int, int]]]) -> tuple[Features, dict[int, int]]:
    """Blocks of one source as one, in their order; the first is extended."""
    first, condensed = blocks[0]
    for features, more in blocks[1:]:
        first.extend(features)
        condensed |= more
    return first, condensed


def _body(data: bytes) -> tuple[bytes, bool]:
    """What follows the head, and whether an alarm was watched for."""
    kind, check = HEAD.unpack_from(data)
    body, watched = data[HEAD.size :], kind > WITH_ALARM
    if zlib.crc32(body) != check or kind not in KINDS:
        raise Damaged("no block: its checksum is wrong")
    if kind in (DEFLATED, DEFLATED + WITH_ALARM):
        inflater = zlib.decompressobj()
        body = inflater.decompress(body, LARGEST)
        if not inflater.eof:
            raise Damaged("no block: it is too large")
    return body, watched


def _condensed(text: bytes, rows: int) -> dict[int, int]:
    if len(text) > CONDENSED_TEXT * rows:
        raise Damaged("no block: it is too long")
    found = json.loads(text or b"[]")
    if not all(type(number) is int and type(left) is int for number, left in found):
        raise Damaged("no block: it has left out what cannot be")
    return dict(found)

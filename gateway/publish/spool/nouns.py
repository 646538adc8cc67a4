"""The nouns of the spool: a block of readings, whose readings they are, and blocks that go."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import NamedTuple

from ...model import Drop

Lane = tuple[str, str]
"""(board, sensor)."""
LONE = re.compile("[\ud800-\udfff]")


class Damaged(Exception):
    """Bytes that are no block, or a text that is no source."""


def name_of(lane: Lane) -> str:
    """A lane as it is written: boards may send halves of characters, which no file of tables takes."""
    return json.dumps(lane)


def lane_of(name: object) -> Lane:
    """The lane that was so written. Raises Damaged."""
    try:
        board, sensor = json.loads(name)  # type: ignore[arg-type]
    except (ValueError, TypeError, RecursionError) as error:
        raise Damaged(f"no sensor: {error}") from None
    if type(board) is not str or type(sensor) is not str:
        raise Damaged("no sensor: a text was expected")
    return board, sensor


@dataclass(frozen=True, slots=True)
class Source:
    """What the readings of a block share."""

    board: str
    sensor: str
    run: str
    unit: str
    keys: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]
    boot: str  # of the machine, in which `mono` counts
    unset: bool  # the machine's clock had not been set when they came

    @property
    def lane(self) -> tuple[str, str]:
        """(board, sensor)."""
        return self.board, self.sensor

    def text(self) -> str:
        """As it is written."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> Source:
        """From its text. Raises Damaged."""
        try:
            found = json.loads(text)
            keys, tags = tuple(found.pop("keys")), tuple((key, value) for key, value in found.pop("tags"))
            source = cls(**found, keys=keys, tags=tags)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise Damaged(f"no source: {error}") from None
        texts = (
            source.board,
            source.sensor,
            source.run,
            source.unit,
            source.boot,
            *keys,
            *(t for tag in tags for t in tag),
        )
        if not all(type(one) is str for one in texts) or type(source.unset) is not bool:
            raise Damaged("no source: a text was expected")
        if any(map(LONE.search, (source.run, *keys))):  # they come from us, and go into messages as they are
            raise Damaged("no source: half a character")
        return source


class New(NamedTuple):
    """A block to be stored."""

    source: Source
    rows: int
    wall: float  # of its newest reading; s since 1970
    mono: float  # the same; s of the boot's monotonic clock
    data: bytes
    copy: bool = False  # its readings are in memory as well: it stays as it is, and is no loss


class Stored(NamedTuple):
    """A block as it lies there."""

    id: int
    source: Source
    rows: int
    wall: float
    mono: float
    data: bytes


class Gone(NamedTuple):
    """A block that is not there any more, or shall go."""

    lane: Lane
    rows: int
    why: Drop | None = None  # its readings are dropped; None: they are no loss


@dataclass(slots=True, eq=False)
class Block:
    """A block that is being sent: it can go once all its readings are done with."""

    id: int
    lane: Lane
    rows: int
    source: Source
    left: int  # readings that the broker has not taken yet

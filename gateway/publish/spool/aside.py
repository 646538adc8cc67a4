"""A spool that cannot be read is set aside (leftovers.py), and what can be read of it is carried over into a new one.

Everything here blocks (disk.py).
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from ...model import Drop
from .blocks import read
from .nouns import Damaged, Gone, Lane, Stored, lane_of
from .sql import FULL, File, Trouble, log_spoilt
from .store import Store
from .tables import BLOCK, DROPPED, stored

AT_ONCE = 50  # blocks
PATIENCE = 3.0  # s for reading what can be read: the gateway waits to start


@dataclass(frozen=True, slots=True)
class Before:
    """What is known of a spool that turned out to be damaged; nothing at a start.

    rows: readings by lane. spare: blocks that are no loss. last: the last number that is good, None when not known.
    dropped: since its file was made, by reason.
    """

    rows: Mapping[Lane, int] = field(default_factory=dict)
    spare: Mapping[int, Gone] = field(default_factory=dict)
    last: int | None = None
    dropped: Mapping[Drop, int] = field(default_factory=dict)


@dataclass(slots=True)
class Rescue:
    """What became of a damaged spool."""

    path: Path  # where it lies
    saved: int = 0  # readings
    lost: Counter[Lane] = field(default_factory=Counter)  # readings, as far as their number is known
    missing: set[int] = field(default_factory=set)  # blocks that were spare, and are not in the new one
    complete: bool = True  # whether their number is known
    aside: bool = False  # whether the file was set aside
    replaced: str = ""  # what was done to it while it was open; all that it held is on the disk again

    @property
    def sentence(self) -> str | None:
        """What has to be seen to."""
        if self.replaced:
            return (
                f"{self.path} was {self.replaced} under the gateway, which has brought all that it held to the "
                "disk again; see what deletes files there or writes to them"
            )
        if not self.complete:
            return f"the spool was damaged, and nobody knows how many readings it held; it lies in {self.path}"
        return None


def rescue(path: Path, into: Store, before: Before, *, unread: bool = False) -> Rescue:
    """Carries the readable blocks of the spool at `path` over, with their numbers (unread: none), and what it has
    dropped. Raises Trouble, of `into`.
    """
    out = Rescue(path, missing=set(before.spare), aside=True)
    deadline = time.monotonic() + PATIENCE
    expected: Counter[Lane] | None = Counter(before.rows) if before.last is not None else None
    found: Counter[Lane] = Counter()
    dropped, spoilt = Counter(before.dropped), log_spoilt(path)
    old = None
    with contextlib.suppress(Trouble):
        old = File(path)
    if old is not None:
        try:
            if expected is None and not spoilt:
                expected = _expected(old)
            if before.last is None:
                dropped = _dropped(old)
            if not unread:
                _carry(_readable(old, before.last), into, found, out, deadline)
        finally:
            old.close()
    out.saved = found.total()
    out.complete = expected is not None
    if expected is not None:
        for number in out.missing:
            lane, rows, _ = before.spare[number]
            expected[lane] -= rows
        out.lost = expected - found
    into.count(dropped + losses(out.lost, (before.spare[number] for number in out.missing)) - into.dropped)
    return out


def losses(lost: Counter[Lane], gone: Iterable[Gone]) -> Counter[Drop]:
    """What is dropped, by reason: `lost` in damage, and blocks that have gone uncounted by the file."""
    out = Counter({Drop.SPOOL_CORRUPT: lost.total()})
    for _, rows, why in gone:
        if why is not None:
            out[why] += rows
    return +out


def _carry(blocks: Iterator[Stored], into: Store, found: Counter[Lane], out: Rescue, deadline: float) -> None:
    while part := list(islice(blocks, AT_ONCE)):
        good = [block for block in part if _holds(block)]
        try:
            into.carry(good)
        except Trouble as trouble:
            if trouble.kind != FULL:
                raise
            return
        for block in good:
            found[block.source.lane] += block.rows
            out.missing.discard(block.id)
        if time.monotonic() > deadline:
            return


def _expected(old: File) -> Counter[Lane] | None:
    """Readings by lane, by the index alone; None when that cannot be read."""
    text = "SELECT l.name, sum(b.rows) FROM blocks b INDEXED BY by_lane JOIN lanes l ON l.id = b.lane GROUP BY b.lane"
    try:
        found = {lane_of(name): rows for name, rows in old.rows(text)}
    except (Trouble, Damaged):
        return None
    return Counter(found) if all(type(rows) is int and 0 < rows < 2**40 for rows in found.values()) else None


def _dropped(old: File) -> Counter[Drop]:
    """What it had dropped; nothing when that cannot be read."""
    try:
        return Counter({Drop(reason): readings for reason, readings in old.rows(DROPPED)})
    except Trouble:
        return Counter()


def _readable(old: File, last: int | None) -> Iterator[Stored]:
    """All blocks that can be read, past those that cannot, up to number `last`."""
    after: int | None = 0
    while after is not None:
        number = after
        try:
            row = old.row(BLOCK + "WHERE b.id > ? ORDER BY b.id LIMIT 1", after)
            after = row[0] if row else None
            if row and (last is None or row[0] <= last):
                yield stored(row)
        except (Trouble, Damaged):
            if after != number:  # it was read, and is no good
                continue
            try:
                found = old.row("SELECT min(id) FROM blocks INDEXED BY by_lane WHERE id > ?", after)
            except Trouble:  # not even the numbers of the others can be read
                found = None
            after = found[0] if found else None


def _holds(block: Stored) -> bool:
    try:
        return len(read(block.source, block.data)[0]) == block.rows
    except Damaged:
        return False

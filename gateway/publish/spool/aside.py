"""A spool that cannot be read: set aside with its date, and what can be read of it is carried over.

Everything here blocks (disk.py).
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from .blocks import read
from .nouns import Damaged, Gone, Lane, Source, Stored
from .sql import File, Trouble
from .store import FILE, Store
from .tables import BLOCK

AT_ONCE = 50  # blocks
KEPT = 2  # spools set aside that stay; older ones go
PATIENCE = 3.0  # s for reading what can be read: the gateway waits to start


@dataclass(slots=True)
class Rescue:
    """What became of a damaged spool."""

    path: Path  # where it lies now
    saved: int = 0  # readings
    lost: Counter[Lane] = field(default_factory=Counter)  # readings, as far as their number is known
    complete: bool = True  # whether that is known of all


def set_aside(folder: Path) -> Path:
    """Renames the spool's files; gives the new name of the first. Raises OSError."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    path = folder / f"spool.{stamp}.damaged.db"
    for at in range(1, 100):
        if not path.exists():
            break
        path = folder / f"spool.{stamp}-{at}.damaged.db"
    for suffix in ("-wal", "-shm", ""):
        with contextlib.suppress(FileNotFoundError):
            (folder / f"{FILE}{suffix}").rename(f"{path}{suffix}")
    for old in sorted(folder.glob("spool.*.damaged.db"))[:-KEPT]:
        for suffix in ("", "-wal", "-shm"):
            old.with_name(old.name + suffix).unlink(missing_ok=True)
    return path


def rescue(path: Path, into: Store, known: Mapping[Lane, int], spare: Mapping[int, Gone]) -> Rescue:
    """Carries the readable blocks of the spool at `path` over into an empty one, with their numbers.

    known: readings by lane that there should be; {} when that is not known. spare: blocks that are no loss.
    """
    out = Rescue(path)
    deadline = time.monotonic() + PATIENCE
    found: Counter[Lane] = Counter()
    spared = dict(spare)
    old = File(path)
    try:
        expected = Counter(known) or _expected(old)
        blocks = _readable(old, out)
        while part := list(islice(blocks, AT_ONCE)):
            good = [block for block in part if _holds(block)]
            into.carry(good)
            for block in good:
                found[block.source.lane] += block.rows
                spared.pop(block.id, None)
            if time.monotonic() > deadline:
                out.complete = False
                break
    finally:
        old.close()
    out.saved = found.total()
    if expected is None:
        out.complete = False
    else:
        for gone in spared.values():
            expected[gone.lane] -= gone.rows
        out.lost = expected - found
    return out


def _expected(old: File) -> Counter[Lane] | None:
    """Readings by lane, by the index alone; None when that cannot be read."""
    text = "SELECT l.board, l.sensor, sum(b.rows) FROM blocks b INDEXED BY by_lane JOIN lanes l ON l.id = b.lane"
    try:
        return Counter({(board, sensor): rows for board, sensor, rows in old.rows(f"{text} GROUP BY b.lane")})
    except Trouble:
        return None


def _readable(old: File, out: Rescue) -> Iterator[Stored]:
    """All blocks that can be read, past those that cannot."""
    after: int | None = 0
    while after is not None:
        try:
            row = old.row(BLOCK + "WHERE b.id > ? ORDER BY b.id LIMIT 1", after)
            after = row[0] if row else None
            if row:
                yield Stored(row[0], Source.read(row[1]), *row[2:])
        except (Trouble, Damaged):
            try:
                found = old.row("SELECT min(id) FROM blocks INDEXED BY by_lane WHERE id > ?", after)
            except Trouble:  # not even the numbers of the others can be read
                found = None
                out.complete = False
            after = found[0] if found else None


def _holds(block: Stored) -> bool:
    try:
        return len(read(block.source, block.data)[0]) == block.rows
    except Damaged:
        return False

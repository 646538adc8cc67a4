"""What the status says of the spool's files: one look at them, taken in the disk's thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...model import Drop
from .store import Store


@dataclass(frozen=True, slots=True)
class Seen:
    """free: bytes that blocks may still take. bytes: of its files. oldest: when the oldest readings came, as text.

    dropped: readings since the file was made, over all runs, by reason.
    """

    free: int
    bytes: int = 0
    oldest: str | None = None
    dropped: Mapping[Drop, int] = field(default_factory=dict)

    def shown(self, weight: float, rate: float) -> dict[str, Any]:
        """For the status. weight: bytes of a reading; rate: readings/s that come in."""
        hours = max(0, self.free) / (weight * rate) / 3600 if rate > 0 else None
        return {
            "bytes": self.bytes,
            "oldest": self.oldest,
            "hours_left": None if hours is None else round(min(hours, 99_999.0), 1),
            "dropped": dict(self.dropped),
        }


def seen(store: Store) -> Seen:
    """A look at the open file. Blocks; raises Trouble."""
    return Seen(store.free(), store.size(), store.oldest(), store.dropped)

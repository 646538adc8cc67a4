"""What the log and the gateway's faults are told of readings that the spool drops: it is full, or they are too old."""

from collections.abc import Callable
from typing import NamedTuple

from ..ledger import total
from ..model import Drop
from .episode import SHED_OVER, Episode
from .faults import Faults
from .status import Look

AWAY = 120.0  # s without a drop after which it is over: a slow board gives up a block now and then


class Kind(NamedTuple):
    """A reason to drop: the events at its start and its end, and the sentence while it lasts."""

    start: str
    end: str
    sentence: str


KINDS = {
    Drop.SPOOL_FULL: Kind(
        "spool.full", "spool.has_room",
        "the spool is full, so the oldest readings of the board that holds most are lost: see why the broker does not "
        "take them, or raise spool.max_bytes",
    ),
    Drop.SPOOL_AGE: Kind(
        "spool.too_old", "spool.in_time",
        "readings in the spool are older than spool.max_age, so they are lost: see why the broker does not take them, "
        "or raise spool.max_age",
    ),
}  # fmt: skip


class SpoolTold:
    """What was told of them. event: the log; faults: the gateway's."""

    def __init__(self, event: Callable[..., None], faults: Faults) -> None:
        self._event, self._faults = event, faults
        self._episodes = {reason: Episode() for reason in KINDS}

    def tell(self, look: Look, now: float) -> None:
        """Compares a look with what was told; an empty spool ends it sooner. now: s, monotonic."""
        dropped = total(book.account for book in look.books).dropped
        patience = AWAY if any(book.spooled for book in look.books) else SHED_OVER
        for reason, (start, end, sentence) in KINDS.items():
            going_on = self._episodes[reason]
            match going_on.step(dropped[reason], now, patience):
                case True:
                    self._event(start, why=sentence)
                    self._faults.tell(reason, sentence)
                case False:
                    self._faults.tell(reason, None)
                    lost = going_on.count - going_on.before
                    self._event(end, dropped=lost, after_s=going_on.end(now))

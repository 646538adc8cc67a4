"""What the log and a board's faults are told of readings that are dropped as their messages are too large."""

from collections.abc import Callable

from ..model import Drop
from .episode import Episode
from .faults import Faults
from .status import BoardLook

AWAY = 120.0  # s without one after which it is over: not every sensor speaks often
SENTENCE = (
    "messages of this board are larger than the broker takes, so their readings are dropped: raise its limit "
    "(mosquitto: max_packet_size, message_size_limit), or send fewer tags and features"
)


class LargeTold:
    """What was told of one board. event: the log; faults: the board's own."""

    def __init__(self, event: Callable[..., None], faults: Faults) -> None:
        self._event, self._faults = event, faults
        self._dropping = Episode()
        self._taken = 0  # its readings that the broker had taken when one was dropped last

    def tell(self, board: BoardLook, now: float) -> None:
        """Compares a look with what was told; over when it has been taken, and none was dropped for a while."""
        going_on, account = self._dropping, board.account
        dropped, taken = account.dropped[Drop.TOO_LARGE], account.acknowledged + account.sent_unacknowledged
        if dropped > going_on.count:
            self._taken = taken
        match going_on.step(dropped, now, AWAY):
            case True:
                self._event("broker.too_large", board=board.name, why=SENTENCE)
                self._faults.tell(Drop.TOO_LARGE, SENTENCE)
            case False if taken > self._taken:
                self._faults.tell(Drop.TOO_LARGE, None)
                lost = going_on.count - going_on.before
                self._event("broker.fits", board=board.name, dropped=lost, after_s=going_on.end(now))

"""What is told of readings that the spool drops: an event at the start and one at the end, and a fault in between."""

from collections import Counter

import pytest

from gateway.model import Drop
from gateway.telling.episode import SHED_OVER
from gateway.telling.faults import Faults
from gateway.telling.told_spool import AWAY, KINDS, SpoolTold
from tests.looks import account, board, look


class Heard:
    """What was told, and the time."""

    def __init__(self):
        self.events, self.now = [], 0.0
        self.faults = Faults(lambda: 0.0, lambda: None)
        self.told = SpoolTold(lambda name, **fields: self.events.append((name, fields)), self.faults)

    def look(self, after, dropped, spooled):
        """After so many seconds the boards have dropped so many between them."""
        self.now += after
        half = account(dropped=Counter({reason: n // 2 for reason, n in dropped.items()}))
        self.told.tell(look(board(account=half, spooled=spooled), board("b2", account=half)), self.now)


@pytest.mark.parametrize("reason", KINDS)
def test_a_full_spool_and_one_that_is_too_old(reason):
    """However much is dropped it is told once, with a fault that says what to do; and once when that is over."""
    heard = Heard()
    heard.look(1.0, {}, 1000)
    assert not heard.events
    for dropped in range(100, 1100, 100):
        heard.look(60.0, {reason: dropped}, 1000)
    start, end, sentence = KINDS[reason]
    assert heard.events == [(start, {"why": sentence})]
    assert heard.faults.present[reason].text == sentence
    assert "spool.max_" in sentence
    heard.look(AWAY - 1, {reason: 1000}, 1000)
    assert heard.faults.present, "a slow board gives up a block now and then"
    heard.look(2.0, {reason: 1000}, 1000)
    assert heard.events[1:] == [(end, {"dropped": 1000, "after_s": 9 * 60.0 + AWAY + 1})]
    assert not heard.faults.present
    heard.look(60.0, {reason: 1200}, 1000)
    heard.look(AWAY + 1, {reason: 1200}, 1000)
    assert heard.events[3][1]["dropped"] == 200


def test_an_empty_spool_ends_it_soon():
    """When all has gone out nothing more is dropped."""
    heard = Heard()
    heard.look(1.0, {Drop.SPOOL_FULL: 10}, 1000)
    heard.look(SHED_OVER - 1, {Drop.SPOOL_FULL: 10}, 0)
    assert heard.faults.present, "it may have been empty for a moment"
    heard.look(2.0, {Drop.SPOOL_FULL: 10}, 0)
    assert not heard.faults.present

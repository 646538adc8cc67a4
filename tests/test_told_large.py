"""What is told of readings that are dropped as their messages are larger than the broker takes."""

from dataclasses import replace

import pytest

from gateway.ledger import Account
from gateway.telling.faults import Faults
from gateway.telling.told_large import AWAY, LargeTold
from tests.looks import board


class Heard:
    """What was told of one board, by its counts."""

    def __init__(self):
        self.events, self.faults = [], Faults(lambda: 0.0, lambda: None)
        self.one = LargeTold(lambda name, **fields: self.events.append((name, fields)), self.faults)

    def look(self, now, dropped, taken):
        """A look at the board when so many of its readings were dropped, and so many taken."""
        seen = Account(acknowledged=taken)
        seen.dropped["too_large"] = dropped
        self.one.tell(replace(board("b"), account=seen), now)


@pytest.fixture
def heard():
    """A board of which nothing was told yet."""
    return Heard()


def test_it_is_told_at_once_and_once(heard):
    """The first reading dropped is an event and a fault that says what to do; the rest of them is silence."""
    heard.look(1.0, 0, 5)
    assert heard.events == []
    for now, dropped in ((2.0, 1), (3.0, 50), (200.0, 51), (400.0, 52)):
        heard.look(now, dropped, 5)
    ((name, fields),) = heard.events
    assert (name, fields["board"]) == ("broker.too_large", "b")
    assert "raise its limit" in heard.faults.present["too_large"].text


def test_it_is_over_when_some_are_taken_and_none_dropped(heard):
    """A board that says nothing has not shown that its messages fit, and one that now and then does is not well."""
    heard.look(0.0, 3, 5)
    heard.look(AWAY + 1, 3, 5)
    heard.look(AWAY + 2, 4, 9)
    heard.look(2 * AWAY, 4, 10)
    assert [name for name, _ in heard.events] == ["broker.too_large"]
    heard.look(2 * AWAY + 3, 4, 10)
    assert heard.events[1:] == [("broker.fits", {"board": "b", "dropped": 4, "after_s": 2 * AWAY + 3})]
    assert not heard.faults.present
    heard.look(3 * AWAY, 5, 10)
    assert heard.faults.totals == {"too_large": 2}

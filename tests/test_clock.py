"""Whether the machine's clock has been set."""

import math
import time

from gateway import clock
from gateway.clock import RELEASED, Clock, unset


def test_before_this_version_was_made():
    """A clock in 1970, or anywhere before this version's making, is wrong, whatever else is said of it."""
    assert unset(0.0)
    assert unset(RELEASED - 1)
    assert time.time() > RELEASED


def test_where_systemd_sets_the_clock(tmp_path):
    """There it is believed once it has been synchronized; where nobody says, it is believed."""
    timesync = tmp_path / "timesync"
    assert not unset(RELEASED + 1, timesync)
    timesync.mkdir()
    assert unset(RELEASED + 1, timesync)
    (timesync / "synchronized").touch()
    assert not unset(RELEASED + 1, timesync)
    assert unset(RELEASED - 1, timesync)


def test_the_present(tmp_path):
    """Without a time given it is the machine's own."""
    assert not unset(timesync=tmp_path / "none")


def test_when_it_was_set(monkeypatch):
    """It says until when readings came without a time: for ever at first, then until it is seen to be set."""
    assert Clock().unset_until(5.0) == -math.inf
    known, now = Clock(), 1000.0
    monkeypatch.setattr(clock.time, "monotonic", lambda: now)
    monkeypatch.setattr(clock, "unset", lambda: now < 1002.0)
    assert known.unset_until(900.0) == math.inf
    now = 1003.0
    assert known.unset_until(900.0) == 103.0
    now = 1010.0
    assert known.unset_until(900.0) == 103.0

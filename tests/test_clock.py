"""Whether the machine's clock has been set."""

import time

from gateway.clock import RELEASED, unset


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

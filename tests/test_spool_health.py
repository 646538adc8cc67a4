"""When trouble with the disk is told, and when it is over."""

from gateway.publish.spool.health import AT_FIRST, AT_MOST, SOON, Health
from gateway.publish.spool.sql import FAILED, FULL, Trouble


def test_trouble_is_told_once_however_often_it_is_tried():
    """However often a disk fails, it is told at the first time, and once that it works again."""
    health, told = Health(), []
    for second in range(10_000):
        told.append(health.failed(Trouble(FULL, str(second)), second))
    assert told == [True] + [False] * 9_999
    assert str(health.trouble) == "9999"
    assert health.worked(10_000.0) == 10_000.0
    assert health.trouble is None
    assert health.worked(10_001.0) is None


def test_trouble_that_comes_back_has_to_stay_away_for_a_while():
    """A disk that fails every other time is told of a few times in two hours, and each time it is over later."""
    health, now, told = Health(), 0.0, 0
    for _ in range(3600 * 2):  # two hours in which every other write fails
        told += health.failed(Trouble(FAILED, "x"), now)
        now += 0.5
        told += health.worked(now) is not None
        now += 0.5
    assert told <= 4
    health.failed(Trouble(FAILED, "x"), now)
    assert health.worked(now + 1) is None
    assert health.worked(now + AT_FIRST) is None
    assert health.worked(now + 1 + AT_MOST) is not None


def test_trouble_long_after_is_new():
    """Trouble that comes back long after it was over is told anew, and over at the first write that works."""
    health = Health()
    for at in (0.0, 10.0 + SOON, 1000.0):
        assert health.failed(Trouble(FAILED, "x"), at)
        assert health.worked(at + 1) == 1.0

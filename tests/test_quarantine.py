"""Quarantine: which misses lead there, how long it lasts, and how one comes out."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.compute.custom.quarantine import FIRST, LONGEST, WITHIN, Conduct, answered, asked, missed

FREE = Conduct()


def shut(now: float = 0.0) -> Conduct:
    """One that has missed twice at `now`."""
    return missed(missed(FREE, now), now)


def test_one_miss_is_forgiven():
    """After one miss it is asked as before."""
    assert asked(missed(FREE, 5.0), 5.0)


def test_two_misses_within_ten_minutes_shut_it_out():
    """The second miss counts while the first is less than ten minutes old, and not at ten minutes."""
    assert missed(missed(FREE, 0.0), WITHIN - 1e-6).since == WITHIN - 1e-6
    late = missed(missed(FREE, 0.0), WITHIN)
    assert late.since is None
    assert missed(late, WITHIN + 1.0).since == WITHIN + 1.0


def test_it_is_tried_again_after_ten_minutes():
    """Not a moment before; and it is in quarantine until it has answered well."""
    conduct = shut()
    assert not asked(conduct, FIRST - 1e-6)
    assert asked(conduct, FIRST)
    assert conduct.since is not None
    assert answered(conduct, FIRST).since is None


def test_news_of_old_calls_changes_nothing():
    """Misses and answers while it is not asked are none."""
    conduct = shut()
    assert missed(conduct, 1.0) == answered(conduct, 1.0) == conduct


def test_pauses_double_up_to_a_day():
    """One that fails at each attempt is asked ever more rarely: 10, 20, 40 minutes …, a day."""
    conduct, pauses = shut(), []
    before = 0.0
    for _ in range(10):
        pauses.append(conduct.until - before)
        before = conduct.until
        conduct = missed(conduct, before)
    assert pauses == [FIRST * 2**k for k in range(8)] + [LONGEST] * 2
    assert conduct.since == 0.0  # all the while it is one quarantine


def test_one_that_misses_again_soon_waits_longer():
    """Shut out again within the next pause, it stays out for that; well behaved for so long, it begins anew."""
    freed = answered(shut(), FIRST)
    soon = missed(missed(freed, FIRST + 1.0), FIRST + 2.0)
    assert soon.until - (FIRST + 2.0) == 2 * FIRST
    later = FIRST + 2 * FIRST
    assert missed(missed(freed, later), later).until - later == FIRST


@given(st.lists(st.tuples(st.booleans(), st.floats(0.0, 5000.0)), max_size=60))
def test_whatever_happens_it_is_bounded(steps):
    """At most two misses are kept, a pause is from ten minutes to a day, and one that answers while asked is free."""
    conduct, now = FREE, 0.0
    for good, pause in steps:
        now += pause
        may = asked(conduct, now)
        conduct = answered(conduct, now) if good else missed(conduct, now)
        assert len(conduct.misses) < 2
        if conduct.since is not None:
            assert FIRST <= conduct.pause <= LONGEST
            assert conduct.until <= now + LONGEST
        if good and may:
            assert conduct.since is None

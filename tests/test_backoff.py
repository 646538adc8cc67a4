"""How long to wait before trying again."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.backoff import STABLE, attempts_after, delay


def test_the_first_attempt_does_not_wait():
    """What was well until now is tried again at once."""
    assert delay(0, 0.999) == 0.0


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True), st.floats(0.1, 60))
def test_a_delay_is_jittered_and_bounded(attempt, chance, most):
    """A delay is `chance` of its bound, which doubles from a quarter of a second up to the most."""
    assert 0.0 <= delay(attempt, chance, most=most) <= most
    assert delay(attempt, 1.0, most=most) == min(most, 0.25 * 2.0 ** min(attempt - 1, 30))


def test_only_a_stable_link_is_forgiven():
    """Attempts are counted on over a flapping connection, and start anew after one that held."""
    assert attempts_after(3, held=STABLE - 0.1) == 4
    assert attempts_after(3, held=STABLE) == 0

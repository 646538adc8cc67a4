"""Which readings came while the machine's clock had not been set, and what their times are then."""

import math

from hypothesis import given
from hypothesis import strategies as st

from gateway.publish.dating import dated, marked
from tests.made import features


@given(st.lists(st.floats(0, 100), min_size=1).map(sorted), st.one_of(st.floats(-1, 101), st.just(math.inf)))
def test_it_is_judged_when_bytes_arrive(times, until):
    """However late a batch is computed: those that came before the clock was set are marked, and only those."""
    out = list(marked([features(range(1, len(times) + 1), mono=times)], until))
    assert [seq for piece in out for seq in piece.seq] == list(range(1, len(times) + 1))
    assert all(piece.unset is (t < until) for piece in out for t in piece.mono)
    assert len(out) <= 2


def test_their_times_are_put_right():
    """A marked reading's time comes from the monotonic clock once that can be told; others stay as they are."""
    early, late = marked([features([1, 2], mono=[3.0, 5.0])], 4.0)
    assert dated(early, None) == (early, "unsynced")
    right, word = dated(early, 1000.0)
    assert (list(right.wall), word) == ([1003.0], "corrected")
    assert dated(late, 1000.0) == (late, None)

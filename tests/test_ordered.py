"""Medians of windows that slide: as `statistics` has them, reading by reading."""

import math
import statistics

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gateway.compute.ordered import SORTED, deviation, median, medians


def close(have, due):
    """Equal, but for the last bit of a mean of two."""
    return math.isclose(have, due, rel_tol=1e-15, abs_tol=1e-300)


values = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e9, 1e9))


@given(st.lists(values, min_size=1, max_size=60))
def test_median_and_deviation_of_a_list(column):
    """The median, and the median of the distances from it."""
    ordered = sorted(column)
    middle = median(ordered)
    assert close(middle, statistics.median(column))
    assert close(deviation(ordered, middle), statistics.median(abs(x - middle) for x in column))


@given(st.lists(values, min_size=1, max_size=60), st.data())
def test_a_window_that_slides(column, data):
    """Windows that grow, slide, jump past all that was there before, and shrink to the new reading alone."""
    first = data.draw(st.integers(0, len(column) - 1))
    starts = []
    for i in range(first, len(column)):
        starts.append(data.draw(st.integers(starts[-1] if starts else 0, i)))
    got = medians(np.array(column), starts, first)
    assert len(got) == len(starts)
    for i, (start, (middle, spread)) in enumerate(zip(starts, got, strict=True)):
        window = column[start : first + i + 1]
        assert close(middle, statistics.median(window))
        assert close(spread, statistics.median(abs(x - middle) for x in window))
    assert [middle for middle, _ in medians(np.array(column), starts, first, spread=False)] == [m for m, _ in got]


def test_long_windows_are_not_sorted_for_a_few_readings():
    """What is found without sorting is the same to the last bit, in windows of even and of odd length."""
    dice = np.random.default_rng(5)
    for readings in (2 * SORTED, 2 * SORTED + 1):
        column = np.round(dice.normal(20.0, 3.0, readings + 2), 2)
        for starts in ([0, 0], [1, 1], [0, 1]):
            few = medians(column, starts, readings)
            assert few == [
                (
                    middle := median(window := np.sort(column[start : readings + i + 1]).tolist()),
                    deviation(window, middle),
                )
                for i, start in enumerate(starts)
            ]
            assert medians(column, starts, readings, spread=False) == [(middle, 0.0) for middle, _ in few]


def test_no_new_reading():
    """Nothing asked, nothing answered."""
    assert medians(np.array([1.0, 2.0]), [], 2) == []


def test_the_middle_of_two_large_numbers():
    """Their sum would overflow; their mean does not."""
    assert median([1.7e308, 1.7e308]) == 1.7e308
    assert median([-1.7e308, 1.7e308]) == 0.0


def test_both_zeros_leave_a_window():
    """-0.0 and 0.0 are equal: whichever leaves, as many are left."""
    assert medians(np.array([0.0, -0.0, 0.0, 5.0]), [0, 1, 2, 3], 0)[-1] == (5.0, 0.0)

"""The books of what has arrived: intervals, order, names, marks."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .books import LATE, Books, Numbers

NOW = 1_767_225_600.0  # 2026-01-01T00:00:00Z


def reading(seq, *, replayed=False, **other):
    """A reading as it is published, taken at NOW."""
    one = {"board": "b", "sensor": "s", "run": "r", "seq": seq, "count": seq + 10, "time": "2026-01-01T00:00:00.000Z"}
    return one | ({"replayed": True} if replayed else {}) | other


def told(*several, wall=NOW):
    """How the books stand after these."""
    books = Books()
    for place, one in enumerate(several):
        books.take(one, wall, float(place))
    return books.look()


@given(st.lists(st.integers(1, 30)))
def test_numbers_are_a_set(several):
    """Whatever comes in whatever order, it is the set of what came, in as few intervals as there can be."""
    numbers, whole = Numbers(), set()
    for number in several:
        assert numbers.add(number) == (number not in whole)
        whole.add(number)
    assert len(numbers) == len(whole)
    intervals = numbers.intervals()
    assert {n for first, last in intervals for n in range(first, last + 1)} == whole
    assert all(before + 1 < first for (_, before), (first, _) in pairwise(intervals))


def test_live_ones_between_replayed_ones_are_in_order():
    """The two interleave; a second copy is counted, and is not out of order."""
    look = told(reading(1), reading(5), reading(2, replayed=True), reading(6), reading(3, replayed=True), reading(1))
    assert look["wrong"] == 0
    assert (look["live"], look["replayed"], look["doubled"], look["replayed_at"]) == (3, 2, 1, 4.0)
    assert look["arrived"] == {"b/s": 5}
    assert look["gaps"] == {"b/s": [(11, 13), (15, 16)]}


@pytest.mark.parametrize(
    "several",
    [
        [reading(2), reading(1)],  # live ones out of order
        [reading(2, replayed=True), reading(1, replayed=True)],
        [reading(1), reading(2, run="another")],
        [reading(1), reading(2, count=11)],  # one reading, published as two
        [reading(1), reading(1, count=12)],  # two readings under one name
    ],
)
def test_what_is_wrong(several):
    """Each of these is told."""
    assert told(*several)["wrong"] > 0


def test_what_comes_late_without_a_mark():
    """A live reading that is old is told with the time at which it was taken; one with a mark may be old."""
    assert told(reading(1), wall=NOW + LATE + 1)["unmarked"] == NOW
    assert told(reading(1), wall=NOW + LATE - 1)["unmarked"] == 0
    assert told(reading(1, replayed=True), wall=NOW + 3600)["unmarked"] == 0

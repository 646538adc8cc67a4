"""Moments of runs: merging is the same as looking at all readings at once, in whatever order runs are merged."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.compute.aggregate import BLOCK, M2, MAX, MEAN, MIN, TMEAN, TT, TV, N, empty, merge, runs, singles, suffixes

values, times = st.floats(-1e6, 1e6).map(lambda v: round(v, 6)), st.floats(0, 1e4).map(lambda t: round(t, 6))
readings = st.lists(st.tuples(values, times), min_size=1, max_size=120)


def rows_of(pairs, moments=8):
    """Runs of one reading each, times ascending."""
    v, t = np.array(pairs).T
    return singles(np.sort(t), v, moments)


def direct(rows):
    """The moments of all of `rows`, which are single readings, by their definitions."""
    v, t = rows[MEAN], rows[TMEAN]
    dv, dt = v - v.mean(), t - t.mean()
    return np.array([len(v), v.mean(), (dv * dv).sum(), v.min(), v.max(), t.mean(), (dt * dt).sum(), (dt * dv).sum()])


def close(have, due, rows):
    """Right to 1e-12 of what the readings' size allows."""
    v, t, n = np.abs(rows[MEAN]).max() or 1.0, np.abs(rows[TMEAN]).max() or 1.0, rows.shape[1]
    scale = np.array([1.0, v, n * v * v, v, v, t, n * t * t, n * t * v])
    return bool((np.abs(have - due) <= 1e-12 * scale).all())


@given(readings)
def test_a_run_of_none_changes_nothing(pairs):
    """Merged with an empty run, before or behind, a run is the same to the last bit."""
    rows = rows_of(pairs)
    none = empty(*rows.shape)
    assert (merge(none, rows) == rows).all()
    assert (merge(rows, none) == rows).all()
    assert (merge(none, none) == none).all()


def test_an_empty_run_beside_an_infinite_one():
    """What has overflowed stays where it is: an empty neighbour adds no NaN to the smallest and largest."""
    rows = singles(np.zeros(2), np.array([1e308, -1e308]), 8)
    with np.errstate(over="ignore", invalid="ignore"):
        both = merge(rows[:, :1], rows[:, 1:])
        again = merge(both, empty(8, 1))
    assert (again[MIN, 0], again[MAX, 0]) == (-1e308, 1e308)
    assert again[N, 0] == 2


@given(readings, readings, readings)
def test_merging_is_associative(a, b, c):
    """(a + b) + c is a + (b + c), to 1e-12, and both are what the definitions say."""
    rows = rows_of([*a, *b, *c])
    parts = np.split(rows, [len(a), len(a) + len(b)], axis=1)
    first, second, third = (runs(x, np.array([x.shape[1] - 1]), np.array([x.shape[1]])) for x in parts)
    left, right = merge(merge(first, second), third), merge(first, merge(second, third))
    assert close(left[:, 0], right[:, 0], rows)
    assert close(left[:, 0], direct(rows), rows)


@settings(deadline=None)
@given(readings, st.data())
def test_runs_of_any_length(pairs, data):
    """Each run asked for, of whatever length and end, is what its own readings say."""
    rows = rows_of(pairs)
    at = data.draw(st.lists(st.integers(0, len(pairs) - 1), min_size=1, max_size=10))
    lengths = [data.draw(st.integers(1, end + 1)) for end in at]
    have = runs(rows, np.array(at), np.array(lengths))
    for column, end, length in zip(have.T, at, lengths, strict=True):
        mine = rows[:, end + 1 - length : end + 1]
        assert close(column, direct(mine), mine)


@settings(deadline=None)
@given(st.lists(st.integers(0, 3 * BLOCK * BLOCK), min_size=1, max_size=5), st.sampled_from([5, 8]))
def test_suffixes_of_several_sensors(lengths, moments):
    """From each reading to the last of its own sensor; sensors of any length, side by side, some without readings."""
    dice = np.random.default_rng(len(lengths))
    total = sum(lengths)
    rows = singles(np.sort(dice.random(total)), dice.normal(20, 5, total), moments)
    have = suffixes(rows, np.array(lengths))
    assert have.shape == rows.shape
    end = 0
    for length in lengths:
        mine, end = rows[:, end : end + length], end + length
        for k in {0, length // 2, length - 1} & set(range(length)):
            due = runs(mine, np.array([length - 1]), np.array([length - k]))[:, 0]
            assert have[:, end - length + k] == pytest.approx(due, rel=1e-12, abs=1e-12)


def test_equal_values_have_no_deviation_in_any_tree():
    """Merged by ones, in halves or in blocks: exactly 0."""
    rows = singles(np.arange(1000.0), np.full(1000, 0.1), 8)
    for have in (suffixes(rows, np.array([1000])), runs(rows, np.arange(1000), np.arange(1, 1001))):
        assert (have[M2] == 0.0).all()
        assert (have[MEAN] == 0.1).all()
        assert (have[TV] == 0.0).all()
        assert (have[TT] >= 0.0).all()

"""Features against a plain reference: whatever the values, the times, the window and the cuts between batches."""

import itertools
import math
import random
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import Plan
from tests.definitions import ALL, check, computed, street

finite = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda x: round(x, 4))

temperatures = st.one_of(st.sampled_from([21.5, 22.0, 85.0]), finite)

steps = st.sampled_from([0.0, 0.0, 0.001, 0.1, 0.25, 1.0, 3.7, 100.0])

windows = st.one_of(
    st.builds(lambda s, n: {"window_s": s, "window_n": n}, st.sampled_from([0.5, 2.0, 60.0]), st.sampled_from([3, 50])),
    st.builds(lambda n: {"window_s": None, "window_n": n}, st.sampled_from([1, 2, 3, 7, 40])),
)

uses = st.sampled_from(
    [ALL, ("mean", "std", "min", "max"), ("slope", "rate", "ewma", "zscore"), ("median",), ("mean", "median"), ()]
)

cuttings = st.lists(st.sampled_from([1, 2, 5, 30]), min_size=1, max_size=6)


def features_are_their_definitions(window, use, readings, cuts):
    """Any values at any times, in any cuts, over count and time windows: as the definitions say."""
    times = list(itertools.accumulate(step for _, step in readings))
    check(Plan(use=use, **window), times, [value for value, _ in readings], cuts)


any_case = given(windows, uses, st.lists(st.tuples(temperatures, steps), min_size=1, max_size=80), cuttings)

test_features_are_their_definitions = settings(deadline=None, max_examples=100)(
    any_case(features_are_their_definitions)
)

test_features_are_their_definitions_in_many_cases = pytest.mark.slow(
    settings(deadline=None, max_examples=3000)(any_case(features_are_their_definitions))
)


def long_run(window, cuts, every):
    """A thousand readings on an offset of years of uptime: the error does not grow with the run."""
    dice = random.Random(7)
    times = list(itertools.accumulate((dice.choice([0.0, 0.1, 0.3]) for _ in range(1000)), initial=9e7))[1:]
    check(Plan(use=ALL, **window), times, [1e5 + dice.gauss(0, 0.01) for _ in times], cuts, every)


@pytest.mark.slow
@pytest.mark.parametrize("cuts", [[1], [7, 1, 300], [1000]])
@pytest.mark.parametrize("window", [{"window_s": 30.0}, {"window_s": None, "window_n": 128}])
def test_a_long_run_stays_right(window, cuts):
    """A thousand readings on an offset of years of uptime: the error does not grow; every 13th is looked at."""
    long_run(window, cuts, 13)


@pytest.mark.slow
@pytest.mark.parametrize("cuts", [[1], [7, 1, 300], [1000]])
@pytest.mark.parametrize("window", [{"window_s": 30.0}, {"window_s": None, "window_n": 128}])
def test_a_long_run_stays_right_throughout(window, cuts):
    """The same, at every single reading."""
    long_run(window, cuts, 1)


def test_a_year_later_the_slope_is_as_good():
    """A sensor that spoke once long ago: times are not counted from there, so a short window's slope stays exact."""
    times = [0.0, *(1e9 + 0.1 * k for k in range(300))]
    check(Plan(use=("slope", "mean"), window_s=1.0), times, [0.0, *(0.5 * (k % 7) - 1.5 for k in range(300))], [1, 3])


@pytest.mark.slow
@pytest.mark.parametrize(
    "window", [{"window_s": 10.0}, {"window_s": None, "window_n": 1}, {"window_s": None, "window_n": 100}]
)
def test_four_thousand_readings_of_one_sensor_in_a_batch(window):
    """A backlog that is longer than the window leaves in one batch, and the next reading follows on it."""
    times = [0.01 * k for k in range(4097)]
    check(Plan(use=ALL, **window), times, [20 + (k * 7919 % 100) / 10 for k in range(4097)], [4096, 1], 97)


def test_all_of_the_window_has_expired():
    """After a silence longer than the window, it holds the new reading alone; std is 0, the slope has no value."""
    times = [float(k) for k in range(50)] + [1000.0, 1000.5, 5000.0]
    got = computed(Plan(use=ALL, window_s=10.0), times, [20.0 + k for k in range(53)], [20, 30, 1, 1, 1])
    assert [row["n"] for row in got[-3:]] == [1, 2, 1]
    assert (got[-1]["std"], got[-1]["mean"], got[-1]["median"]) == (0.0, 72.0, 72.0)
    assert math.isnan(got[-1]["slope"])
    assert got[-1]["rate"] == pytest.approx(1 / 3999.5)


huge = sys.float_info.max

wild = st.one_of(st.sampled_from([huge, -huge, 1e300, 0.0, 21.5]), st.floats(allow_nan=False, allow_infinity=False))

several = st.lists(st.lists(st.tuples(wild, steps), min_size=1, max_size=40), min_size=2, max_size=4)


@settings(deadline=None, max_examples=100)
@given(windows, uses, several, cuttings)
def test_a_sensor_does_not_touch_its_neighbours(window, use, sensors, cuts):
    """In one batch or alone, whatever overflows beside it: a sensor's features are the same to the last bit."""
    plan = Plan(use=use, spike=3.0, stuck=5.0, **window)
    series = {
        f"S{k}": (list(itertools.accumulate(step for _, step in readings)), [value for value, _ in readings])
        for k, readings in enumerate(sensors)
    }
    together = street(plan, series, cuts)
    for name, (times, values) in series.items():
        assert repr(together[name]) == repr(computed(plan, times, values, cuts))
        for row in together[name]:
            assert not any(math.isinf(row[key]) for key in (*use, "normalized", "feature"))


def test_a_huge_value_leaves_no_trace():
    """Once 1e300 is out of the window, its features are those of what is in it."""
    values = [20.0, 1e300, *[21.0, 22.0, 23.0] * 5]
    got = computed(Plan(use=("mean", "std"), window_s=None, window_n=3), [float(i) for i in range(17)], values, [1])
    assert got[1]["mean"] == pytest.approx(5e299)
    assert math.isnan(got[1]["std"]), "its square overflows: no value rather than infinity"
    assert got[-1]["mean"] == 22.0
    assert got[-1]["std"] == pytest.approx(math.sqrt(2 / 3))


def test_an_ewma_that_overflows_harms_nobody_and_begins_again():
    """The largest number, weighted, may round to more than there is: it has no value then, its neighbour has."""
    steps = np.linspace(0.001, 5, 100_000)
    with np.errstate(over="ignore"):
        over = steps[np.isinf(np.exp(-steps) * huge - np.expm1(-steps) * huge)]
    assert over.size, "the search is too coarse for this machine's exp"
    times = [0.0, float(over[0]), *map(float, range(1, 11))]
    values = [huge] * 8 + [20.0] * 4
    plan = Plan(use=("ewma",), window_s=1.0)
    got = street(plan, {"hostile": (times, values), "calm": (times, [21.0] * 12)}, [8, 1])
    assert math.isnan(got["hostile"][1]["ewma"])
    assert got["hostile"][-1]["ewma"] == 20.0
    assert all(row["ewma"] == pytest.approx(21.0) for row in got["calm"])


@pytest.mark.parametrize("value", [21.37, -0.1, 1e9 / 3])
def test_equal_values_have_no_deviation(value):
    """The standard deviation of equal values is 0 and nothing near it, whatever the batches."""
    got = computed(
        Plan(use=("std", "mean"), window_s=None, window_n=10), [0.1 * i for i in range(60)], [value] * 60, [1, 3]
    )
    assert {row["std"] for row in got} == {0.0}
    assert {row["mean"] for row in got} == {value}


def test_clamped_and_flagged_readings():
    """`clamp` computes from the bound and says so; the bounds of a range are inside it; `drop` enters no window."""
    values, times = [10.0, 20.0, 80.0, 90.0], [0.0, 1.0, 2.0, 3.0]
    window = {"window_s": None, "window_n": 4, "use": ("min", "max"), "range": (20.0, 80.0)}
    clamped = computed(Plan(out_of_range="clamp", **window), times, values, [4])
    assert [row["quality"] for row in clamped] == ["out_of_range", "warming_up", "warming_up", "out_of_range"]
    assert [row["normalized"] for row in clamped] == [0.0, 0.0, 1.0, 1.0]
    assert (clamped[-1]["min"], clamped[-1]["max"]) == (20.0, 80.0)
    flagged = computed(Plan(out_of_range="flag", **window), times, values, [4])
    assert (flagged[-1]["min"], flagged[-1]["max"], flagged[-1]["normalized"]) == (10.0, 90.0, round(70 / 60, 4))
    dropped = computed(Plan(out_of_range="drop", **window), times, values, [4])
    assert [row["n"] for row in dropped] == [1, 2]


def test_stuck_and_spike():
    """`stuck` holds once a value has not changed for so long, across batches; `spike` is told before it."""
    times = [float(i) for i in range(8)]
    got = computed(
        Plan(use=(), window_s=3.0, stuck=2.0), times, [20.0, 21.0, 21.0, 21.0, 21.0, 22.0, 22.0, 22.0], [1, 2]
    )
    assert [row["quality"] for row in got] == [
        "warming_up", "warming_up", "warming_up", "stuck", "stuck", "ok", "ok", "stuck",
    ]  # fmt: skip
    values = [20.0, 20.1, 19.9, 20.0, 20.1, 35.0, 20.0, 19.9]
    got = computed(Plan(use=(), window_s=3.0, spike=8.0), times, values, [3])
    assert [row["quality"] == "spike" for row in got] == [False] * 5 + [True] + [False] * 2

"""Features against a plain reference: whatever the values, the times, the window and the cuts between batches."""

import itertools
import math
import random
import statistics
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.compute.batch import answer
from gateway.compute.batching import batch, read, settled, written
from gateway.compute.founding import founding
from gateway.compute.sensors import Sensor
from gateway.model import Features, Plan, Quality

ALL = ("mean", "std", "min", "max", "range", "median", "slope", "rate", "ewma", "zscore")
QUALITIES = tuple(Quality)
Series = tuple[list[float], list[float]]


def street(plan: Plan, series: dict[str, Series], cuts: list[int]) -> dict[str, list[dict[str, float]]]:
    """The street's own features of some sensors, each one's readings cut into batches of `cuts` readings, in turn."""
    sensors = {name: Sensor("board", name, plan) for name in series}
    out: dict[str, list[dict[str, float]]] = {name: [] for name in series}
    at, longest = 0, max(len(times) for times, _ in series.values())
    for size in itertools.cycle(cuts):
        if at >= longest:
            break
        for name, (times, values) in series.items():
            for t, value in zip(times[at : at + size], values[at : at + size], strict=True):
                sensors[name].add(value, "°C", None, 0.0, t)
        at += size
        if waiting := [sensor for sensor in sensors.values() if sensor.fresh]:
            made = batch(waiting, 100_000)
            results = read(answer(written(made)))
            assert not isinstance(results, str), results
            for f in settled(made, results):
                out[f.sensor] += rows_of(f)
    return out


def rows_of(f: Features) -> list[dict[str, float]]:
    """A row for each reading."""
    return [
        {"n": f.n[i], "quality": QUALITIES[f.quality[i]], **{k: c[i] for k, c in zip(f.keys, f.columns, strict=True)}}
        for i in range(len(f))
    ]


def computed(plan: Plan, times: list[float], values: list[float], cuts: list[int]) -> list[dict[str, float]]:
    """The street's own features of one sensor."""
    return street(plan, {"S1": (times, values)}, cuts)["S1"]


def expected(plan: Plan, times: list[float], values: list[float], every: int = 1) -> dict[int, dict[str, float]]:
    """The same by the definitions, in exact arithmetic where there is some; of each `every`th reading, by its index."""
    lo, hi = plan.scale
    out = {}
    mean_so_far = math.nan
    for i, (t, v) in enumerate(zip(times, values, strict=True)):
        dt = t - times[i - 1] if i else 0.0
        if plan.window_s is None:
            keep, weight = 1 - 2 / (plan.window_n + 1), 2 / (plan.window_n + 1)
        else:
            keep, weight = math.exp(-dt / plan.window_s), -math.expm1(-dt / plan.window_s)
        mean_so_far = v if i == 0 else keep * mean_so_far + weight * v
        if i % every:
            continue
        window = [
            k
            for k in range(max(0, i + 1 - plan.window_n), i + 1)
            if plan.window_s is None or times[k] > t - plan.window_s
        ]
        x = [Fraction(values[k]) for k in window]
        mean = sum(x) / len(x)
        variance = sum((value - mean) ** 2 for value in x) / len(x)
        std = math.sqrt(variance)
        at = [Fraction(times[k]) for k in window]
        middle = sum(at) / len(at)
        spread = sum((s - middle) ** 2 for s in at)
        slope = sum((s - middle) * (value - mean) for s, value in zip(at, x, strict=True))
        part = (v - lo) / (hi - lo)
        full = len(window) >= plan.window_n or (plan.window_s is not None and t - times[0] >= plan.window_s)
        out[i] = {
            "n": len(window),
            "quality": Quality.OK if full else Quality.WARMING_UP,
            "normalized": round(part, 4),
            "feature": round(math.sqrt(abs(part)) * math.log(abs(v) + 1), 4),
            "mean": float(mean),
            "std": std,
            "min": float(min(x)),
            "max": float(max(x)),
            "range": float(max(x) - min(x)),
            "median": float(statistics.median(x)),
            "slope": float(slope / spread) if spread else math.nan,
            "rate": (v - values[i - 1]) / dt if dt > 0 else math.nan,
            "ewma": mean_so_far,
            "zscore": float((Fraction(v) - mean) / Fraction(std)) if std else math.nan,
            "largest": max(abs(float(value)) for value in x),
            "length": float(at[-1] - at[0]),
        }
    return out


def check(plan: Plan, times: list[float], values: list[float], cuts: list[int], every: int = 1) -> None:
    """Holds readings' features to the promises: exact, or right to 1e-9 of the largest |value|."""
    got = computed(plan, times, values, cuts)
    assert len(got) == len(times)
    for i, due in expected(plan, times, values, every).items():
        have = got[i]
        for key in ("n", "quality", "normalized", "feature", "min", "max"):
            if key in have:
                assert have[key] == due[key], (i, key)
        for key in set(plan.use) - {"min", "max", "zscore"}:
            scale = due["largest"] / (due["length"] or 1.0) if key == "slope" else due["largest"]
            assert close(have[key], due[key], scale), (i, key, have[key], due[key])
        if "zscore" in have and (math.isnan(due["zscore"]) or due["std"] > 1e-6 * due["largest"]):
            assert close(have["zscore"], due["zscore"], due["largest"]), (i, have["zscore"], due["zscore"])


def close(have: float, due: float, scale: float) -> bool:
    """Right to 1e-9 of the larger of |due| and `scale`; no value only where none is due."""
    if math.isnan(due) or math.isnan(have):
        return math.isnan(due) and math.isnan(have)
    return abs(have - due) <= 1e-9 * max(abs(due), scale)


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


def plain(value: float, lo: float, hi: float) -> list[float]:
    """The founding formulas in plain Python."""
    part = (value - lo) / (hi - lo)
    return [round(part, 4), round(math.sqrt(abs(part)) * math.log(abs(value) + 1), 4)]


def check_founding(values: list[float], lo: float = 20.0, hi: float = 80.0) -> None:
    """Equal to plain Python's for each value; what overflows is not finite."""
    with np.errstate(all="ignore"):
        columns = [column.tolist() for column in founding(np.array(values), lo, hi)]
    for value, *have in zip(values, *columns, strict=True):
        due = plain(value, lo, hi)
        assert have == due or not all(map(math.isfinite, due)), (value, have, due)
        assert [math.isfinite(x) for x in have] == [math.isfinite(x) for x in due]


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60),
    st.sampled_from([(20.0, 80.0), (0.0, 1.0), (-40.0, 85.0), (0.0, 5e-324), (-1e308, 1e308)]),
)
def test_the_founding_formulas_for_any_finite_value(values, scale):
    """`normalized` and `feature` are plain Python's to the last rounded digit; what overflows has no value."""
    check_founding(values, *scale)
    got = computed(Plan(scale=scale, use=()), [0.0] * len(values), values, [len(values)])
    for value, row in zip(values, got, strict=True):
        for have, want in zip((row["normalized"], row["feature"]), plain(value, *scale), strict=True):
            assert have == want or (math.isnan(have) and not math.isfinite(want))


@pytest.mark.slow
def test_the_founding_formulas_for_random_values():
    """A hundred thousand temperatures, and as many values of any size."""
    dice = random.Random(1)
    check_founding([dice.uniform(-60, 150) for _ in range(100_000)])
    check_founding([dice.uniform(-1, 1) * 10 ** dice.uniform(-300, 300) for _ in range(100_000)])


def test_the_founding_formulas_at_hard_halves():
    """Values whose `normalized` lies on a half of the last digit, and their neighbours on both sides."""
    values = []
    for tick in range(-20_000, 20_000):
        value = 20 + 60 * (tick + 0.5) / 10_000
        values += [value, math.nextafter(value, -math.inf), math.nextafter(value, math.inf)]
    check_founding(values)


@pytest.mark.slow
def test_the_founding_formulas_for_a_million_values():
    """With two, three and many digits, as boards send them."""
    dice = random.Random(2)
    for digits in (1, 2, 3, 4, 15):
        check_founding([round(dice.uniform(-200, 1200), digits) for _ in range(200_000)])

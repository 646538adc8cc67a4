"""Features against a plain reference: whatever the values, the times, the window and the cuts between batches."""

import itertools
import math
import random
import statistics
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.compute.batch import answer
from gateway.compute.batching import batch, read, settled, written
from gateway.compute.sensors import Sensor
from gateway.model import Features, Plan, Quality

ALL = ("mean", "std", "min", "max", "range", "median", "slope", "rate", "ewma", "zscore")
QUALITIES = tuple(Quality)


def computed(plan: Plan, times: list[float], values: list[float], cuts: list[int]) -> list[dict[str, float]]:
    """The street's own features of one sensor, its readings cut into batches of `cuts` readings, in turn."""
    sensor = Sensor("board", "S1", plan)
    out: list[Features] = []
    at = 0
    for size in itertools.cycle(cuts):
        if at >= len(times):
            break
        for t, value in zip(times[at : at + size], values[at : at + size], strict=True):
            sensor.add(value, "°C", None, 0.0, t)
        at += size
        if sensor.fresh:
            made = batch(("board",), [sensor], 10_000)
            number, results = read(answer(written(1, made)))
            assert number == 1
            assert not isinstance(results, str), results
            out += settled(made, results)
    return [
        {"n": f.n[i], "quality": QUALITIES[f.quality[i]], **{k: c[i] for k, c in zip(f.keys, f.columns, strict=True)}}
        for f in out
        for i in range(len(f))
    ]


def expected(plan: Plan, times: list[float], values: list[float]) -> list[dict[str, float]]:
    """The same by the definitions, one reading at a time, in exact arithmetic where there is some."""
    lo, hi = plan.scale
    out = []
    mean_so_far = math.nan
    for i, (t, v) in enumerate(zip(times, values, strict=True)):
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
        dt = t - times[i - 1] if i else 0.0
        if plan.window_s is None:
            weight = 2 / (plan.window_n + 1)
        else:
            weight = -math.expm1(-dt / plan.window_s)
        mean_so_far = v if i == 0 else mean_so_far + weight * (v - mean_so_far)
        part = (v - lo) / (hi - lo)
        full = len(window) >= plan.window_n or (plan.window_s is not None and t - times[0] >= plan.window_s)
        out.append(
            {
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
        )
    return out


def check(plan: Plan, times: list[float], values: list[float], cuts: list[int]) -> None:
    """Holds every reading's features to the promises: exact, or right to 1e-9 of the largest |value|."""
    got, want = computed(plan, times, values, cuts), expected(plan, times, values)
    assert len(got) == len(want)
    for i, (have, due) in enumerate(zip(got, want, strict=True)):
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
uses = st.sampled_from([ALL, ("mean", "std", "min", "max"), ("slope", "rate", "ewma", "zscore"), ("median",), ()])


@settings(deadline=None, max_examples=150)
@given(
    windows,
    uses,
    st.lists(st.tuples(temperatures, steps), min_size=1, max_size=80),
    st.lists(st.sampled_from([1, 2, 5, 30]), min_size=1, max_size=6),
)
def test_features_are_their_definitions(window, use, readings, cuts):
    """Any values at any times, in any cuts, over count and time windows: as the definitions say."""
    times = list(itertools.accumulate(step for _, step in readings))
    check(Plan(use=use, **window), times, [value for value, _ in readings], cuts)


@pytest.mark.parametrize("cuts", [[1], [7, 1, 300], [1000]])
@pytest.mark.parametrize("window", [{"window_s": 30.0}, {"window_s": None, "window_n": 128}])
def test_a_long_run_stays_right(window, cuts):
    """A thousand readings on an offset of years of uptime: the error does not grow with the run."""
    dice = random.Random(7)
    times = list(itertools.accumulate((dice.choice([0.0, 0.1, 0.3]) for _ in range(1000)), initial=9e7))[1:]
    check(Plan(use=ALL, **window), times, [1e5 + dice.gauss(0, 0.01) for _ in times], cuts)


def test_a_huge_value_leaves_no_trace():
    """Once 1e300 is out of the window, its features are those of what is in it."""
    values = [20.0, 1e300, *[21.0, 22.0, 23.0] * 5]
    got = computed(Plan(use=("mean", "std"), window_s=None, window_n=3), [float(i) for i in range(17)], values, [1])
    assert got[1]["mean"] == pytest.approx(5e299)
    assert math.isnan(got[1]["std"]), "its square overflows: no value rather than infinity"
    assert got[-1]["mean"] == 22.0
    assert got[-1]["std"] == pytest.approx(math.sqrt(2 / 3))


@pytest.mark.parametrize("value", [21.37, -0.1, 1e9 / 3])
def test_equal_values_have_no_deviation(value):
    """The standard deviation of equal values is 0 and nothing near it, whatever the batches."""
    got = computed(Plan(use=("std", "mean"), window_s=None, window_n=10), [0.1 * i for i in range(60)], [value] * 60, [1, 3])
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
    got = computed(Plan(use=(), window_s=3.0, stuck=2.0), times, [20.0, 21.0, 21.0, 21.0, 21.0, 22.0, 22.0, 22.0], [1, 2])
    assert [row["quality"] for row in got] == [
        "warming_up", "warming_up", "warming_up", "stuck", "stuck", "ok", "ok", "stuck",
    ]  # fmt: skip
    values = [20.0, 20.1, 19.9, 20.0, 20.1, 35.0, 20.0, 19.9]
    got = computed(Plan(use=(), window_s=3.0, spike=8.0), times, values, [3])
    assert [row["quality"] == "spike" for row in got] == [False] * 5 + [True] + [False] * 2


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60),
    st.sampled_from([(20.0, 80.0), (0.0, 1.0), (-40.0, 85.0), (0.0, 5e-324), (-1e308, 1e308)]),
)
def test_the_founding_formulas_for_any_finite_value(values, scale):
    """`normalized` and `feature` are plain Python's to the last rounded digit; what overflows has no value."""
    lo, hi = scale
    got = computed(Plan(scale=scale, use=()), [0.0] * len(values), values, [len(values)])
    for value, row in zip(values, got, strict=True):
        part = (value - lo) / (hi - lo)
        due = [round(part, 4), round(math.sqrt(abs(part)) * math.log(abs(value) + 1), 4)]
        for have, want in zip((row["normalized"], row["feature"]), due, strict=True):
            assert have == want or (math.isnan(have) and not math.isfinite(want))


def test_the_founding_formulas_at_hard_halves():
    """Values whose `normalized` lies on a half of the last digit, and their neighbours on both sides."""
    values = []
    for tick in range(-20_000, 20_000):
        value = 20 + 60 * (tick + 0.5) / 10_000
        values += [value, math.nextafter(value, -math.inf), math.nextafter(value, math.inf)]
    got = computed(Plan(use=(), window_s=None, window_n=5), [0.0] * len(values), values, [10_000])
    for value, row in zip(values, got, strict=True):
        part = (value - 20) / 60
        assert row["normalized"] == round(part, 4)
        assert row["feature"] == round(math.sqrt(abs(part)) * math.log(abs(value) + 1), 4)

"""Features by their definitions, a plain reference for tests, and what the compute room makes of the same readings."""

import itertools
import math
import statistics
from fractions import Fraction

from gateway.compute.batch import answer
from gateway.compute.batching import batch, read, settled, written
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

"""Few sensors with one new reading each are computed number by number, and come out as they do by columns."""

import random
from array import array
from pickle import loads

import numpy as np
import pytest

from gateway.compute import batch as worker
from gateway.compute import batching
from gateway.compute.lone import MOST, alone, one_by_one
from gateway.compute.sensors import Sensor
from gateway.compute.tasks import Group
from gateway.model import Plan

PLANS = {
    "as in the sample": Plan(),
    "short window": Plan(window_s=0.5),
    "a count": Plan(window_s=None, window_n=7),
    "both": Plan(window_s=2.0, window_n=5),
    "no feature": Plan(use=()),
    "all of them": Plan(use=("zscore", "rate", "range", "max", "min", "std", "mean"), window_s=1.0),
    "rate alone": Plan(use=("rate",)),
    "a range": Plan(range=(20.0, 80.0)),
    "another scale": Plan(scale=(-1e300, 1e308)),
}
VALUES = {
    "usual": lambda dice: round(dice.uniform(15, 95), 2),
    "equal": lambda dice: 21.5,
    "huge": lambda dice: dice.choice([1.7e308, -1.7e308, 1e200, 5e-324, 0.0, -0.0, 20.0, 80.0]),
    "at the edge of rounding": lambda dice: 20 + 60 * (dice.randrange(10_000) + 0.5) / 10_000,
}


def same(one: bytes, other: bytes) -> bool:
    """Whether these are the same numbers; what has overflown is null, and stays so."""
    ours, theirs = np.frombuffer(one), np.frombuffer(other)
    null = ~np.isfinite(ours)
    return np.array_equal(null, ~np.isfinite(theirs)) and np.array_equal(ours[~null], theirs[~null])


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_both_ways_are_the_same(plan, values):
    """Every number of every result, over a stream with pauses and with readings at one time, states included."""
    dice = random.Random(7)
    sensors = [Sensor("b", f"S{k}", plan) for k in range(3)]
    t, compared = 0.0, 0
    for _ in range(300):
        t += dice.choice([0.0, 0.01, 0.1, 0.1, 3.0])
        for sensor in dice.sample(sensors, dice.randrange(1, 4)):
            sensor.add(values(dice), "°C", None, t, t)
        batch = batching.batch([sensor for sensor in sensors if sensor.fresh], 4096)
        task = batching.written(batch)
        (group,) = [Group(*group) for group in loads(task)]
        if alone(group):
            with np.errstate(all="ignore"):
                lone, columns = one_by_one(group), worker.by_columns(group)
            for name in ("columns", "fronts", "carried"):
                assert same(getattr(lone, name), getattr(columns, name)), name
            assert (lone.n, lone.quality, lone.suffixes) == (columns.n, columns.quality, columns.suffixes)
            compared += 1
        batching.settled(batch, batching.read(worker.answer(task)))
    assert compared > 30


@pytest.mark.parametrize(
    ("plan", "sensors", "readings", "is_alone"),
    [
        (Plan(), 1, 1, True),
        (Plan(), MOST, 1, True),
        (Plan(), MOST + 1, 1, False),
        (Plan(), 1, 2, False),
        (Plan(use=("mean", "slope")), 1, 1, False),
        (Plan(use=("median",)), 1, 1, False),
        (Plan(use=("ewma",)), 1, 1, False),
        (Plan(stuck=60.0), 1, 1, False),
        (Plan(spike=5.0), 1, 1, False),
    ],
)
def test_who_is_alone(plan, sensors, readings, is_alone):
    """Few sensors, one reading each, and nothing that needs a whole window; all others go by columns."""
    made = [Sensor("b", f"S{k}", plan) for k in range(sensors)]
    for sensor in made:
        for k in range(readings):
            sensor.add(20.0 + k, "°C", None, float(k), float(k))
    (group,) = loads(batching.written(batching.batch(made, 4096)))
    assert alone(Group(*group)) is is_alone


def test_a_window_that_is_sent_whole_goes_by_columns():
    """Its suffixes have to be made anew, and numpy makes them."""
    sensor = Sensor("b", "S", Plan(window_s=None, window_n=2))
    ways = []
    for k in range(6):
        sensor.add(float(k), "°C", None, float(k), float(k))
        batch = batching.batch([sensor], 10)
        task = batching.written(batch)
        (group,) = [Group(*group) for group in loads(task)]
        ways.append(alone(group))
        (features,) = batching.settled(batch, batching.read(worker.answer(task)))
        assert array("d", features.columns[2]) == array("d", [max(0.0, k - 0.5)])
    assert set(ways) == {True, False}

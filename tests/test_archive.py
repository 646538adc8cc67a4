"""Readings that are there already: many at once come to what they come to one by one."""

import json
import math
import random

import numpy as np
import pytest

from gateway.compute.archive import Archive
from gateway.model import Plan, Sample, Stretch

USE = ("mean", "std", "min", "max", "range", "median", "slope", "rate", "ewma", "zscore")
EXACT = ("normalized", "feature", "min", "max", "range", "median", "rate")
PLANS = [
    Plan(window_s=5.0, use=USE, spike=4.0, stuck=3.0),
    Plan(window_s=5.0, window_n=7, use=USE),
    Plan(window_s=None, window_n=20, use=USE, range=(18.0, 22.0), out_of_range="clamp"),
    Plan(window_s=None, window_n=1, use=("mean", "zscore"), range=(18.0, 22.0), out_of_range="drop"),
    Plan(window_s=3.0, use=()),
]


def readings(seed=1, many=300):
    """(board, sample, at): two sensors in turn, with pauses, equal values and a change of unit."""
    chance, at, out = random.Random(seed), 0.0, []
    for i in range(many):
        at += chance.choice([0.0, 0.1, 0.25, 0.5, 4.0])
        value = chance.choice([20.0, 20.0, round(chance.gauss(20, 1), 2), 35.5])
        out.append(("b", Sample(f"s{i % 2}", value, "°F" if 200 < i < 230 else "°C", i if i % 3 else None), at))
    return out


def archive(plan, dropped=None):
    return Archive(lambda board, sensor: plan, lambda *_: {}, dropped or (lambda board, many: None))


def rows(made):
    """By sensor and seq, what there is to say of a reading."""
    out = {}
    for one in made:
        for k, seq in enumerate(one.seq.tolist()):
            features = {key: column[k] for key, column in one.columns.items()}
            out[one.sensor, seq] = (
                one.unit, one.value[k], one.t[k], int(one.n[k]), int(one.quality[k]), one.counts.get(k), features,
            )  # fmt: skip
    return out


def fed(made, some, each=10**9):
    """All rows, computed after so many readings."""
    out = {}
    for k, (board, sample, at) in enumerate(some, 1):
        made.take(board, [sample], at)
        if k % each == 0:
            out |= rows(made.compute(0.0))
    return out | rows(made.compute(0.0))


@pytest.mark.parametrize("plan", PLANS, ids=range(len(PLANS)))
@pytest.mark.parametrize("each", [7, 10**9])
def test_many_at_once_are_what_they_are_one_by_one(plan, each):
    """n, quality, counts, and features that sum nothing are the same; the others to 1e-9."""
    some = readings()
    single, together = fed(archive(plan), some, 1), fed(archive(plan), some, each)
    assert single.keys() == together.keys()
    for key, (*plain, features) in single.items():
        *others, theirs = together[key]
        assert others == plain
        for name, value in features.items():
            if name in EXACT:
                assert theirs[name] == value or (math.isnan(value) and math.isnan(theirs[name])), (key, name)
            else:
                assert theirs[name] == pytest.approx(value, rel=1e-9, abs=1e-9, nan_ok=True), (key, name)


def test_it_goes_on_from_what_was_written():
    """What is kept of each sensor is plain JSON, and whoever reads it computes on to the last bit."""
    some, plan = readings(), PLANS[0]
    first, second = archive(plan), archive(plan)
    fed(first, some[:150])
    second.read(json.loads(json.dumps(first.written())))
    after, again = fed(first, some[150:]), fed(second, some[150:])
    assert again.keys() == after.keys()
    for key, (*plain, features) in after.items():
        assert again[key][:-1] == tuple(plain)
        assert np.array_equal(list(again[key][-1].values()), list(features.values()), equal_nan=True)


def test_what_is_dropped_uses_its_number():
    """A reading out of range is counted, and the next one's seq says that it is missing."""
    dropped = []
    made = archive(PLANS[3], lambda board, many: dropped.append((board, many)))
    for at, value in enumerate([20.0, 50.0, 21.0]):
        made.take("b", [Sample("s", value, "°C")], float(at))
    (one,) = made.compute(0.0)
    assert (one.seq.tolist(), one.value.tolist(), dropped) == ([1, 3], [20.0, 21.0], [("b", 1)])


def test_no_window_has_values_that_are_not_comparable():
    """After `renew`, and in another unit, a sensor's window is empty, and its numbers go on."""
    made = archive(Plan(window_s=None, window_n=10, use=("mean",)))
    made.take("b", [Sample("s", 10.0, "°C")], 0.0)
    made.renew("b", "s")
    made.take("b", [Sample("s", 20.0, "°C")], 1.0)
    made.take("b", [Sample("s", 30.0, "K")], 2.0)
    made.take("b", [Sample("s", 40.0, "K")], 3.0)
    found = made.compute(0.0)
    assert [(one.seq.tolist(), one.n.tolist(), one.columns["mean"].tolist()) for one in found] == [
        ([1], [1], [10.0]), ([2], [1], [20.0]), ([3, 4], [1, 2], [30.0, 35.0]),
    ]  # fmt: skip


def test_the_offset_moves_windows_and_nothing_else():
    """A second capture's readings stand so much later in windows; `at` stays as it was."""
    made = archive(Plan(window_s=5.0, use=("mean",)))
    made.take("b", [Sample("s", 10.0, "°C")], 1.0)
    made.compute(0.0)
    made.take("b", [Sample("s", 20.0, "°C"), Sample("s", 30.0, "°C")], 0.5)
    (one,) = made.compute(4.0)
    assert (one.at.tolist(), one.t.tolist(), one.n.tolist()) == ([0.5, 0.5], [4.5, 4.5], [2, 3])


NAMED = [[("s0", "°C"), ("s1", "°C")], [("s2", "°C"), ("s1x", "°F")], [("s0", "°C"), ("s1", "°C")]]


@pytest.mark.parametrize(
    "rows_of",
    [
        Stretch(3, [[20.0, 21.0, 22.5], [1.0, 2.0, 3.0]], [("s0", "°C"), ("s1", "°F")], counts=[7, 8, 9]),
        Stretch(3, [[20.0, 21.0, 22.5], [1.0, 2.0, 3.0]], [("s0", "°C"), ("s0", "°C")], counts=[7, 8, 9]),
        Stretch(3, [[20.0, 21.0, 22.5], [1.0, 2.0, 3.0]], (), NAMED, counts=[7, 8, 9]),
        Stretch(3, [[20.0, 21.0, 22.5], [1.0, 2.0, 3.0]], (), [*NAMED[:2], [("s2", "°F"), ("s1", "°C")]]),
    ],
    ids=["columns", "one sensor twice", "named", "named in another unit"],
)
def test_rows_are_what_their_samples_are(rows_of):
    """By columns, whose rows name their sensors or not, they come to what they come to one by one."""
    together, single = archive(PLANS[0]), archive(PLANS[0])
    for first in (0.0, 10.0):
        at = [first, first + 1.0, first + 1.5]
        together.take_rows("b", rows_of, at)
        for place, sample in enumerate(rows_of.samples):
            single.take("b", [sample], at[place // 2])
        assert together.waiting == single.waiting
        assert repr(rows(together.compute(0.0))) == repr(rows(single.compute(0.0)))

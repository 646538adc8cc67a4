"""The founding formulas, `normalized` and `feature`, are plain Python's to the last rounded digit."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.compute.founding import founding
from gateway.model import Plan
from tests.definitions import computed


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

"""Calibration: points, then gain, then offset, right to float64."""

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.calibration import calibration
from gateway.model import Treatment

NUMBERS = st.floats(-1e6, 1e6)
POINTS = (
    st.dictionaries(NUMBERS, NUMBERS, min_size=1, max_size=8)
    .map(lambda found: tuple(sorted(found.items())))
    .filter(lambda points: max(steps(points), default=1.0) < 1e9)  # what is steeper by far is refused by `check`
)


def steps(points: Sequence[tuple[float, float]]) -> list[float]:
    """How steep each segment is."""
    return [abs((y - x) / (b - a)) for (a, x), (b, y) in pairwise(points)]


def exactly(treatment: Treatment, value: float) -> Fraction:
    """The same by its definition, in exact numbers."""
    points = [(Fraction(raw), Fraction(true)) for raw, true in treatment.points]
    out = Fraction(value)
    if len(points) == 1:
        out += points[0][1] - points[0][0]
    elif points:
        segments = list(pairwise(points))
        (a, x), (b, y) = next((one for one in segments if out < one[1][0]), segments[-1])
        out = x + (out - a) * (y - x) / (b - a)
    return out * Fraction(treatment.gain) + Fraction(treatment.offset)


@given(POINTS, NUMBERS, st.floats(-1e3, 1e3).filter(bool), NUMBERS)
def test_formulas(points, value, gain, offset):
    """As the definition has it, within a few roundings of the largest number on the way."""
    treatment = Treatment(points=points, gain=gain, offset=offset)
    step = calibration(treatment)
    assert step is not None
    moved = max(abs(value - raw) for raw, _ in points) * max(steps(points), default=1.0)
    largest = (max(abs(true) for _, true in points) + moved) * max(1.0, abs(gain)) + abs(offset)
    assert abs(Fraction(step(value)) - exactly(treatment, value)) <= 8 * Fraction(math.ulp(max(largest, 1e-300)))


@given(POINTS)
def test_points_are_exact(points):
    """What the board says at a point becomes what is true there, to the last bit."""
    step = calibration(Treatment(points=points))
    assert step is not None
    assert [step(raw) for raw, _ in points] == [true for _, true in points]


@pytest.mark.parametrize(
    ("value", "true"), [(-10.0, -20.0), (0.0, 0.0), (5.0, 10.0), (10.0, 20.0), (15.0, 20.5), (20.0, 21.0), (40.0, 23.0)]
)
def test_the_end_segments_go_on(value, true):
    """Before the first point and behind the last the line goes on."""
    step = calibration(Treatment(points=((0.0, 0.0), (10.0, 20.0), (20.0, 21.0))))
    assert step is not None and step(value) == true


def test_one_point():
    """It moves all values by what is wrong there."""
    step = calibration(Treatment(points=((0.4, 0.0),)))
    assert step is not None and [step(0.4), step(20.4)] == [0.0, 20.0]


def test_order():
    """Points before gain before offset."""
    step = calibration(Treatment(points=((0.0, 1.0), (1.0, 2.0)), gain=10.0, offset=0.5))
    assert step is not None and step(2.0) == 30.5


def test_nothing_to_do():
    """A name and a unit are no calibration."""
    assert calibration(Treatment(name="x", unit="K")) is None

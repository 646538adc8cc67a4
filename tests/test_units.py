"""Temperatures become each other exactly as their units are defined, as far as float64 goes."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.units import CONVERSIONS, TEMPERATURES, becomes, temperature

ABOVE_ZERO = {"°C": lambda v: v, "°F": lambda v: (v - 32) * Fraction(5, 9), "K": lambda v: v - Fraction("273.15")}
"""Exactly: a value in a unit, in °C. NIST Special Publication 811, B.8."""
BACK = {"°C": lambda c: c, "°F": lambda c: c * Fraction(9, 5) + 32, "K": lambda c: c + Fraction("273.15")}


@pytest.mark.parametrize("pair", CONVERSIONS)
@given(value=st.floats(-1e300, 1e300))
def test_conversions(pair, value):
    """Within three roundings of the exact result, of which the largest number on the way is the measure."""
    here, there = pair
    exact = BACK[there](ABOVE_ZERO[here](Fraction(value)))
    largest = max(abs(value) * 2, 1000.0)
    assert abs(Fraction(CONVERSIONS[pair](value)) - exact) <= 3 * Fraction(math.ulp(largest))


@pytest.mark.parametrize(
    ("value", "here", "other", "there"),
    [
        (32.0, "°F", 0.0, "°C"), (212.0, "°F", 100.0, "°C"), (-40.0, "°F", -40.0, "°C"), (98.6, "°F", 37.0, "°C"),
        (0.0, "°C", 273.15, "K"), (100.0, "°C", 373.15, "K"), (-459.67, "°F", 0.0, "K"), (300.0, "K", 80.33, "°F"),
    ],
)  # fmt: skip
def test_fixed_points(value, here, other, there):
    """Known pairs, both ways."""
    assert CONVERSIONS[here, there](value) == pytest.approx(other, abs=1e-12)
    assert CONVERSIONS[there, here](other) == pytest.approx(value, abs=1e-12)


def test_what_becomes_what():
    """Temperatures each other; anything else stays itself; what has no unit takes on any but a temperature's."""
    assert {(a, b) for a in TEMPERATURES for b in TEMPERATURES if a != b} == set(CONVERSIONS)
    assert all(becomes(a, b) for a in TEMPERATURES for b in TEMPERATURES)
    assert becomes("%", "%") and becomes("", "%") and becomes("", "")
    assert not any(becomes("%", unit) or becomes("", unit) or becomes(unit, "%") for unit in TEMPERATURES)
    assert not becomes("mW", "MW")


def test_spellings():
    """The configuration knows a temperature's unit in each spelling that a board may use."""
    assert [temperature(text) for text in ("C", "degF", "° C", "Kelvin", "℉", "K")] == [
        "°C",
        "°F",
        "°C",
        "K",
        "°F",
        "K",
    ]
    assert [temperature(text) for text in ("", "c", "k", "%", "CC", "hPa")] == [""] * 6

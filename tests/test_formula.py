"""The founding formulas for one value, and readings that no worker has computed."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.compute.formula import feature, normalized
from gateway.compute.sensors import Row, Sensor
from gateway.compute.uncomputed import uncomputed
from gateway.model import Plan, Quality

QUALITIES = tuple(Quality)


@pytest.mark.parametrize(
    ("value", "first", "second"), [(20.0, 0.0, 0.0), (80.0, 1.0, 4.3944), (51.237, 0.5206, 2.8543)]
)
def test_known_values(value, first, second):
    assert normalized(value, 20, 80) == first
    assert feature(value, 20, 80) == second


@given(st.floats(-1e6, 1e6))
def test_they_are_what_plain_python_gives(value):
    part = (value - 20) / 60
    assert normalized(value, 20.0, 80.0) == round(part, 4)
    assert feature(value, 20.0, 80.0) == round(math.sqrt(abs(part)) * math.log(abs(value) + 1), 4)


def row(seq, value, unit="°C", used=None, out=False):
    """A reading."""
    return Row(seq, 1.8e9 + seq, float(seq), value, value if used is None else used, out, unit, None)


def test_what_follows_from_the_value_alone():
    sensor = Sensor("b", "s", Plan(use=("mean", "median")))
    (made,) = uncomputed(sensor, [row(1, 50.0), row(2, 500.0, used=80.0, out=True)])
    assert (made.board, made.sensor, made.unit, list(made.seq)) == ("b", "s", "°C", [1, 2])
    assert made.keys == ("normalized", "feature", "mean", "median")
    assert list(made.value) == [50.0, 500.0]
    assert list(made.columns[0]) == [0.5, 1.0]
    assert all(math.isnan(x) for column in made.columns[2:] for x in column)
    assert list(made.n) == [0, 0]
    assert [QUALITIES[code] for code in made.quality] == [Quality.WARMING_UP, Quality.OUT_OF_RANGE]


def test_a_unit_that_changes_begins_a_new_piece():
    made = list(uncomputed(Sensor("b", "s", Plan()), [row(1, 1.0), row(2, 2.0, "K"), row(3, 3.0, "K"), row(4, 4.0)]))
    assert [(one.unit, list(one.seq)) for one in made] == [("°C", [1]), ("K", [2, 3]), ("°C", [4])]
    assert list(uncomputed(Sensor("b", "s", Plan()), [])) == []


def test_what_overflows_has_no_value():
    sensor = Sensor("b", "s", Plan(scale=(0.0, 1e-300)))
    (made,) = uncomputed(sensor, [row(1, 1e300), row(2, -1e300)])
    assert all(math.isnan(x) for column in made.columns for x in column)

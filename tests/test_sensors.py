"""One sensor as the gateway keeps it."""

import pytest

from gateway.compute.sensors import Sensor
from gateway.model import Plan


def heard(times, **plan):
    """A sensor that has heard a reading at each of `times`, each by itself."""
    sensor = Sensor("a", "S1", Plan(**plan))
    for t in times:
        sensor.add(20.0, "°C", None, 0.0, t)
        sensor.part(sensor.leave(10))
    return sensor


@pytest.mark.parametrize(
    ("times", "due"),
    [
        ([], 30.0),
        ([5.0], 30.0),
        ([0.0, 1.0, 2.0], 30.0),
        ([60.0 * k for k in range(5)], 300.0),
        ([0.0, 0.01, 60.0, 120.0, 180.0], 300.0),  # a burst at the start
        ([60.0 * k for k in range(20)] + [1e5 + 60.0 * k for k in range(3)], 300.0),  # a long silence is not usual
        ([float(k) for k in range(100)] + [100.0 + 60.0 * k for k in range(1, 9)], 300.0),  # it has become slower
    ],
)
def test_silence_is_five_usual_intervals(times, due):
    """The larger of 30 s and five times what has been usual of late."""
    sensor = heard(times)
    assert sensor.silent_after() == pytest.approx(due)
    if times:
        assert not sensor.silent(times[-1] + due - 0.1)
        assert sensor.silent(times[-1] + due + 0.1)
    else:
        assert not sensor.silent(1e9), "nobody knows it yet"


def test_readings_that_were_not_computed_are_forgotten():
    """The window and the positions are as before them; what was dropped has used its number all the same."""
    sensor = heard([0.0, 1.0, 2.0], window_s=None, window_n=2)
    before = (sensor.entered, list(sensor.history_t)[-2:])
    sensor.add(20.0, "°C", None, 0.0, 3.0)
    sensor.add(20.0, "°C", None, 0.0, 4.0)
    sensor.part(sensor.leave(2))
    sensor.forget(2)
    assert (sensor.entered, list(sensor.history_t)[-2:]) == before
    assert len(sensor.history_v) == len(sensor.history_t)
    assert sensor.seq == 5


def test_another_range_counts_at_once():
    """The old one may have dropped every reading, and without any there is no next batch."""
    sensor = heard([], range=(0.0, 10.0), out_of_range="drop")
    assert not sensor.add(20.0, "°C", None, 0.0, 1.0)
    sensor.replan(Plan(range=(0.0, 50.0), out_of_range="clamp"))
    assert sensor.add(20.0, "°C", None, 0.0, 2.0)
    assert sensor.add(60.0, "°C", None, 0.0, 3.0)
    rows = sensor.leave(10)
    assert [(row.seq, row.used, row.out) for row in rows] == [(2, 20.0, False), (3, 50.0, True)]
    sensor.part(rows)
    assert sensor.plan.range == (0.0, 50.0)


def test_a_sensors_own_range_is_in_the_unit_of_each_reading():
    """Where no range is configured, the sensor's own decides, in the unit of the reading; other units have none."""
    own = {"°C": (-55.0, 125.0), "°F": (-67.0, 257.0)}
    sensor = heard([], own_range=own)
    for value, unit in ((125.0, "°C"), (126.0, "°C"), (257.0, "°F"), (258.0, "°F"), (999.0, "%")):
        sensor.add(value, unit, None, 0.0, 1.0)
    assert [row.out for row in sensor.fresh] == [False, True, False, True, False]
    sensor = heard([], own_range=own, range=(0.0, 1000.0))
    sensor.add(999.0, "°C", None, 0.0, 1.0)
    assert not sensor.fresh[0].out


def test_old_readings_are_let_go():
    """A time window keeps the readings that it holds, and at most a third as many again."""
    sensor = heard([0.1 * k for k in range(20_000)], window_s=10.0)
    assert 100 <= len(sensor.history_t) <= 140
    assert len(sensor.history_v) == len(sensor.history_t)


def test_units_are_not_mixed():
    """A board that changes its unit starts new windows; one batch holds one unit; `seq` goes on."""
    sensor = heard([0.0, 1.0, 2.0], window_s=None, window_n=10)
    for unit in ("°C", "°F", "°F", "°C"):
        sensor.add(70.0, unit, None, 0.0, 3.0)
    left = []
    while sensor.fresh:
        rows = sensor.leave(10)
        part = sensor.part(rows)
        left.append(([row.unit for row in rows], part.numbers[1]))
    assert left == [(["°C"], 3), (["°F", "°F"], 0), (["°C"], 0)]
    assert sensor.seq == 7


def test_what_is_not_comparable_makes_no_window():
    """From a border on readings leave by themselves and begin an empty window, however many borders wait."""
    sensor = heard([0.0, 1.0], window_s=None, window_n=10)
    sensor.add(20.0, "°C", None, 0.0, 2.0)
    assert sensor.renew(sensor.plan) == 4
    assert sensor.renew(Plan(window_s=None, window_n=5)) == 4
    sensor.add(30.0, "°C", None, 0.0, 3.0)
    sensor.add(30.0, "°C", None, 0.0, 4.0)
    assert sensor.renew(sensor.plan) == 6
    sensor.add(40.0, "°C", None, 0.0, 5.0)
    found = []
    while rows := sensor.leave(10):
        position = sensor.part(rows).numbers[1]
        found.append(([row.seq for row in rows], position))
    assert found == [([3], 2), ([4, 5], 0), ([6], 0)]
    assert sensor.borders == []


def test_a_border_that_has_passed_is_forgotten():
    """The next readings are one window with those behind it."""
    sensor = heard([0.0], window_s=None, window_n=10)
    sensor.renew(sensor.plan)
    for t in (1.0, 2.0):
        sensor.add(20.0, "°C", None, 0.0, t)
        rows = sensor.leave(10)
        assert sensor.part(rows).numbers[1] == t - 1

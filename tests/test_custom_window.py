"""The window that features of a user's own are computed from: the same readings as the built-in ones have."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.compute.custom.window import Window
from gateway.model import Plan

from .made import features


def held(window: Window, start: int, end: int) -> list[tuple[float, float]]:
    """(time, value) of readings by position."""
    t, v = (array("d", data) for data in window.read(start, end))
    return list(zip(t, v, strict=True))


@given(
    st.lists(st.lists(st.floats(0.0, 3.0), min_size=1, max_size=8), min_size=1, max_size=40),
    st.sampled_from([(None, 1), (None, 7), (2.0, 1000), (2.0, 5), (0.5, 3)]),
)
def test_it_is_the_window(pieces, kind):
    """For each piece: from the first reading of (t - w, t], at most so many, to the newest; however often it forgot."""
    window_s, window_n = kind
    window = Window(Plan(window_s=window_s, window_n=window_n), "°C")
    every: list[tuple[float, float]] = []
    now = 0.0
    for steps in pieces:
        mono = []
        for step in steps:
            now += step
            mono.append(now)
        piece = features(range(len(every) + 1, len(every) + len(mono) + 1), mono=mono)
        first = len(every)
        every += zip(mono, piece.value, strict=True)
        span = window.add(piece)
        window.forget(span.start)
        expected = [
            at for at in range(first + 1)
            if at > first - window_n and (window_s is None or every[at][0] > mono[0] - window_s)
        ]  # fmt: skip
        assert span == (min(expected), first, len(every))
        assert held(window, span.start, span.end) == every[span.start : span.end]


@pytest.mark.parametrize(("rule", "used"), [("flag", [1.0, 5.0, 99.0]), ("clamp", [2.0, 5.0, 8.0])])
def test_values_are_those_that_features_use(rule, used):
    """Where a plan clamps, the bound stands in the window; the range's bounds are inside it."""
    window = Window(Plan(range=(2.0, 8.0), out_of_range=rule), "°C")
    span = window.add(features([1, 2, 3], value=[1.0, 5.0, 99.0]))
    assert [value for _, value in held(window, *span[::2])] == used


def test_a_sensors_own_range_clamps_too():
    """Where no range is configured, it is that of the preset's sensor, in the unit of the readings."""
    window = Window(Plan(own_range={"°C": (2.0, 8.0), "K": (0.0, 1.0)}, out_of_range="clamp"), "°C")
    span = window.add(features([1, 2, 3], value=[1.0, 5.0, 99.0]))
    assert [value for _, value in held(window, *span[::2])] == [2.0, 5.0, 8.0]


def test_it_holds_little_more_than_the_window():
    """After 10,000 readings a window of 100 has kept a few hundred."""
    window = Window(Plan(window_s=None, window_n=100), "°C")
    for seq in range(1, 10_001):
        window.forget(window.add(features([seq])).start)
    assert len(window._t) < 200

"""Rounds, ratios and hints: what a measurement makes of its times."""

import pytest

from gateway.bench.noise import hint
from gateway.bench.paired import Way, measure
from gateway.bench.shown import table


def way(name: str, amount: int, times: list[float], order: list[str]) -> Way:
    """A way that takes these times, one a round, and notes its turn."""
    left = iter(times)

    async def run() -> float:
        order.append(name)
        return next(left)

    return Way(name, amount, run)


async def test_ratios_are_taken_within_the_rounds() -> None:
    """A round in which all is slow changes no ratio; each other round goes the other way round."""
    order: list[str] = []
    slow, fast = way("slow", 100, [1.0, 10.0, 1.2], order), way("fast", 200, [0.5, 5.0, 0.6], order)
    assert await measure([slow, fast], 3, 60.0, lambda text: None) == 3
    assert order == ["slow", "fast", "fast", "slow", "slow", "fast"]
    assert fast.ratio(slow) == pytest.approx(4.0)
    assert (slow.rate, fast.rate) == (pytest.approx(100 / 1.2), pytest.approx(200 / 0.6))
    assert slow.spread == pytest.approx(9.0 / 1.2)


async def test_time_bounds_the_rounds() -> None:
    """No round begins when the time is over, but the first one always does."""
    now = iter([0.0, 5.0, 11.0])
    one = way("one", 1, [1.0] * 9, [])
    assert await measure([one], 9, 10.0, lambda text: None, clock=lambda: next(now)) == 2
    assert len(one.took) == 2


def test_a_noisy_machine_is_told() -> None:
    """By its load before, and by how far the rounds lie apart; a quiet one has no hint."""
    assert hint(0.1, 2, [0.1] * 8) == ""
    assert "a load of 3.0 on 2 cores before" in hint(3.0, 2, [0.1] * 8)
    assert "rounds more than 30% apart in 3 of 8 rows" in hint(0.1, 2, [0.5] * 3 + [0.1] * 5)
    assert hint(0.1, 2, [0.5] + [0.1] * 7) == ""


def test_a_table_is_aligned() -> None:
    """Names to the left, numbers to the right."""
    assert table(("way", "n"), [("a", "1,000"), ("longer", "1")]) == [
        "way         n",
        "------  -----",
        "a       1,000",
        "longer      1",
    ]

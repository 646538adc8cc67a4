"""`python -m tests.scaling`: its streets are what they are called, and its ratios those of the rounds."""

import asyncio

import pytest

from gateway.bench.brokers import Broker
from gateway.bench.carriers import PLAIN, configuration
from gateway.config import problems

from .scaling import MANY, Case, measured, ports, sensors, told, windows


@pytest.mark.slow
def test_streets_are_measured():
    """One port, and two with many sensors each: nothing is lost, and each costs something at both paces."""
    cases = [Case("one", 1), Case("many", 2, 20, fill=100), Case("other", 1, more='[features]\nuse = ["median"]\n')]
    assert asyncio.run(measured(cases, 1, 0.5, [0.0, 200.0])) == []
    for case in cases:
        assert list(case.costs) == [0.0, 200.0]
        assert all(cost > 0 for costs in case.costs.values() for cost in costs)


@pytest.mark.parametrize("case", [case for made in (ports, sensors, windows) for cases in made() for case in cases])
def test_configurations_are_right(tmp_path, case):
    """The gateway has nothing against what any of the cases says."""
    text = configuration(Broker("any", 1883, 1, "5"), tmp_path, 2, board=MANY if case.sensors else PLAIN) + case.more
    assert problems(text) == []


def test_ratios_are_of_the_rounds():
    """The first row is 1; the second the median of what it was to the first in each round."""
    first = Case("a", costs={0.0: [1.0, 2.0, 4.0]})
    second = Case("b", costs={0.0: [3.0, 2.0, 6.0]})
    lines = [line.split() for line in told([first, second])]
    assert (lines[2], lines[3]) == (["a", "2.00", "1.00"], ["b", "3.00", "1.50"])

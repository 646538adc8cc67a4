"""An hour without a broker, in small: see tests/outage.py."""

import random

import pytest

from .outage import bounds, outage


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_an_outage_at_a_thousand_readings_a_second(tmp_path):
    """All arrives, in order, marked; what is live is fresh at once; at most 60 bytes a reading on the disk."""
    seed = random.randrange(1_000_000)
    figures, wrong = outage(tmp_path, seconds=15, rate=1000.0, boards=4, seed=seed, told=print, times=1)
    print(figures)
    assert not wrong


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fresh_s", 2.1),
        ("drain_times", 4.9),
        ("bytes_each", 60.1),
        ("most_mb", 256.1),
        ("memory_mb", {"before": 70.0, "drain": 134.1}),
    ],
)
def test_one_figure_is_enough(name, value):
    """Each figure that is beyond its bound is told, and nothing else."""
    good = {"fresh_s": 2.0, "drain_times": 5.0, "bytes_each": 60.0, "most_mb": 256.0, "memory_mb": {"before": 70.0}}
    assert all(bounds(good, 5.0).values())
    assert list(bounds(good | {name: value}, 5.0).values()).count(False) == 1

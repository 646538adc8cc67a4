"""An hour without a broker, in small: see tests/outage.py."""

import random

import pytest

from .outage import outage


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_an_outage_at_a_thousand_readings_a_second(tmp_path):
    """All arrives, in order, marked; what is live is fresh at once; at most 60 bytes a reading on the disk."""
    seed = random.randrange(1_000_000)
    figures, wrong = outage(tmp_path, seconds=15, rate=1000.0, boards=4, seed=seed, told=print, times=1)
    print(figures)
    assert not wrong

"""A soak for as long as the budget allows: one random fault after another, and nothing is lost."""

import random

import pytest

from .soak import Soak


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_soak(tmp_path, budget):
    """The gateway and its workers are killed and stopped, the broker is restarted and frozen, boards are pulled."""
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    soak = Soak(tmp_path, seed, rate=200.0)
    try:
        soak.run(10**6, budget, print)
    finally:
        soak.scene.close()
    assert not soak.wrong
    assert soak.done.total() >= 3

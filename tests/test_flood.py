"""A flood of hostile bytes beside a clean board, as long as the budget allows; see tests/flood.py."""

import random

import pytest

from .flood import SLOWEST, flood
from .pour import GOOD


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_flood(tmp_path, budget):
    """The clean board loses nothing and is as quick as before, memory stays, the ledger balances, nothing raises."""
    seed = random.randrange(1_000_000)  # twice the time, as two other tests run beside it
    flood(tmp_path, seconds=min(60, budget / 4), seed=seed, formats=list(GOOD), slowest=2 * SLOWEST)

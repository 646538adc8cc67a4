"""The fixture of the fault tests, and where those run that need root."""

import os
from pathlib import Path

import pytest

from tests.faults.rows import FLOODS, TIER
from tests.faults.scene import Scene

HERE = Path(__file__).parent
LANES = 3


def pytest_collection_modifyitems(config, items):
    """Leaves out the longer rows where only the quick ones are asked for, and, with its reason, what needs root.

    Rows judge times: of tests that run side by side (pytest -n) three at a time are rows, and one of them is a fast
    street, so that each has cores enough.
    """
    if TIER == "fast" and "GATEWAY_WITHOUT" not in os.environ:
        longer = [item for item in items if item.path.parent == HERE and item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=longer)
        items[:] = [item for item in items if item not in longer]
    held = [0] * LANES  # tests; a fast street is worth a few
    for item in (item for item in items if item.path.parent == HERE):
        floods = item.originalname in FLOODS
        lane = 0 if floods else held.index(min(held))
        held[lane] += 4 if floods else 1
        item.add_marker(pytest.mark.xdist_group(f"rows {lane}"))
    if os.geteuid() != 0:
        for item in items:
            if item.get_closest_marker("root"):
                item.add_marker(pytest.mark.skip(reason="it needs root, for mount and network namespaces"))


@pytest.fixture
def scene(tmp_path):
    """Makes a scene: `scene(proxy=True, …)`, see Scene. It is ended with the test."""
    made = []

    def make(**options):
        made.append(Scene(tmp_path, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()

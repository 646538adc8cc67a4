"""The fixture of the fault tests, and where those run that need root."""

import os
from pathlib import Path

import pytest

from tests.faults.rows import TIER
from tests.faults.scene import Scene

HERE = Path(__file__).parent
LANES = 2


def pytest_collection_modifyitems(config, items):
    """Leaves out the longer rows where only the quick ones are asked for, and, with its reason, what needs root.

    Rows judge times: of tests that run side by side (pytest -n) two at a time are rows, each with cores enough.
    """
    if TIER == "fast":
        longer = [item for item in items if item.path.parent == HERE and item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=longer)
        items[:] = [item for item in items if item not in longer]
    for place, item in enumerate(item for item in items if item.path.parent == HERE):
        item.add_marker(pytest.mark.xdist_group(f"rows {place % LANES}"))
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

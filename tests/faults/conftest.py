"""The fixture of the fault tests, and where those run that need root."""

import os

import pytest

from tests.faults.scene import Scene


def pytest_collection_modifyitems(items):
    """Leaves out, with its reason, what needs root where we are not."""
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

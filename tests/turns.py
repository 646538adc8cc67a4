"""Which tests take turns where some run side by side (pytest -n): those of a group, and those of a file.

A file at a time: pytest-xdist looks at all that it has handed out whenever a test ends, which for thousands of single
tests takes more time than the tests.
"""

from typing import Any

import pytest
from xdist.scheduler.loadgroup import LoadGroupScheduling


class Turns(LoadGroupScheduling):
    """Hands out whole groups, and whole files of the tests that are in none."""

    def _split_scope(self, nodeid: str) -> str:
        """The group of a test, or its file."""
        scope = super()._split_scope(nodeid)
        return nodeid.partition("::")[0] if scope == nodeid else scope


@pytest.hookimpl(optionalhook=True)  # there may be no pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Turns:
    """The scheduler of pytest-xdist for these tests."""
    return Turns(config, log)

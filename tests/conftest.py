"""What many tests need, and how long they may take.

GATEWAY_TEST_BUDGET: seconds for what is marked slow (0: left out) which also lets hypothesis search longer.
"""

import os

import hypothesis
import pytest

from gateway.publish.spool.sql import File
from tests.brokers import Mosquitto

BUDGET = int(os.environ.get("GATEWAY_TEST_BUDGET", "0"))
hypothesis.settings.register_profile("fast", deadline=None, max_examples=60)
hypothesis.settings.register_profile("long", deadline=None, max_examples=100)
hypothesis.settings.load_profile("long" if BUDGET else "fast")


def pytest_report_header():
    """Says what is left out."""
    if BUDGET:
        return f"with {BUDGET} s for slow tests"
    return "slow tests are left out; GATEWAY_TEST_BUDGET=600 takes them in, and 600 s for them"


def pytest_collection_modifyitems(config, items):
    """Leaves slow tests out while there is no budget for them."""
    if BUDGET:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


@pytest.fixture(scope="session")
def budget():
    """Seconds that a slow test may take, when it can take as long as it likes."""
    return BUDGET / 2


@pytest.fixture
def mosquitto(request, tmp_path):
    """A running mosquitto; its `port` is on loopback. Lines of configuration come by an indirect parameter."""
    broker = Mosquitto(tmp_path, getattr(request, "param", ()))
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def closed_files(monkeypatch):
    """Closes what a test has left open of the spool's files: it is there to be looked at until the end."""
    made, real = [], File.__init__

    def remembered(self, path):
        real(self, path)
        made.append(self)

    monkeypatch.setattr(File, "__init__", remembered)
    yield
    for one in made:
        one.close()

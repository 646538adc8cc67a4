"""What many tests need, and how long they may take.

GATEWAY_TEST_BUDGET: seconds for what is marked slow (0: left out) which also lets hypothesis search longer, and at
random: without it each run tries the same examples, so that no change fails by another's luck.
GATEWAY_OUTSIDE: "0" leaves out what is marked outside: programs of others' that are fetched, a browser among them, to
which it is the same by which Python the gateway runs.
"""

import os
import threading

import hypothesis
import pytest

from gateway.publish.spool.disk import Disk
from gateway.publish.spool.sql import File
from tests.again import pytest_terminal_summary  # noqa: F401 (a hook)
from tests.brokers import Mosquitto
from tests.clusters import DaskCluster
from tests.hanging import pytest_configure, pytest_runtest_logfinish, pytest_runtest_setup  # noqa: F401 (hooks)
from tests.street import Judge
from tests.turns import pytest_xdist_make_scheduler  # noqa: F401 (a hook)

BUDGET = int(os.environ.get("GATEWAY_TEST_BUDGET", "0"))
OUTSIDE = os.environ.get("GATEWAY_OUTSIDE") != "0"


def examples(fast: int, long: int) -> int:
    """How many examples a search takes: in every run, and with a budget of two minutes and more; with less, a share."""
    return max(fast, min(long, long * BUDGET // 120))


hypothesis.settings.register_profile("fast", deadline=None, max_examples=60, derandomize=True)
hypothesis.settings.register_profile("long", deadline=None, max_examples=100)
hypothesis.settings.load_profile("long" if BUDGET else "fast")


def pytest_report_header():
    """Says what is left out."""
    if BUDGET:
        return f"with {BUDGET} s for slow tests"
    return "slow tests are left out; GATEWAY_TEST_BUDGET=600 takes them in, and 600 s for them"


def pytest_collection_modifyitems(config, items):
    """Leaves slow tests out while there is no budget for them, and those with programs from outside where told to.

    The slow ones come first: of tests that run side by side, no long one is then the last.
    """
    marks = [*([] if BUDGET else ["slow"]), *([] if OUTSIDE else ["outside"])]
    left = {item for item in items if any(item.get_closest_marker(mark) for mark in marks)}
    config.hook.pytest_deselected(items=list(left))
    items[:] = sorted(
        (item for item in items if item not in left), key=lambda item: not item.get_closest_marker("slow")
    )


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
def judge(mosquitto):
    """A subscriber to everything."""
    one = Judge(mosquitto.port)
    yield one
    one.close()


@pytest.fixture
def closed_files(monkeypatch):
    """Closes what a test has left open of the spool's files, once no thread of the test's is at them any more."""
    files, disks, before = [], [], set(threading.enumerate())

    def remembered(kind, made):
        real = kind.__init__

        def begun(self, *args):
            real(self, *args)
            made.append(self)

        monkeypatch.setattr(kind, "__init__", begun)

    remembered(File, files)
    remembered(Disk, disks)
    yield
    for disk in disks:
        disk._jobs.put(None)
    for thread in set(threading.enumerate()) - before:
        if thread.name == "spool":  # a file that is closed while a thread is in it takes the process along
            thread.join(10)
            assert not thread.is_alive(), "a thread of the spool does not end"
    for file in files:
        file.close()


@pytest.fixture
def dask(tmp_path):
    """Makes Dask clusters, `dask(**options)`, see DaskCluster, and ends them."""
    made = []

    def make(**options):
        folder = tmp_path / f"dask-{len(made)}"
        folder.mkdir()
        made.append(DaskCluster(folder, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()

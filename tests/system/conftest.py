"""Machines for the tests of this folder. They run with GATEWAY_SYSTEM set, as .ci/run does, on a test process alone.

GATEWAY_SYSTEM: "1", or "bookworm" to have a Debian 12 go through what else a Debian 13 does.
"""

import os
import time
from pathlib import Path

import pytest

from tests.system import roots
from tests.system.life import CHECKOUT, WHEELS, Life, unpack
from tests.system.machine import Machine
from tests.system.wheels import PYTHONS, wheelhouse

HERE = Path(__file__).parent
ASKED = os.environ.get("GATEWAY_SYSTEM", "")


def pytest_collection_modifyitems(config, items):
    """Leaves these tests out where they are not asked for, and skips them, with the reason, where no systemd boots."""
    ours = [item for item in items if item.path.parent == HERE]
    if not ASKED:
        config.hook.pytest_deselected(items=ours)
        items[:] = [item for item in items if item not in ours]
        return
    for item in ours:
        item.add_marker(pytest.mark.xdist_group("system"))
        item.add_marker(pytest.mark.timeout(400))
        if reason := roots.why_not():
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def boot(tmp_path_factory):
    """Makes machines with the sources in them: boot("trixie"). They end with the tests."""
    made = []

    def booted(suite):
        folder = tmp_path_factory.mktemp(suite)
        machine = Machine(roots.debian(suite), folder, binds={wheelhouse(): WHEELS})
        made.append(machine)
        unpack(machine)
        machine.start()
        return machine

    yield booted
    for one in made:
        one.destroy()


@pytest.fixture(scope="session")
def installed(boot):
    """A Debian with the gateway installed and enabled."""
    machine = boot(ASKED if ASKED in PYTHONS else "trixie")
    machine.run(f"{CHECKOUT}/systemd/install", "--offline", WHEELS, check=True)
    machine.run("systemctl", "enable", "gateway", check=True)
    return machine


@pytest.fixture
def life(installed, tmp_path):
    """A gateway that runs in that machine, with boards, a broker and a judge of its own, and a new state."""
    began = time.time()
    installed.run("sh", "-c", "systemctl stop gateway; rm -rf /var/lib/gateway /etc/systemd/system/gateway.service.d")
    with Life(installed, tmp_path) as one:
        one.configure(one.configuration())
        installed.run("systemctl", "daemon-reload", check=True)
        installed.run("systemctl", "restart", "gateway", check=True)
        one.all_heard()
        yield one
        installed.run("systemctl", "stop", "gateway")
    assert "Traceback" not in installed.journal(f"--since=@{began:.0f}")

"""What the tests stand on: those of a group take turns, and those that hang end and say where."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PLUGINS = ("-p", "pytest_timeout", "-p", "pytest_rerunfailures", "-p", "xdist", "-W", "ignore:Module already imported")
CONFTEST = """
from tests import hanging
from tests.again import pytest_terminal_summary
from tests.hanging import pytest_configure, pytest_runtest_logfinish, pytest_runtest_setup
hanging.BESIDES = {besides}
"""
SWALLOWED = """
import asyncio, time

async def waited():
    asyncio.get_running_loop().call_later(0.1, time.sleep, 5)  # the alarm rings in there
    await asyncio.Event().wait()

def test_hangs():
    asyncio.run(waited())

def test_after():
    pass
"""
AGAIN = """
import threading

def test_hangs():
    threading.Event().wait()
"""


TURNS = """
import os, time
import pytest

@pytest.mark.parametrize("number", range(6))
@pytest.mark.xdist_group("turns")
def test_turns(number):
    os.mkdir({place!r})  # nobody else is there
    time.sleep(0.1)
    os.rmdir({place!r})
"""


FAILING = """
import pytest

@pytest.mark.parametrize("name", ["a b@c", "right"])
@pytest.mark.xdist_group("turns")
def test_names(name):
    assert name == "right"
"""


def run(folder: Path, source: str, *options: str, besides: float = 50.0) -> tuple[int, str]:
    """How pytest ends, and what it prints, of a file whose tests may take a second each."""
    (folder / "conftest.py").write_text(CONFTEST.format(besides=besides))
    (folder / "test_one.py").write_text(source)
    settings = ("-q", *PLUGINS, "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(folder), "--timeout", "1")
    command = [sys.executable, "-m", "pytest", *settings, *options, str(folder)]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100)
    return done.returncode, done.stdout + done.stderr


def test_those_of_a_group_take_turns(tmp_path: Path) -> None:
    """Rows of docs/faults.md judge times: more of them at once than the cores can bear fail by that alone."""
    code, said = run(tmp_path, TURNS.format(place=str(tmp_path / "there")), "-n", "3", "--dist", "loadgroup")
    assert code == 0, said


def test_what_failed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As pytest takes it, whatever the name holds, and nothing of what passed: a second run has that alone."""
    monkeypatch.setenv("GATEWAY_FAILED", str(tmp_path / "failed"))
    code, said = run(tmp_path, FAILING, "-n", "2", "--dist", "loadgroup")
    assert code == 1 and "1 failed, 1 passed" in said
    assert (tmp_path / "failed").read_text() == "test_one.py::test_names[a b@c]\n"
    monkeypatch.chdir(tmp_path)
    again = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", f"@{tmp_path / 'failed'}"]
    done = subprocess.run(again, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=60)
    assert "1 failed in" in done.stdout


def test_an_alarm_that_a_loop_swallows(tmp_path: Path) -> None:
    """The process ends, the next one goes on with the next test."""
    code, said = run(tmp_path, SWALLOWED, "-n", "1", besides=1.0)
    assert "crashed while running 'test_one.py::test_hangs'" in said and "1 failed, 1 passed" in said
    assert "in waited" in said or "in run_until_complete" in said  # where it was
    assert code == 1


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["alone", "worker"])
def test_what_is_run_again_has_its_time_too(tmp_path: Path, workers: list[str]) -> None:
    """Each attempt ends by the alarm."""
    code, said = run(tmp_path, AGAIN, "--reruns", "2", *workers)
    assert "1 failed, 2 rerun" in said and "Timeout (>1.0s)" in said
    assert code == 1

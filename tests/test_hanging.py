"""Tests that hang end, and say where they hung."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONFTEST = """
from tests import hanging
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


def run(folder: Path, source: str, besides: float, *options: str) -> str:
    """What pytest prints of a file whose tests may take a second each."""
    (folder / "conftest.py").write_text(CONFTEST.format(besides=besides))
    (folder / "test_one.py").write_text(source)
    arguments = ["-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(folder), "--timeout", "1", *options]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, str(folder)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    return done.stdout + done.stderr


def test_an_alarm_that_a_loop_swallows(tmp_path: Path) -> None:
    """The process ends, the next one goes on with the next test."""
    said = run(tmp_path, SWALLOWED, 1.0, "-n", "1")
    assert "crashed while running 'test_one.py::test_hangs'" in said and "1 failed, 1 passed" in said
    assert "in waited" in said or "in run_until_complete" in said  # where it was


@pytest.mark.parametrize("workers", [[], ["-n", "1"]])
def test_what_is_run_again_has_its_time_too(tmp_path: Path, workers: list[str]) -> None:
    """Each attempt ends by the alarm."""
    said = run(tmp_path, AGAIN, 50.0, "--reruns", "2", *workers)
    assert "1 failed, 2 rerun" in said and "Timeout (>1.0s)" in said

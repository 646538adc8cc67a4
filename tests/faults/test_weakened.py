"""The tests bite: with a defence taken out, the row that stands for it fails, and for that reason."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.defences import DEFENCES
from tests.street import ROOT


def where(test):
    """The file of a row's test, and what chooses it there."""
    (file,) = [one for one in Path(__file__).parent.glob("test_*.py") if f"def {test}(" in one.read_text()]
    return [str(file), "-k", test]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", DEFENCES)
def test_weakened(name):
    """The row's test, run without the defence, fails and says what it says of that."""
    one = DEFENCES[name]
    if one.root and os.geteuid() != 0:
        pytest.skip("its row needs root, for a file system of its own")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *where(one.test), "-x"],
        cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "GATEWAY_WITHOUT": name, "GATEWAY_FAULTS": "fast", "GATEWAY_TEST_BUDGET": "1"},
    )  # fmt: skip
    failed = [line for line in done.stdout.splitlines() if line.startswith("E ")]
    assert done.returncode == 1, done.stdout[-3000:]
    assert any(one.says in line for line in failed), failed

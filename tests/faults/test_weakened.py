"""The tests bite: with a defence taken out, the row that stands for it fails, and for that reason."""

import os
import subprocess
import sys

import pytest

from tests.faults.defences import DEFENCES
from tests.street import ROOT


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", DEFENCES)
def test_weakened(name):
    """The row's test, run without the defence, fails and says what it says of that."""
    one = DEFENCES[name]
    if one.root and os.geteuid() != 0:
        pytest.skip("its row needs root, for a file system of its own")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/faults", "-k", one.test, "-x"],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "GATEWAY_WITHOUT": name},
    )  # fmt: skip
    failed = [line for line in done.stdout.splitlines() if line.startswith("E ")]
    assert done.returncode == 1, done.stdout[-3000:]
    assert any(one.says in line for line in failed), failed

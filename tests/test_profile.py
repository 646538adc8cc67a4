"""The profile that a maintainer makes with one command is one of the gateway at work."""

import subprocess
import sys

import pytest

from .street import ROOT


@pytest.mark.slow
def test_the_profile_is_of_the_gateway(tmp_path):
    """It lists functions on a reading's way, called as often as there were readings, and says how many there were."""
    command = [sys.executable, "-m", "tests.profile", "--rate", "200", "--seconds", "1", "--boards", "1"]
    file = tmp_path / "a.prof"
    done = subprocess.run(
        [*command, "--rows", "4000", "--file", str(file)], cwd=ROOT, capture_output=True, text=True, timeout=90
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith("200 readings in ")
    calls = [line.split() for line in done.stdout.splitlines() if line.endswith("(_hand_on)")]
    assert any("gateway/ingest/intake.py" in words[-1] and int(words[0]) > 10 for words in calls)
    assert file.stat().st_size > 1000

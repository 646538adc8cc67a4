"""The wheels that a machine without a network installs from, for the Pythons of the Debians that are booted."""

import hashlib
import platform
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.street import ROOT
from tests.system.roots import alone

PYTHONS = {"bookworm": "3.11", "trixie": "3.13"}


def wheelhouse() -> Path:
    """A folder with them all, but the gateway itself; made once for what pyproject.toml asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *extras["demo"], *extras["binary"], *extras["modbus"], *extras["web"]]
    name = "wheels-" + hashlib.sha256("\n".join(sorted(asked)).encode()).hexdigest()[:12]
    with alone("wheels") as cache:
        folder, making = cache / name, cache / "wheels.making"
        if not folder.exists():
            shutil.rmtree(making, ignore_errors=True)
            pip("wheel", "--no-deps", "--wheel-dir", making, "pip", "setuptools>=77")
            systems = [f"--platform=manylinux_2_{libc}_{platform.machine()}" for libc in (28, 17)]
            for python in PYTHONS.values():
                pip("download", "--only-binary=:all:", f"--python-version={python}", *systems, "--dest", making, *asked)
            making.rename(folder)
        return folder


def pip(*words: str | Path) -> None:
    """Runs pip."""
    done = subprocess.run([sys.executable, "-m", "pip", "--quiet", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

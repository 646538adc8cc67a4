"""Which tests failed, for a second run of them alone: some judge times, and others had the cores beside them.

GATEWAY_FAILED: a file that gets their names, a line each, as `pytest @FILE` takes them.
"""

import os
from pathlib import Path

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Writes the file, where one is named. Groups of pytest-xdist stand behind names and are none of theirs."""
    if (file := os.environ.get("GATEWAY_FAILED")) and not hasattr(config, "workerinput"):
        failed = {one.nodeid for kind in ("failed", "error") for one in terminalreporter.stats.get(kind, ())}
        names = sorted(name.rpartition("@")[0] if name.rfind("@") > name.rfind("]") else name for name in failed)
        Path(file).write_text("".join(f"{name}\n" for name in names))

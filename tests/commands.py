"""Commands that end by themselves, as a user calls them: in the process of a test, or in one of their own."""

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

from gateway.cli import run
from tests.street import ROOT

Done = subprocess.CompletedProcess[str]


def gateway(*arguments: str, env: Mapping[str, str] | None = None) -> Done:
    """What a command does, in this process: an interpreter that starts for each costs more than what is proved."""
    out, errors = io.StringIO(), io.StringIO()
    with patch.dict(os.environ, env or {}), redirect_stdout(out), redirect_stderr(errors):
        try:
            code = run(arguments)
        except SystemExit as end:
            code = end.code
    return Done(arguments, code, out.getvalue(), errors.getvalue())


def started(*arguments: str, env: Mapping[str, str] | None = None) -> Done:
    """The same in a process of its own, for what that is about."""
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=60, env=os.environ | (env or {}),
    )  # fmt: skip

"""`gateway replay` for tests: run to its end, on captures that are made here, and compared with a live run."""

import datetime
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .street import ROOT

HEAD = {"capture": 1, "board": "b", "started": "2026-11-24T05:48:46Z", "whole": True}

FEATURES = """
[features]
window = "400ms"
use = ["mean", "std", "min", "max", "range", "median", "slope", "rate", "ewma", "zscore"]
"""


def replay(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""
    command = [sys.executable, "-m", "gateway", "replay", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def messages(*arguments: object) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The messages of a replay, and its summary."""
    *lines, last = replay(*arguments, "--json").stdout.splitlines()
    return [json.loads(line) for line in lines], json.loads(last)["summary"]


def capture(folder: Path, *lines: dict[str, Any], **head: Any) -> Path:
    """A capture of these lines."""
    file = folder / "capture.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in ({**HEAD, **head}, *lines)))
    return file


def said(*texts: str, every: float = 1.0) -> list[dict[str, Any]]:
    """Lines of a capture: a text each."""
    return [{"at": i * every, "text": text} for i, text in enumerate(texts)]


def wall(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


def check_alike(live: dict[str, Any], again: dict[str, Any]) -> None:
    """Two messages of one reading are the same but for who sent it; the file keeps times to the nanosecond."""
    assert live.keys() == again.keys()
    assert wall(live["time"]) == pytest.approx(wall(again["time"]), abs=0.002)
    for key in live.keys() - {"gateway", "run", "time"}:
        if isinstance(live[key], float):
            assert again[key] == pytest.approx(live[key], rel=1e-6, abs=1e-9), key
        else:
            assert again[key] == live[key], key

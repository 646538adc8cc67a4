"""`gateway backfill` for tests: run to its end, its rows by reading, and compared with what a replay prints."""

import contextlib
import io
import json
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Any

from gateway.cli import run

from .street import ROOT

ASIDE = ("gateway", "run", "time", "tags", "condensed")
"""What messages and rows do not share: whose they are, and what is only of the way to a broker; time stands apart."""
SUMMED = {"mean", "std", "slope", "zscore", "ewma"}
"""Features that sum up: right to 1e-9, in the last digits by how readings came together."""

Rows = dict[tuple[str, str, int], dict[str, Any]]


class Here:
    """Works the chains off in this process: to start others takes a test longer than all else. See Crew."""

    def __init__(self, order: dict[str, Any], tasks: list[dict[str, Any]], many: Any, summary: Any, shows: Any) -> None:
        self._order, self._tasks, self._summary = order, deque(tasks), summary

    def run(self) -> None:
        """All of them, one after the other."""
        from gateway.backfill.worker import worked  # with pyarrow, which need not be there

        for task in self._tasks:
            worked(self._order, task, self._heard)

    def _heard(self, said: dict[str, Any]) -> None:
        said = json.loads(json.dumps(said))
        if "done" in said:
            self._summary.add(said["done"])
        elif "failed" in said:
            self._summary.fail(said["failed"])
        elif "end" in said:
            self._summary.miss(said["missed"])


def here(monkeypatch: Any, *arguments: object, code: int = 0) -> tuple[str, str]:
    """The command in this process; gives what it prints, and what it says beside that."""
    out, beside = io.StringIO(), io.StringIO()
    with monkeypatch.context() as patched, contextlib.redirect_stdout(out), contextlib.redirect_stderr(beside):
        patched.setattr("gateway.backfill.command.Crew", Here)
        assert run(["backfill", *map(str, arguments)]) == code, beside.getvalue()
    return out.getvalue(), beside.getvalue()


def processes(*arguments: object, code: int = 0) -> dict[str, Any]:
    """The command as it is, to its end; gives what `--json` says."""
    command = [sys.executable, "-m", "gateway", "backfill", *map(str, arguments), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout)


def table(out: Path) -> Any:
    """All rows, as whoever reads the folder has them."""
    import pyarrow as pa
    from pyarrow import dataset

    folders = dataset.partitioning(pa.schema([("day", pa.date32()), ("board", pa.string())]), flavor="hive")
    return dataset.dataset(out, format="parquet", partitioning=folders).to_table()


def rows(out: Path) -> Rows:
    """The rows by (board, sensor, seq); none is there twice."""
    found = table(out).to_pylist()
    made = {(row["board"], row["sensor"], row["seq"]): row for row in found}
    assert len(made) == len(found)
    return made


def check_alike(row: dict[str, Any], message: dict[str, Any]) -> None:
    """A row is what the message says: to the last digit, sums to 1e-9."""
    assert row["time"].isoformat(timespec="milliseconds").replace("+00:00", "Z") == message["time"]
    assert str(row["day"]) == message["time"][:10]
    for key, value in message.items():
        if key in SUMMED and value is not None:
            assert abs(row[key] - value) <= 1e-9 * max(1.0, abs(value)), (key, row, message)
        elif key not in ASIDE:
            assert row[key] == value, (key, row, message)

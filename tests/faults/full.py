"""The long run: every row as it is written, one test at a time, in parts of under two hours that can be resumed.

    python -m tests.faults.full [--part N] [--resume] [--results FILE]

One JSON line for each test goes to FILE (faults.jsonl), with its outcome and what it measured; `--resume` leaves out
those that have passed. Exit code 1 when one has failed, or was skipped: a row that was not run has shown nothing.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.page import collect
from tests.faults.rows import DURATIONS
from tests.street import ROOT

PART = 6000.0  # s; a start, a heal and a storm of each test are on top
OVERHEAD = 30.0  # s a test


def tests() -> list[str]:
    """Node ids of all row tests, as pytest collects them."""
    done = _pytest("--collect-only", "-q", "tests/faults")
    return [line for line in done.stdout.splitlines() if "::test_f" in line]


def parts(nodes: list[str]) -> list[list[str]]:
    """The tests in order, cut where a part gets too long."""
    collect()
    out: list[list[str]] = [[]]
    size = 0.0
    for node in nodes:
        takes = DURATIONS[node.split("::")[1].split("[")[0]] + OVERHEAD
        if out[-1] and size + takes > PART:
            out.append([])
            size = 0.0
        out[-1].append(node)
        size += takes
    return out


def _pytest(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "GATEWAY_FAULTS": "full", "GATEWAY_TEST_BUDGET": "7200", **environment},
    )  # fmt: skip


def run(node: str) -> dict[str, object]:
    """Runs one test; gives its outcome and what it measured."""
    began = time.monotonic()
    with tempfile.NamedTemporaryFile("r") as report:
        done = _pytest("-q", "-rsxX", node, GATEWAY_FAULTS_REPORT=report.name)
        measured = [json.loads(line) for line in report]
    last = (done.stdout.strip().splitlines() or [""])[-1]
    outcome = (
        "passed" if done.returncode == 0 and "skipped" not in last else "skipped" if "skipped" in last else "failed"
    )
    told = {} if outcome == "passed" else {"output": (done.stdout + done.stderr)[-4000:]}
    return {"node": node, "outcome": outcome, "took_s": round(time.monotonic() - began), "measured": measured, **told}


def main() -> int:
    """Runs all parts, or one."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.full")
    parser.add_argument("--part", type=int, metavar="N", help="only this one, from 1")
    parser.add_argument("--resume", action="store_true", help="leave out what has passed")
    parser.add_argument("--results", type=Path, default=Path("faults.jsonl"), metavar="FILE")
    options = parser.parse_args()
    cut = parts(tests())
    chosen = cut if options.part is None else [cut[options.part - 1]]
    print(f"{sum(map(len, cut))} tests in {len(cut)} parts", flush=True)
    if not options.resume:
        options.results.unlink(missing_ok=True)
    lines = options.results.read_text().splitlines() if options.results.exists() else []
    passed = {one["node"] for one in map(json.loads, lines) if one["outcome"] == "passed"}
    bad = 0
    for node in [node for part in chosen for node in part if node not in passed]:
        result = run(node)
        bad += result["outcome"] != "passed"
        print(f"{result['outcome']:<8} {result['took_s']:>5} s  {node}", flush=True)
        with options.results.open("a") as out:
            out.write(json.dumps(result) + "\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

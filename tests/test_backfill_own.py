"""Features of the user's own in a backfill: whatever they do, all else comes out, and it is told in a sentence."""

import json
from pathlib import Path

import pytest

from .backfills import here, rows
from .replays import HEAD, said

pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")

CONFIG = """
[[boards]]
name = "b"
port = "/dev/x"
[compute]
memory = "80MB"
[features]
window = 5
custom = ["own:good", "own:bad"]
"""
GOOD = "import os, signal, time\nimport numpy as np\ndef good(times, values, new):\n    return 2 * values[-new:]\n"


@pytest.fixture
def outcome(tmp_path, monkeypatch):
    """Has `bad` be a function with this body, and gives what the command says of some readings, and the rows."""
    monkeypatch.setattr("gateway.compute.custom.asked.PATIENCE", 1.0)
    monkeypatch.setattr("gateway.compute.custom.own.CALL", 10)

    def run(body):
        (tmp_path / "own.py").write_text(f"{GOOD}def bad(times, values, new):\n    {body}\n")
        (tmp_path / "gateway.toml").write_text(CONFIG)
        capture = tmp_path / "c.jsonl"
        lines = [HEAD, *said(*[f"{20 + k % 50}.5\n" for k in range(100)])]
        capture.write_text("".join(json.dumps(one) + "\n" for one in lines))
        arguments = capture, "-o", tmp_path / "out", "-c", tmp_path / "gateway.toml"
        told = here(monkeypatch, *arguments, "--json", code=1)
        return json.loads(told[0]), told[1], rows(tmp_path / "out")

    return run


AFTER = "if times[-1] >= 45 and len(values) != 60:\n        {}\n    return values[-new:]"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 60)); time.sleep(1000)", "did not answer within 1 s"),
        (
            "\n        while True:\n            try: time.sleep(1000)\n            except BaseException: pass",
            "did not answer",
        ),
        ("np.ones(10**9)", "compute.memory is its limit"),
        ("os._exit(3)", "ended its process with exit code 3"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "was killed by SIGSEGV"),
    ],
    ids=["hangs", "hangs and catches", "greedy", "exits", "crashes"],
)
def test_one_that_costs_its_process_is_not_asked_for_ever(outcome, body, why):
    """It is ended, named with what it did, and asked twice more at most; all rows and other features are there."""
    told, beside, found = outcome(AFTER.format(body))
    assert (told["readings"], told["rows"], told["failed"]) == (100, 100, [])
    missed = told["missed"]["own:bad"]
    assert why in missed["why"] and missed["why"].endswith("and is not asked any more")
    assert f"own:bad {missed['why']}; {missed['calls']} of its calls have no value" in beside
    assert all(row["good"] == 2 * row["value"] for row in found.values())
    assert {key[2] for key, row in found.items() if row["bad"] is None} == set(range(41, 101)), "from the fifth call on"
    assert missed["calls"] == 6


@pytest.mark.slow
def test_one_that_leaks_is_begun_anew(outcome, tmp_path):
    """Near its limit it gets a new process, and no value is missing but where it had none."""
    kept = "global kept\n    kept = globals().get('kept', []) + [np.ones(10**6)]\n    "
    told, _, found = outcome(kept + "assert times[-1] != 9 or len(values) == 60\n    return values[-new:]")
    assert [key[2] for key, row in found.items() if row["bad"] is None] == list(range(1, 11))
    assert told["missed"]["own:bad"]["calls"] == 1


@pytest.mark.slow
def test_nothing_of_them_is_left(outcome, tmp_path):
    """Neither a process of theirs nor what it has started, once the command has ended."""
    pids = tmp_path / "pids"
    body = (
        f"open({str(pids)!r}, 'a').write(f'{{os.getpid()}}\\n')\n"
        "    import subprocess; made = subprocess.Popen(['sleep', '1000']).pid\n"
        f"    open({str(pids)!r}, 'a').write(f'{{made}}\\n')\n    raise ValueError(made)"
    )
    outcome("if len(values) != 60:\n        " + body.replace("\n    ", "\n        ") + "\n    return values[-new:]")
    started = {int(line) for line in pids.read_text().split()}
    assert len(started) > 2
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]

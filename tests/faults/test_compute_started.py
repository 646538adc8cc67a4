"""Rows F31 and F32: what a user's own features start and import, and what is left of it."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults import tree
from tests.faults.own_features import GOOD, MISSED, OTHERS, all_right, gone_wrong, quarantined, street, told
from tests.faults.rows import lasting, row
from tests.street import ROOT


@row(
    "F31",
    field="A custom feature prints, starts threads or programs.",
    happens="1 MB of output at each call; `sleep 600`, also in a session of its own and as an orphan; then its process "
    "is killed, and in the end the gateway is stopped. A process more at each call that stays.",
    promised="Output goes to the log, a line at a time and bounded; nothing of it reaches standard output; after the "
    "replacement and after the stop no process is left. Leaving more than 8 behind is a miss, and ends them.",
    full=60,
)
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_f31_a_feature_starts_programs(scene, tmp_path, end):
    starts = (
        "import threading; print('loud' * 250_000);"
        " threading.Thread(target=time.sleep, args=(600,), daemon=True).start();"
        " subprocess.Popen(['sleep', '600']); subprocess.Popen(['sleep', '600'], start_new_session=True);"
        " os.system('setsid sleep 600 &'); os.unlink(FLAG); return np.full(new, os.getpid())"
    )
    s = street(scene, tmp_path, {"starts": starts.replace("FLAG", repr(str(tmp_path / "flag")))})
    with s.fault():
        s.flag.touch()
        s.until(lambda: not s.flag.exists(), "it has started programs", 5)
        family = lambda: {pid for pid in tree.family(s.pid) if "sleep" in command(pid)}  # noqa: E731
        s.prove(lambda: s.until(lambda: len(family()) == 3, "three programs", 3), "three programs run")
        programs = family()
        s.noticed("custom.output", 5)
        worker = next(int(v) for v in reversed(told(s, "bench", "starts", s.began)) if v is not None and v > 1000)
        if end == "kill":
            os.kill(worker, signal.SIGKILL)
            s.until(lambda: not any(map(tree.state, programs)), "they end with the process", 2)
    s.back(within=5)
    (event, *_) = s.events("custom.output")
    assert event["feature"] == "own:starts" and event["text"].startswith("loudloud") and len(event["text"]) <= 550
    all_right(s, s.steady_to)
    below = set(tree.family(s.pid)) - {s.pid}
    s.over(bystanders=OTHERS, excepted=["memory"])
    s.until(lambda: not any(map(tree.state, below | programs)), "nothing is left", 2)


def command(pid: int) -> str:
    """What a process runs."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


@row("F31", full=60)
def test_f31_a_feature_leaves_processes(scene, tmp_path):
    s = street(scene, tmp_path, {"forks": "os.fork() or time.sleep(600); return values[-new:]"})
    before = len(tree.family(s.pid))
    gone_wrong(s, {"forks"})
    assert all("leaves processes behind (" in event["why"] for event in s.events("custom.quarantined"))
    assert len(tree.family(s.pid)) <= before, "all that it left has ended"
    all_right(s, s.steady_to)
    s.over(told=[MISSED], faults=["custom"], bystanders=OTHERS, excepted=["memory"])


@row("F31", full=30)
def test_f31_nothing_is_left_of_a_killed_gateway(scene, tmp_path):
    s = street(
        scene, tmp_path, {"starts": "subprocess.Popen(['sleep', '600'], start_new_session=True); time.sleep(600)"}
    )
    with s.fault():
        s.flag.touch()
        s.until(lambda: any("sleep" in command(pid) for pid in tree.family(s.pid)), "a program runs", 5)
        below = set(tree.family(s.pid)) - {s.pid}
        os.kill(s.pid, signal.SIGKILL)
        s.gateway.process.wait(5)
        s.prove(tree.state(s.pid) == "", "the gateway is gone")
    took = s.until(lambda: all(tree.state(pid) in ("", "Z") for pid in below), "all of it is gone", 1)
    s.told["gone after"] = round(took, 2)
    s.report()


BROKEN = {
    "missing": ("nowhere:f", "there is no module nowhere"),
    "raises": ("raises:f", "raised ZeroDivisionError at line 1 of raises.py"),
    "no_function": ("own:nobody", "there is no such function in own"),
}


@row(
    "F32",
    field="A custom feature's module is missing, raises, or is imported for long.",
    happens="A module that is not there, one that raises, a function that is not there, one that imports for 3 s.",
    promised="`check` names each; so does the running gateway, and the rest runs; a slow import is no miss.",
    full=60,
)
def test_f32_a_module_cannot_be_imported(scene, tmp_path):
    (tmp_path / "raises.py").write_text("1 / 0\n")
    (tmp_path / "slow.py").write_text(
        "import time\ntime.sleep(3)\ndef slow(times, values, new):\n    return values[-new:]\n"
    )
    (tmp_path / "own.py").write_text(GOOD)
    names = ["own:good", "slow:slow", *(name for name, _ in BROKEN.values())]
    s = scene(extra=f"[features]\ncustom = {names}\n")
    s.steady()
    with s.fault():
        s.prove(lambda: s.until(lambda: len(quarantined(s)) == len(BROKEN), "they are in quarantine", 5), "misses")
        assert sorted(quarantined(s)) == sorted(name for name, _ in BROKEN.values())
        fault = s.status()["faults"]["custom"]["text"]
        assert all(why in fault for _, why in BROKEN.values()), fault
        s.until(lambda: told(s, "bench", "slow")[-1] is not None, "the slow one answers", 10)
    s.back(within=5)
    checked = subprocess.run(
        [sys.executable, "-m", "gateway", "check", "--json", "-c", str(s.gateway.file)],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    document = json.loads(checked.stdout)
    assert checked.returncode == 0 and not checked.stderr
    for name, why in BROKEN.values():
        assert any(name in text and why in text for text in document["warnings"])
    assert {one["feature"] for one in document["plan"]["custom"] if one["why"] is None} == {"own:good", "slow:slow"}
    assert s.status()["pool"]["custom"]["missed"] == 2 * len(BROKEN)
    all_right(s, s.steady_to)
    s.over(faults=["custom"], staying=["custom"], excepted=["memory"])


@row("F32", full=300)
def test_f32_a_cold_start_on_a_loaded_machine_is_no_miss(scene, tmp_path):
    (tmp_path / "own.py").write_text(GOOD)
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(8)]
    try:
        s = scene(extra='[features]\ncustom = ["own:good"]\n', rate=10.0, start=False)
        for start in range(int(lasting(20, 3))):
            since = time.monotonic()
            s.start()
            with s.fault():
                s.prove(all(loop.poll() is None for loop in loops), "eight loops run")
                s.until(
                    lambda since=since: any(one is not None for one in told(s, "bench", "good", since)),
                    "it answers",
                    60,
                )
                s.hold(2, 1)
                assert not quarantined(s) and not s.times("custom.missed"), f"start {start}: a miss"
            assert s.gateway.stop(20) == 0
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    assert math.isfinite(sum(one for one in told(s, "bench", "good") if one is not None))
    s.report()

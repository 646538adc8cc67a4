"""Rows F27 to F32: a user's own features, which may do anything."""

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
from tests.faults.rows import lasting, row
from tests.street import ROOT

GOOD = """
import os, signal, subprocess, sys, time
import numpy as np

def good(times, values, new):
    return values[-new:]

def pid(times, values, new):
    return np.full(new, os.getpid())
"""
BAD = """
def {name}(times, values, new):
    if not os.path.exists({flag!r}):
        return values[-new:]
    {code}
"""
MISSED = ("custom.quarantined", "custom.recovered")
OTHERS = ("attic", "cellar")
AGAIN = 4.0  # s after which a feature is tried again in these tests


def street(scene, folder: Path, bad: dict[str, str], *, good: tuple[str, ...] = ("good",), extra: str = "", **more):
    """A scene whose boards all have custom features, and "bench" those too that go wrong while `flag` is there."""
    flag = folder / "flag"
    file = folder / "own.py"
    file.write_text(GOOD + "".join(BAD.format(name=name, flag=str(flag), code=code) for name, code in bad.items()))
    everywhere, there = ([f"own:{name}" for name in names] for names in (good, (*good, *bad)))
    text = f'[features]\ncustom = {everywhere}\n[[sensors]]\nmatch = "bench/*"\ncustom = {there}\n{extra}'
    s = scene(extra=text, timers={"quarantine": AGAIN}, **more)
    s.flag = flag
    s.until(lambda: all(told(s, "bench", name)[-1:] not in ([], [None]) for name in (*good, *bad)), "they answer", 20)
    s.steady()
    return s


def told(s, board: str, key: str, since: float = 0.0) -> list:
    """The values of a key in a board's readings that were heard since."""
    found = [heard[0] for one, heard in s.judge.readings.items() if one[0] == board and heard[0].at > since]
    return [heard.document.get(key) for heard in sorted(found, key=lambda heard: heard.at)]


def quarantined(s) -> list[str]:
    """Who the status says is in quarantine."""
    return s.status()["pool"]["quarantined"]


def named(s, bad) -> None:
    """All of them are in quarantine and named within 2 s of their second miss; each event says which."""
    names = sorted(f"own:{name}" for name in bad)
    s.until(lambda: sorted(quarantined(s)) == names, f"{names} are in quarantine", 8)
    first = next(
        heard.at for heard in s.judge.documents["gateway/gw/status"]
        if sorted(heard.document["pool"]["quarantined"]) == names
    )  # fmt: skip
    s.until(lambda: s.times("custom.quarantined") == len(bad), "each is told", 3)
    latest = max(event["mono"] for event in s.events("custom.quarantined"))
    s.told["named after"] = round(first - latest, 2)
    assert first - latest <= 2.0, "named within 2 s of the second miss"
    assert sorted(event["feature"] for event in s.events("custom.quarantined")) == names
    fault = s.status()["faults"]["custom"]["text"]
    assert all(name in fault for name in names) and "reload" in fault


def all_right(s, since: float) -> None:
    """The good feature is in each reading since then, and right to the last digit; the judge does the built-in ones."""
    for board in s.boards:
        own, value = told(s, board, "good", since), told(s, board, "value", since)
        assert own and own == value, f"{board}: {sum(one is None for one in own)} of {len(own)} are null"


def gone_wrong(s, bad) -> None:
    """The flag is set until all are in quarantine; then it is taken away, and they come back."""
    with s.fault():
        s.flag.touch()
        s.prove(lambda: s.until(lambda: s.times("custom.missed"), "a miss", 5), "a feature missed")
        named(s, bad)
        s.hold(1, fast=0.5)
        s.flag.unlink()
    s.back(within=5)
    s.until(lambda: not quarantined(s), "they are taken back", 3 * AGAIN)
    for name in bad:
        s.until(lambda name=name: told(s, "bench", name)[-1] is not None, f"{name} answers again", 3)


HANGS = {
    "sleeps": "time.sleep(600)",
    "spins": "while True: pass",
    "holds_the_gil": "import re; re.match('(a*)*b', 'a' * 60)",
    "ignores_sigterm": "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
    "stops": "os.kill(os.getpid(), signal.SIGSTOP)",
}


@row(
    "F27",
    field="A custom feature hangs.",
    happens="It sleeps, loops, holds the interpreter in C, ignores SIGTERM, stops its process.",
    promised="Killed without grace; in quarantine and named within 2 s of the second miss; the other features of each "
    "batch are published, each right; boards that it does not cover do not notice.",
    full=60,
    fast=True,
)
@pytest.mark.parametrize("how", [pytest.param(how, marks=() if how == "spins" else pytest.mark.slow) for how in HANGS])
def test_f27_a_feature_hangs(scene, tmp_path, how):
    s = street(scene, tmp_path, {how: HANGS[how]})
    gone_wrong(s, {how})
    all_right(s, s.steady_to)
    waited = [late for late in s.judge.latencies({"bench"}, s.began, s.healed) if late > 0.2]
    s.told["waited"] = len(waited)
    assert waited and max(waited) < 0.5 + 0.2, "the covered board waits for the deadline and no longer"
    s.over(told=[MISSED], faults=["custom"], bystanders=OTHERS)


@row("F27", full=60)
def test_f27_a_workers_process_is_stopped(scene, tmp_path):
    s = street(scene, tmp_path, {}, good=("good", "pid"))
    with s.fault():
        worker = 0
        for again in (1, 2):
            s.until(lambda before=worker: told(s, "bench", "pid")[-1] not in (None, before), "its process is there", 5)
            worker = int(told(s, "bench", "pid")[-1])
            os.kill(worker, signal.SIGSTOP)
            s.prove(lambda worker=worker: s.until(lambda: tree.state(worker) == "T", "T", 1) >= 0, "it is stopped")
            s.until(lambda worker=worker: tree.state(worker) == "", "it is killed", 2)
            s.until(lambda again=again: s.times(("custom.missed", "custom.quarantined")[again - 1]), "a miss", 5)
        named(s, {"pid"})
    s.until(lambda: not quarantined(s), "it is taken back", 3 * AGAIN)
    all_right(s, s.steady_to)
    s.over(told=[MISSED], faults=["custom"])


ENDS = {
    "exits": "os._exit(0)",
    "leaves": "sys.exit(3)",
    "interrupts": "raise KeyboardInterrupt",
    "closes": "os.closerange(0, 1000); return values[-new:]",
    "crashes": "os.kill(os.getpid(), signal.SIGSEGV)",
    "unpicklable": "raise type('Local', (Exception,), {'__reduce__': None, '__str__': None})()",
    "answers_code": "return [lambda: 1] * new",
}


@row(
    "F28",
    field="A custom feature ends its process.",
    happens="`os._exit(0)`, `sys.exit(3)`, KeyboardInterrupt, all descriptors closed, SIGSEGV, an exception and a "
    "result that cannot be pickled: all at once, each of its own feature.",
    promised="The gateway and all other features go on; each is in quarantine and named.",
    full=60,
)
def test_f28_a_feature_exits(scene, tmp_path):
    s = street(scene, tmp_path, ENDS)
    gone_wrong(s, ENDS)
    all_right(s, s.steady_to)
    s.over(faults=["custom"], bystanders=OTHERS)


RUBBISH = {
    "nothing": "return None",
    "text": "return 'x' * new",
    "complex": "return np.full(new, 1j)",
    "too_few": "return values[:0]",
    "objects": "return np.full(new, None)",
    "huge": "return np.zeros(25_000_000)",
    "reserved": "return {'mean': values[-new:]}",
}
NO_VALUE = {
    "nan": "return np.full(new, np.nan)",
    "infinite": "return np.full(new, -np.inf)",
    "writes": "values[:] = times[:] = 7.0; return values[-new:]",
}


@row(
    "F29",
    field="A custom feature returns rubbish.",
    happens="None, text, complex, a wrong length, objects, 200 MB, a key that is taken; NaN and infinity; it writes "
    "into its arrays.",
    promised="NaN and infinity are null; the rest is refused and in quarantine; all other values of the same readings "
    "are right to the last digit.",
    full=60,
)
def test_f29_a_feature_returns_rubbish(scene, tmp_path):
    s = street(scene, tmp_path, RUBBISH | NO_VALUE)
    with s.fault():
        s.flag.touch()
        s.prove(lambda: s.until(lambda: s.times("custom.missed"), "a miss", 5), "a feature missed")
        named(s, RUBBISH)
        s.hold(1, fast=0.5)
        for name, last in {"nan": None, "infinite": None, "writes": 7.0}.items():
            assert told(s, "bench", name)[-1] == last
        s.flag.unlink()
    s.back(within=5)
    s.until(lambda: not quarantined(s), "they are taken back", 3 * AGAIN)
    all_right(s, s.steady_to)
    s.over(faults=["custom"], bystanders=OTHERS)


@row(
    "F30",
    field="A custom feature leaks, or takes 4 GB at once.",
    happens='It keeps 1 MB more each call, with `memory = "40MB"`; another one asks for 4 GB.',
    promised="The leaking one's process is replaced before it fails, and counted; the large one gets a MemoryError and "
    "is in quarantine; the gateway's memory is flat.",
    full=120,
)
def test_f30_a_feature_takes_memory(scene, tmp_path):
    leaks = "good.__dict__.setdefault('kept', []).append(bytes(range(250)) * 4000); return values[-new:]"
    bad = {"leaks": leaks, "takes": "return np.frombuffer(bytearray(4 << 30))"}
    s = street(scene, tmp_path, bad, extra='[compute]\nmemory = "40MB"\n')
    before = own_memory(s.pid)
    with s.fault():
        s.flag.touch()
        replaced = lambda: s.times("custom.worn") >= 3  # noqa: E731
        s.prove(lambda: s.until(replaced, "three processes were replaced", 30), "it leaked")
        named(s, {"takes"})
        assert "MemoryError" in s.status()["faults"]["custom"]["text"]
        s.hold(30, 3)
        s.flag.unlink()
    s.back(within=5)
    s.until(lambda: not quarantined(s), "it is taken back", 60)
    assert {event["feature"] for event in s.events("custom.worn")} == {"own:leaks"}
    leaked = told(s, "bench", "leaks", s.steady_to)
    assert leaked.count(None) <= 0.05 * len(leaked), "a replaced process costs hardly a value"
    grown = own_memory(s.pid) - before
    assert grown <= 5_000_000, f"the gateway has grown by {grown / 1e6:.1f} MB"
    all_right(s, s.steady_to)
    s.over(told=[MISSED], faults=["custom"], bystanders=OTHERS, excepted=["memory"])


def own_memory(pid: int) -> int:
    """Bytes in memory of the gateway's process alone."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * tree.PAGE


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
        for start in range(int(lasting(20, 5))):
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

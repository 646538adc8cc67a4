"""Rows F27 to F30: a user's own features, which may do anything."""

import os
import signal
from pathlib import Path

import pytest

from tests.faults import tree
from tests.faults.own_features import AGAIN, MISSED, OTHERS, all_right, gone_wrong, named, quarantined, street, told
from tests.faults.rows import row

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

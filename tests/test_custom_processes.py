"""The process of a user's own feature: what it has and prints, when it is replaced, and that nothing is left of it."""

import math
import os
import signal
from pathlib import Path

import pytest

from gateway.compute.custom.work import LAST
from tests.custom_lanes import GOOD, street
from tests.faults.tree import alive
from tests.waiting import until

from .pools import family


def above(pid: int) -> int:
    """The parent of a process."""
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


async def test_a_leak_replaces_the_process_before_it_fails(tmp_path: Path) -> None:
    """1 MB more each call: processes come and go, and no value is missing."""
    source = "kept = []\ndef f(t, v, new):\n    kept.append(b'x' * 1_000_000)\n    return [len(kept)] * new\n"
    async with street(tmp_path, source, "f", memory=20_000_000) as one:
        answers = [(await one.ask())["f"][0] for _ in range(60)]
        assert not any(map(math.isnan, answers)) and 5 < max(answers) < 20
        assert one.told("custom.worn")
        assert one.lane.look()["custom"]["replaced"] == len(one.told("custom.worn")) >= 2
        assert one.lane.look()["custom"]["missed"] == 0


async def test_what_it_prints_is_told_a_line_a_second(tmp_path: Path) -> None:
    """1 MB is no reason to wait, and one line in the log."""
    says = "print('°' * 500_000); os.system('echo from a program')"
    source = f"import os\ndef f(t, v, new):\n    {says}\n    return v[-new:]\n"
    async with street(tmp_path, source, "f") as one:
        assert (await one.ask())["f"] == [20.125]
        await until(lambda: one.told("custom.output"))
        assert one.told("custom.output") == [{"feature": "own:f", "text": "from a program", "lines": 2}]


PROGRAMS = """
import os, subprocess, time
started = []
def f(t, v, new):
    if not started:
        started.append(subprocess.Popen(["sleep", "600"]))
        started.append(subprocess.Popen(["sleep", "600"], start_new_session=True))
        subprocess.run("setsid sleep 600 & setsid sleep 600 &", shell=True)
        if os.fork() == 0:
            os.setsid()
            time.sleep(600)
    if v[-1] > 30: os._exit(1)
    if v[-1] > 25: time.sleep(600)
    return [os.getpid()] * new
"""


@pytest.mark.parametrize("end", ["stop", "hang", "crash", "kill"])
async def test_nothing_is_left_behind(tmp_path: Path, end: str) -> None:
    """Programs that it has started, sessions of their own and orphans too, end with its process, however that ends."""
    async with street(tmp_path, PROGRAMS, "f", deadline=0.5) as one:
        (pid,) = (await one.ask())["f"]
        guard = above(int(pid))
        await until(lambda: sum("sleep" in command for command in family(guard).values()) == 4)
        below = [guard, *family(guard)]
        assert len(below) >= 7
        if end == "stop":
            await one.lane.stop(0.0)
        elif end == "kill":
            os.kill(int(pid), signal.SIGKILL)
        else:
            one.put(value=[{"hang": 26.0, "crash": 31.0}[end]])
        await until(lambda: not any(map(alive, below)), 3.0)


async def test_a_process_has_numpy_and_what_it_computes(tmp_path: Path) -> None:
    """Of ours only files of gateway.compute; no working directory on its path; first to go, last to run."""
    source = f"""
import os, resource, sys
def f(t, v, new):
    own = [m for m in sys.modules if m.split(".")[0] in ("gateway", "tests", "pydantic", "structlog", "paho", "serial")]
    foreign = [m for m in own if not m.startswith("gateway.compute") and m != "gateway"]
    here = os.getcwd() in sys.path or "" in sys.path or sys.path[0] != {str(tmp_path)!r}
    score = int(open("/proc/self/oom_score_adj").read())
    core = resource.getrlimit(resource.RLIMIT_CORE)[0]
    print(foreign)
    found = dict(foreign=len(foreign), here=here, score=score, core=core, nice=os.nice(0))
    return {{name: [value] * new for name, value in found.items()}}
"""
    async with street(tmp_path, source, "f") as one:
        answer = await one.ask()
        due = {"foreign": 0.0, "here": 0.0, "score": 900.0, "core": 0.0, "nice": float(min(19, os.nice(0) + LAST))}
        assert answer == {name: [value] for name, value in due.items()}, one.events


async def test_a_killed_idle_process_is_no_miss(tmp_path: Path) -> None:
    """That somebody kills a process that has nothing to do is not the feature's doing: it is replaced."""
    async with street(tmp_path, GOOD, "pid") as one:
        for _ in range(5):
            (pid,) = (await one.ask())["pid"]
            before = one.lane.look()["custom"]["replaced"]
            os.kill(int(pid), signal.SIGKILL)
            await until(lambda before=before: one.lane.look()["custom"]["replaced"] > before)
        await one.ask()
        custom = one.lane.look()["custom"]
        assert (custom["missed"], custom["replaced"], one.quarantined) == (0, 5, [])

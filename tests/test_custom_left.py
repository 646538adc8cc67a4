"""What a user's own feature leaves running: more than 8 processes are a miss, and end; a few do no harm."""

import math
import os
import re
import subprocess
from pathlib import Path

import pytest

from gateway.compute.custom import left, trial
from gateway.compute.custom.pieces import Custom
from tests.custom_lanes import null, street, until

from .pools import alive

FORKS = """
import os, time
def f(t, v, new):
    child = os.fork() or time.sleep(600)
    return [child] * new
"""
FEW = """
import os, subprocess
helpers = [subprocess.Popen(["sleep", "600"]) for _ in range(6)] + [os.system("setsid sleep 600 & setsid sleep 600 &")]
def f(t, v, new):
    subprocess.run(["true"], check=True)
    return v[-new:]
"""


async def test_one_more_at_each_call(tmp_path: Path) -> None:
    """Eight calls have their values, the ninth is a miss, at which all that was left ends; two misses quarantine it."""
    async with street(tmp_path, FORKS, "f", pace=0.0) as one:
        for misses in (1, 2):
            children = [int((await one.ask())["f"][0]) for _ in range(8)]
            assert all(map(alive, children))
            assert null((await one.ask())["f"])
            assert one.lane.look()["custom"]["missed"] == one.lane.look()["custom"]["replaced"] == misses
            await until(lambda children=children: not any(map(alive, children)), 3.0)
        (told,) = one.told("custom.quarantined")
        assert told["why"] == "leaves processes behind (9); 8 are the most"


async def test_a_few_do_no_harm(tmp_path: Path) -> None:
    """Eight programs that stay, two of them orphans, and one at each call that ends within it: nothing is missing."""
    async with street(tmp_path, FEW, "f", pace=0.0) as one:
        assert not any([null((await one.ask())["f"]) for _ in range(20)])
        assert one.lane.look()["custom"]["missed"] == one.lane.look()["custom"]["replaced"] == 0


async def test_the_usual_pace_holds_too(tmp_path: Path) -> None:
    """Asked without a pause it is soon in quarantine, and nothing that it left is there any more."""
    async with street(tmp_path, FORKS, "f") as one:
        answers: list[float] = []
        while not one.quarantined:
            answers += (await one.ask())["f"]
            assert len(answers) < 3000
        assert {fields["why"].partition("(")[0] for _, fields in one.events} == {"leaves processes behind "}
        children = [int(child) for child in answers if not math.isnan(child)]
        assert len(children) >= 16
        await until(lambda: not any(map(alive, children)), 3.0)


async def test_their_memory_counts(tmp_path: Path) -> None:
    """A lone program that stays and grows is a miss once it and the process take more than `memory` together."""
    source = """
import subprocess, sys
def f(t, v, new):
    if v[-1] > 30:
        code = "import time; kept = b'x' * 60_000_000; print(flush=True); time.sleep(600)"
        program = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        program.stdout.readline()
        print(program.pid)
    return v[-new:]
"""
    async with street(tmp_path, source, "f", pace=0.0, deadline=8.0, memory=100_000_000) as one:
        assert (await one.ask(value=[31.0]))["f"] == [31.0]
        assert null((await one.ask(value=[32.0]))["f"])
        (told,) = one.told("custom.missed")
        assert re.fullmatch(r"leaves processes behind \(2\) with 1[2-4]\d MB; compute.memory is .*", told["why"])
        await until(lambda: one.told("custom.output"))
        assert (await one.ask(value=[20.0]))["f"] == [20.0]
        programs = [int(output["text"]) for output in one.told("custom.output")]
        await until(lambda: not any(map(alive, programs)), 3.0)


def test_it_is_looked_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most one look in a pause, which is longer while there are no children; pace 0 looks at each call."""
    monkeypatch.setattr(left, "SOON", 0.0)
    monkeypatch.setattr(left, "LATER", 1000.0)
    monkeypatch.setattr(left, "SHARE", 0)
    monkeypatch.setattr(left, "below", lambda guard: list(range(9)))
    monkeypatch.setattr(left, "taken", lambda pid: 0)
    monkeypatch.setattr(left, "_has_children", lambda: children)
    wrong = "leaves processes behind (9); 8 are the most"
    children, looks = False, left.Looks(1.0, 1)
    assert [looks.wrong(0) for _ in range(3)] == [wrong, "", ""]
    children = True
    assert [looks.wrong(0) for _ in range(3)] == [wrong, wrong, wrong]
    monkeypatch.setattr(left, "SHARE", 1e12)
    assert looks.wrong(0) == ""
    assert [left.Looks(0.0, 1).wrong(0) for _ in range(3)] == [wrong, wrong, wrong]


def test_who_is_below() -> None:
    """Children and theirs; whoever has a child knows it, also when it has ended and is not waited for."""
    with subprocess.Popen(["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        sleeper = int(shell.stdout.readline())
        assert {shell.pid, sleeper} <= set(left.below(os.getpid()))
        assert left.below(shell.pid) == [sleeper] and left.below(sleeper) == []
        assert left._has_children()
        os.kill(sleeper, 9)


async def test_a_trial_calls_often_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`gateway check` finds what leaves a process at each call; the times go forward from call to call; what is slow is
    not called that often."""
    (tmp_path / "own.py").write_text(FORKS)
    assert await trial.try_out(Custom(("own:f",), tmp_path)) == [
        ("own:f", (), "leaves processes behind (9); 8 are the most")
    ]
    seen = tmp_path / "seen"
    (tmp_path / "times.py").write_text(
        f"def f(t, v, new):\n    print(t[-new], len(t), file=open({str(seen)!r}, 'a'))\n    return v[-new:]\n"
    )
    custom = Custom(("times:f",), tmp_path)
    assert await trial.try_out(custom) == [("times:f", ("f",), "")]
    assert seen.read_text().splitlines() == [f"{57.0 + 3 * k} 60" for k in range(9)]
    seen.unlink()
    monkeypatch.setattr(trial, "ENOUGH", 0.0)
    assert await trial.try_out(custom) == [("times:f", ("f",), "")]
    assert seen.read_text() == "57.0 60\n"

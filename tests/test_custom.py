"""The lane of users' own features, with real processes: whatever one does, all others and the built-in ones go on."""

import asyncio
import contextlib
import math
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.compute.custom import lane as lane_module
from gateway.compute.custom import quarantine
from gateway.compute.custom.lane import Lane
from gateway.compute.custom.pieces import Custom
from gateway.compute.custom.trial import try_out
from gateway.model import Features, Plan

from .made import KEYS, features
from .pools import alive, family

GOOD = """
import os
import numpy as np

def last(times, values, new):
    return values[-new:]

def both(times, values, new):
    return {"low": values[-new:] - 1, "size": np.full(new, len(values))}

def pid(times, values, new):
    return np.full(new, os.getpid())
"""


class Street:
    """A lane, and what came out of it."""

    def __init__(self, folder: Path, names: str, plan: Plan | None = None, **options: Any) -> None:
        self.names = tuple(f"own:{name}" for name in names.split())
        self.plan = plan or Plan(window_s=None, window_n=3, custom=self.names)
        self.out: list[Features] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        covered = options.pop("covered", lambda board, sensor: self.plan)
        custom = Custom(self.names, folder, **{"deadline": 2.0, **options})
        self.lane = Lane(custom, covered, self.out.extend, lambda name, **fields: self.events.append((name, fields)))
        self.seq = 0

    async def ask(self, sensor: str = "S1", rows: int = 1, **more: Any) -> dict[str, list[float]]:
        """Puts some readings in and waits for them: the columns behind the built-in ones."""
        piece = self.put(sensor, rows, **more)
        await until(lambda: any(one.seq == piece.seq and one.sensor == sensor for one in self.out))
        return self.of(piece)

    def put(self, sensor: str = "S1", rows: int = 1, **more: Any) -> Features:
        """Puts some readings in."""
        self.seq += rows
        piece = features(range(self.seq - rows + 1, self.seq + 1), sensor=sensor, **more)
        self.lane.put([piece])
        return piece

    def of(self, piece: Features) -> dict[str, list[float]]:
        """What the lane has added; it has changed nothing else."""
        (one,) = (one for one in self.out if one.sensor == piece.sensor and one.seq == piece.seq)
        built_in = len(KEYS)
        assert one.keys[:built_in] == piece.keys and one.columns[:built_in] == piece.columns
        assert (one.value, one.quality, one.n, one.count) == (piece.value, piece.quality, piece.n, piece.count)
        assert len(one.keys) == len(one.columns) == len(set(one.keys))
        return dict(zip(one.keys[built_in:], map(list, one.columns[built_in:]), strict=True))

    def told(self, name: str) -> list[dict[str, Any]]:
        """The fields of all events of a name."""
        return [fields for event, fields in self.events if event == name]

    @property
    def quarantined(self) -> list[str]:
        """Who is."""
        found: list[str] = self.lane.look()["quarantined"]
        return found


@contextlib.asynccontextmanager
async def street(
    folder: Path, source: str, names: str, plan: Plan | None = None, **options: Any
) -> AsyncIterator[Street]:
    """A running lane with the module own.py."""
    (folder / "own.py").write_text(source)
    one = Street(folder, names, plan, **options)
    one.lane.start()
    try:
        yield one
    finally:
        await one.lane.stop(0.0)
        assert one.lane.held("bench") == 0
        assert (one.lane.oldest(), one.lane.older(math.inf, {})) == (math.inf, [])


async def until(holds: Callable[[], Any], within: float = 10.0) -> None:
    """Waits for a condition."""
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end, "it did not come true in time"
        await asyncio.sleep(0.002)


def above(pid: int) -> int:
    """The parent of a process."""
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def null(values: list[float]) -> bool:
    """Whether all of them are."""
    return all(map(math.isnan, values))


# what comes out


async def test_columns_are_appended(tmp_path: Path) -> None:
    """One array has the function's name, a dict its own keys, in the order of the configuration."""
    async with street(tmp_path, GOOD, "both last") as one:
        assert await one.ask(rows=2) == {"low": [19.125, 19.25], "size": [2.0, 2.0], "last": [20.125, 20.25]}
        assert await one.ask(rows=2) == {"low": [19.375, 19.5], "size": [4.0, 4.0], "last": [20.375, 20.5]}
        assert await one.ask(rows=1) == {"low": [19.625], "size": [3.0], "last": [20.625]}
        assert one.lane.look()["custom"] == {"workers": 2, "calls": 6, "missed": 0, "replaced": 0}


async def test_times_and_values_are_the_window(tmp_path: Path) -> None:
    """The window in seconds, clamped values, the time of arrival."""
    source = "def f(t, v, new):\n    return {'first': [t[0]] * new, 'least': [min(v)] * new, 'most': [max(v)] * new}\n"
    plan = Plan(window_s=10.0, range=(0.0, 50.0), out_of_range="clamp", custom=("own:f",))
    async with street(tmp_path, source, "f", plan) as one:
        assert await one.ask(mono=[100.0], value=[-5.0]) == {"first": [100.0], "least": [0.0], "most": [0.0]}
        assert await one.ask(mono=[109.0], value=[99.0]) == {"first": [100.0], "least": [0.0], "most": [50.0]}
        assert await one.ask(mono=[110.0], value=[7.0]) == {"first": [109.0], "least": [7.0], "most": [50.0]}


async def test_another_unit_begins_a_new_window(tmp_path: Path) -> None:
    """°C and °F make no window."""
    async with street(tmp_path, GOOD, "both") as one:
        assert (await one.ask(rows=3))["size"] == [3.0] * 3
        assert (await one.ask(unit="°F"))["size"] == [1.0]
        assert (await one.ask(unit="°C"))["size"] == [1.0]


async def test_readings_behind_a_border_have_a_window_of_their_own(tmp_path: Path) -> None:
    """What came before it is in the window of before, even when it comes after the border was told."""
    async with street(tmp_path, GOOD, "both") as one:
        assert (await one.ask(rows=3))["size"] == [3.0] * 3
        one.lane.renew("bench", "S1", 5)
        assert (await one.ask())["size"] == [3.0]
        assert (await one.ask())["size"] == [1.0]
        assert (await one.ask())["size"] == [2.0]
        one.plan = Plan()
        one.lane.renew("bench", "S2", 1)  # nobody has heard of it
        one.lane.renew("bench", "S1", 7)
        assert "size" not in await one.ask()


async def test_a_window_is_whole_while_another_is_waited_for(tmp_path: Path) -> None:
    """Readings in the unit of before wait in front; those behind them are asked for with their windows."""
    slow = "import time\ntime.sleep(0.5)\n"
    plan = Plan(window_s=None, window_n=10, custom=("own:both",))
    async with street(tmp_path, slow + GOOD, "both", plan, deadline=20.0) as one:
        one.put(unit="°F")
        pieces = [one.put(rows=10) for _ in range(20)]
        assert not one.out
        await until(lambda: len(one.out) == 21)
        assert [len(one.of(piece)["low"]) for piece in pieces] == [10] * 20
        assert one.of(pieces[0])["low"] == [value - 1 for value in pieces[0].value]
        assert not one.told("custom.missed")


async def test_who_is_not_covered_passes_in_the_same_call(tmp_path: Path) -> None:
    """Sensors without custom features never wait, and come out untouched."""
    plans = {"S1": Plan(custom=("own:last",)), "S2": Plan()}
    async with street(tmp_path, GOOD, "last", covered=lambda board, sensor: plans[sensor]) as one:
        waits, passes = features([1]), features([1], sensor="S2")
        one.lane.put([waits, passes])
        assert one.out == [passes]
        assert one.lane.held("bench") == 1
        await until(lambda: len(one.out) == 2)
        assert one.lane.held("bench") == 0


async def test_without_features_nothing_starts() -> None:
    """No process, no wait."""
    before = family(os.getpid())
    out: list[Features] = []
    lane = Lane(Custom(), lambda board, sensor: Plan(), out.extend)
    lane.start()
    lane.put([features([1])])
    assert len(out) == 1 and lane.look() == {"quarantined": [], "reason": None}
    await lane.stop()
    assert set(family(os.getpid())) <= set(before)


async def test_order_is_kept_and_nothing_is_lost(tmp_path: Path) -> None:
    """Four sensors, one of whose features dies at random: each reading leaves once, in order, with its own value."""
    source = (
        GOOD
        + "import random, os\ndef dies(t, v, new):\n    if random.random() < 0.02: os._exit(1)\n    return v[-new:]\n"
    )
    async with street(tmp_path, source, "last dies", deadline=0.2) as one:
        sent: dict[str, list[int]] = {}
        for k in range(1500):
            sensor = f"S{k % 4}"
            sent.setdefault(sensor, []).extend(one.put(sensor, 1 + k % 3).seq)
            if k % 5 == 0:
                await asyncio.sleep(0.002)
        await until(lambda: not one.lane.held("bench"))
        came: dict[str, list[int]] = {}
        for piece in one.out:
            came.setdefault(piece.sensor, []).extend(piece.seq)
            last = piece.columns[piece.keys.index("last")]
            assert null(list(last)) or last == piece.value
        assert came == sent


async def test_what_waits_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the oldest leave with null, in order."""
    monkeypatch.setattr(lane_module, "MOST_WAITING", 100)
    async with street(tmp_path, "import time\ntime.sleep(60)\n", "f", deadline=5.0) as one:
        for _ in range(30):
            one.put(rows=10)
        assert one.lane.held("bench") == 100
        assert [piece.seq[0] for piece in one.out] == [1 + 10 * k for k in range(20)]
        assert all(null(list(piece.columns[-1])) for piece in one.out)


async def test_what_waits_can_be_kept(tmp_path: Path) -> None:
    """What came until a moment, in order, in columns of its own, with what is computed so far and null for the rest."""
    source = GOOD + "import time\ndef slow(t, v, new):\n    time.sleep(30)\n"
    async with street(tmp_path, source, "last slow", deadline=10.0) as one:
        pieces = [one.put(rows=3), one.put("S2"), one.put()]
        assert one.lane.oldest() == 1.0
        await until(lambda: sum("slow" in f.keys and f.columns[-2][0] > 0 for f in one.lane.older(9.0, {})) == 3)
        kept = one.lane.older(2.0, {})
        assert [(f.sensor, list(f.seq)) for f in kept] == [("S1", [1, 2])]
        assert kept[0].keys[len(KEYS) :] == ("last", "slow")
        assert kept[0].columns[-2] == kept[0].value == pieces[0].value[:2] and null(list(kept[0].columns[-1]))
        kept[0].extend(kept[0].cut(0, 2))
        assert len(pieces[0]) == 3 and [list(f.seq) for f in one.lane.older(9.0, {})] == [[1, 2, 3], [4], [5]]


async def test_stop_lets_all_go(tmp_path: Path) -> None:
    """What is computed within the patience leaves with its columns, the rest with null."""
    source = GOOD + "import time\ndef slow(t, v, new):\n    time.sleep(30)\n"
    async with street(tmp_path, source, "last slow", deadline=10.0) as one:
        await until(lambda: one.lane.look()["custom"]["workers"] == 2)
        piece = one.put()
        await one.lane.stop(0.3)
        assert one.of(piece)["last"] == [20.125] and null(one.of(piece)["slow"])
        late = one.put()
        assert one.out[-1] is late


# misbehaving

MISSES = {
    "raises": ("return 1 / 0", "raised ZeroDivisionError at line 4 of own.py: division by zero"),
    "ends": ("os._exit(0)", "ended its process with exit code 0"),
    "leaves": ("sys.exit(3)", "raised SystemExit at line 4 of own.py: 3"),
    "is interrupted": ("raise KeyboardInterrupt", "raised KeyboardInterrupt at line 4 of own.py"),
    "crashes": ("os.kill(os.getpid(), signal.SIGSEGV)", "was killed by SIGSEGV"),
    "closes all": ("os.closerange(0, 100); return values[-new:]", "ended its process with exit code"),
    "kills its guard": ("os.kill(os.getppid(), 9); time.sleep(9)", "was killed by SIGKILL"),
    "kills its group": ("os.killpg(0, 9)", "was killed by SIGKILL"),
    "disturbs the socket": ("[os.write(n, b'\\xff' * 99) for n in sockets()]; time.sleep(9)", "disturbed the gateway"),
    "wants 4 GB": ("return bytearray(4 << 30)", "raised MemoryError at line 4 of own.py; compute.memory is its limit"),
    "raises what cannot be told": ("raise Mute", "raised Mute at line 4 of own.py"),
    "answers nothing": ("return None", "answered nothing; an array with a number"),
    "answers 200 MB": ("return np.zeros(25_000_000)", "answered 25000000 numbers for 1 new readings"),
    "takes a key": ("return {'seq': values[-new:]}", "answered the key 'seq', which means something else"),
    "takes another's key": ("return {'last': values[-new:]}", "answered the key 'last', which is that of own:last"),
    "sleeps": ("time.sleep(60)", "did not answer within 300 ms"),
    "spins": ("while True: pass", "did not answer within 300 ms"),
    "ignores SIGTERM": ("signal.signal(15, signal.SIG_IGN); time.sleep(60)", "did not answer within 300 ms"),
    "holds the GIL": ("import re; re.match('(a*)*b', 'a' * 40)", "did not answer within 300 ms"),
    "stops": ("os.kill(os.getpid(), signal.SIGSTOP)", "did not answer within 300 ms"),
    "stops its guard": ("os.kill(os.getppid(), signal.SIGSTOP); time.sleep(60)", "did not answer within 300 ms"),
}  # fmt: skip
HEAD = "import os, signal, stat, sys, time\nimport numpy as np\n"
SOCKETS = """
def sockets():
    open_ones = [int(n) for n in os.listdir("/proc/self/fd") if int(n) > 2 and os.path.exists(f"/proc/self/fd/{n}")]
    return [n for n in open_ones if stat.S_ISSOCK(os.fstat(n).st_mode)]
"""
MUTE = "class Mute(Exception): __str__ = __repr__ = None\n"


@pytest.mark.parametrize("case", MISSES)
async def test_two_misses_and_it_is_out(tmp_path: Path, case: str) -> None:
    """Whatever it does: its value is null, those of another feature of the same batch are there; after the second miss
    it is in quarantine and named at once, with what it did, and nobody waits for it any more."""
    code, why = MISSES[case]
    source = f"{HEAD}def f(times, values, new):\n    {code}\n{MUTE}{SOCKETS}{GOOD}"
    async with street(tmp_path, source, "last f", deadline=0.3) as one:
        await until(lambda: one.lane.look()["custom"]["workers"] == 2)
        first = await one.ask()
        assert first["last"] == [20.125] and null(first["f"])
        await until(lambda: one.told("custom.missed"), 2.0)
        assert one.told("custom.missed")[0]["feature"] == "own:f"
        assert one.told("custom.missed")[0]["why"].startswith(why)
        await until(lambda: one.lane.look()["custom"]["workers"] == 2)
        second = await one.ask()
        assert second["last"] == [20.25] and null(second["f"])
        await until(lambda: one.quarantined, 2.0)
        assert one.quarantined == ["own:f"]
        assert why in one.told("custom.quarantined")[0]["why"]
        reason = one.lane.look()["reason"]
        assert reason.startswith(f"the custom feature own:f {why}") and "reload" in reason
        began = time.monotonic()
        third = await one.ask()
        assert third["last"] == [20.375] and null(third["f"])
        assert time.monotonic() - began < 0.2
        await until(lambda: one.lane.look()["custom"]["workers"] == 1)
        assert len(one.told("custom.missed")) == len(one.told("custom.quarantined")) == 1


async def test_writing_into_the_arrays_does_no_harm(tmp_path: Path) -> None:
    """They are its own; the next call, the other features and the message have the true values."""
    source = GOOD + "def f(times, values, new):\n    times[:] = values[:] = 7\n    return values[-new:]\n"
    async with street(tmp_path, source, "f last") as one:
        for value in (20.125, 20.25, 20.375):
            assert await one.ask() == {"f": [7.0], "last": [value]}


async def test_it_is_tried_again_and_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the pause it is asked again; a miss sends it back for twice as long, a good answer takes it back."""
    monkeypatch.setattr(quarantine, "FIRST", 0.3)
    switch = tmp_path / "good"
    source = f"import os\ndef f(t, v, new):\n    assert os.path.exists({str(switch)!r})\n    return v[-new:]\n"
    async with street(tmp_path, source, "f") as one:
        await one.ask()
        await one.ask()
        assert one.quarantined and len(one.told("custom.quarantined")) == 1
        feature = one.lane._features["own:f"]
        feature.conduct = quarantine.Conduct(since=feature.conduct.since, until=feature.conduct.until, pause=0.4)
        await until(lambda: feature.wanted)
        assert null((await one.ask())["f"])
        assert one.quarantined and not feature.wanted
        switch.touch()
        assert null((await one.ask())["f"])
        await until(lambda: feature.wanted)
        assert (await one.ask())["f"] == [20.625]
        assert not one.quarantined and one.lane.look()["reason"] is None
        assert [name for name, _ in one.events] == ["custom.missed", "custom.quarantined", "custom.recovered"]


async def test_release_lifts_quarantine(tmp_path: Path) -> None:
    """At once, with what the file says by then; what was waiting loses nothing."""
    async with street(tmp_path, "def f(t, v, new):\n    return 1\n", "f") as one:
        await one.ask()
        await one.ask()
        assert one.quarantined
        for more in (0, 1000):
            (tmp_path / "own.py").write_text(f"def f(t, v, new):\n    return v[-new:] + {more}\n")
            one.lane.release()
            pieces = [one.put(), one.put("S2")]
            assert not one.quarantined
            await until(lambda: not one.lane.held("bench"))
            assert [one.of(piece)["f"] for piece in pieces] == [[piece.value[0] + more] for piece in pieces]


async def test_it_has_recovered_once_a_value_has_come(tmp_path: Path) -> None:
    """A release alone mends nothing: what is still wrong is in quarantine again, and told to have recovered later."""
    async with street(tmp_path, "def f(t, v, new):\n    return 1\n", "f") as one:
        for times in (1, 2):
            await one.ask()
            await one.ask()
            assert one.quarantined and len(one.told("custom.quarantined")) == times
            one.lane.release()
            assert not one.quarantined and not one.told("custom.recovered")
        (tmp_path / "own.py").write_text("def f(t, v, new):\n    return v[-new:]\n")
        one.lane.release()
        for _ in range(2):
            await one.ask()
            assert len(one.told("custom.recovered")) == 1


@pytest.mark.slow
async def test_a_slow_import_is_no_miss(tmp_path: Path) -> None:
    """While a module is imported readings leave at their deadline with null; then its values come. No miss."""
    async with street(tmp_path, "import time\ntime.sleep(2)\n" + GOOD, "last", deadline=0.5) as one:
        assert null((await one.ask())["last"])
        await until(lambda: one.lane.look()["custom"]["workers"])
        assert (await one.ask())["last"] == [20.25]
        assert one.lane.look()["custom"]["missed"] == 0


@pytest.mark.parametrize(
    ("source", "name", "why"),
    [
        ("", "f", "cannot be called: there is no such function in own"),
        ("f = 1", "f", "cannot be called: that is no function in own"),
        ("import nowhere", "f", "cannot be imported: it needs the module nowhere, which is not installed"),
        ("1 / 0", "f", "cannot be imported: it raised ZeroDivisionError at line 1 of own.py: division by zero"),
        ("import os; os._exit(4)", "f", "ended its process with exit code 4"),
        (
            "x = bytearray(4 << 30)",
            "f",
            "cannot be imported: it raised MemoryError at line 1 of own.py; compute.memory",
        ),
        ("def f(:", "f", "cannot be imported: it raised SyntaxError"),
    ],
)
async def test_what_cannot_be_imported(tmp_path: Path, source: str, name: str, why: str) -> None:
    """It is named, with one sentence, by `gateway check` and by the running lane; readings go on."""
    async with street(tmp_path, source, name) as one:
        await until(lambda: one.quarantined)
        assert why in one.lane.look()["reason"]
        assert null((await one.ask())["f"])
        (tried,) = await try_out(Custom(one.names, tmp_path))
        assert tried.why.startswith(why) and tried.keys == ()


async def test_a_trial_says_what_it_answers(tmp_path: Path) -> None:
    """What `gateway check` shows; a module that is not there is named with the place where it was looked for."""
    (tmp_path / "own.py").write_text(GOOD)
    both, none = await try_out(Custom(("own:both", "nope:f"), tmp_path))
    assert both == ("own:both", ("low", "size"), "")
    assert none.why == f"cannot be imported: there is no module nope in {tmp_path}, and none installed"


async def test_a_leak_replaces_the_process_before_it_fails(tmp_path: Path) -> None:
    """1 MB more each call: processes come and go, and no value is missing."""
    source = "kept = []\ndef f(t, v, new):\n    kept.append(b'x' * 1_000_000)\n    return [len(kept)] * new\n"
    async with street(tmp_path, source, "f", memory=20_000_000) as one:
        answers = [(await one.ask())["f"][0] for _ in range(60)]
        assert not any(map(math.isnan, answers)) and 5 < max(answers) < 20
        assert one.told("custom.worn")
        assert one.lane.look()["custom"]["replaced"] == len(one.told("custom.worn")) >= 2
        assert one.lane.look()["custom"]["missed"] == 0


# processes


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
    """Of ours only files of gateway.compute; no working directory on its path; out of memory it goes first."""
    source = f"""
import os, resource, sys
def f(t, v, new):
    own = [m for m in sys.modules if m.split(".")[0] in ("gateway", "tests", "pydantic", "structlog", "paho", "serial")]
    foreign = [m for m in own if not m.startswith("gateway.compute") and m != "gateway"]
    here = os.getcwd() in sys.path or "" in sys.path or sys.path[0] != {str(tmp_path)!r}
    score = int(open("/proc/self/oom_score_adj").read())
    core = resource.getrlimit(resource.RLIMIT_CORE)[0]
    print(foreign)
    return dict(foreign=[len(foreign)] * new, here=[here] * new, score=[score] * new, core=[core] * new)
"""
    async with street(tmp_path, source, "f") as one:
        answer = await one.ask()
        assert answer == {"foreign": [0.0], "here": [0.0], "score": [900.0], "core": [0.0]}, one.events


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

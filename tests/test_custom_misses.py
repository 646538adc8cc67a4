"""Whatever a user's own feature does, all others and the built-in ones go on; after two misses it is in quarantine."""

import time
from pathlib import Path

import pytest

from gateway.compute.custom import quarantine
from tests.custom_lanes import GOOD, null, street
from tests.waiting import until

ORPHANS = "for n in 1 2 3 4 5 6 7 8 9; do setsid sleep 60 & done"
LEAVES = "leaves processes behind (9); 8 are the most"
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
    "leaves processes": ("[os.fork() or time.sleep(60) for _ in range(9)]; return values[-new:]", LEAVES),
    "leaves orphans": (f"os.system({ORPHANS!r}); return values[-new:]", LEAVES),
    "leaves the dead": ("[os.fork() or os._exit(0) for _ in range(9)]; return values[-new:]", LEAVES),
    "stops its guard": ("os.kill(os.getppid(), signal.SIGSTOP); time.sleep(60)", "did not answer within 300 ms"),
}  # fmt: skip


HEAD = "import os, signal, stat, sys, time\nimport numpy as np\n"


SOCKETS = """
def sockets():
    open_ones = [int(n) for n in os.listdir("/proc/self/fd") if int(n) > 2 and os.path.exists(f"/proc/self/fd/{n}")]
    return [n for n in open_ones if stat.S_ISSOCK(os.fstat(n).st_mode)]
"""


MUTE = "class Mute(Exception): __str__ = __repr__ = None\n"


@pytest.mark.slow
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

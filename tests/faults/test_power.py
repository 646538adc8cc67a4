"""Row F64 and the sweep: the power is cut, the gateway is killed, at any moment."""

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from gateway.publish.spool.blocks import read
from gateway.publish.spool.sql import File, Trouble
from gateway.publish.spool.tables import BLOCK, stored
from tests.faults import tree
from tests.faults.disks import FILE, ext4
from tests.faults.rows import TIER, row
from tests.faults.strace import Strace
from tests.street import until

AT_RISK = 1.0 + 0.5  # s for which a reading may be in memory alone
IMAGES = {"fast": 3, "ci": 3, "full": 100}[TIER]
MOMENTS = {"fast": 5, "ci": 10, "full": 250}[TIER]
CALLS = {"fast": 2, "ci": 4, "full": 60}[TIER]
MOST = {"pwrite64": 40, "fdatasync": 12}  # of these calls there are as many in the 8 s in which it may die
OUTAGE, SCRIPT = 3.0, 7.0  # s


def lying_there(state: Path) -> set[tuple[str, str, int]]:
    """The readings in a spool, as the judge names them; it has to be sound."""
    found = set()
    file = File(state / FILE)
    try:
        assert file.rows("PRAGMA quick_check") == [("ok",)]
        for one in map(stored, file.rows(BLOCK)):
            features, _ = read(one.source, one.data)
            found |= {(features.board, features.sensor, count) for count in features.count}
    finally:
        file.close()
    return found


def lying_at_broker(folder: Path) -> set[tuple[str, str, int]]:
    """The readings that a stopped mosquitto keeps for who has not heard them, by topic and payload in its file."""
    payloads = re.findall(rb'/features(\{"gateway":"gw",[^{}]*\})', (folder / "mosquitto.db").read_bytes())
    return {(one["board"], one["sensor"], one["count"]) for one in map(json.loads, payloads)}


@row(
    "F64",
    field="The power is cut.",
    happens="At random moments, with the broker there and away, the gateway is stopped and the image of its ext4 is "
    "copied: that is the disk after a power cut.",
    promised="What came more than `at_risk` + 0.5 s before is acknowledged or in the copy, whose tables are sound.",
    root=True,
    full=900,
)
def test_f64_power_cut(scene, tmp_path):
    s = scene(start=False)
    _, image = ext4(s.stack, tmp_path)
    copy, place = tmp_path / "copy.img", tmp_path / "copy"
    place.mkdir()
    s.start()
    s.steady()
    away, blocks = False, 0
    with s.fault():
        for number in range(IMAGES):
            if number % 2 == 0:
                s.broker.start() if away else s.broker.stop()
                away = not away
            s.spend(s.dice.uniform(0.3, 4.0))
            os.kill(s.pid, signal.SIGSTOP)
            until(lambda: tree.state(s.pid) == "T", "it is stopped")
            cut = time.monotonic()
            subprocess.run(["cp", "--sparse=always", str(image), str(copy)], check=True)
            heard = s.judge.all_heard()  # what was on its way to the broker, and to the judge, arrives
            if away:
                heard |= lying_at_broker(tmp_path)
            due = {key for key, (_, at) in s.judge.written.sent.copy().items() if at < cut - AT_RISK}
            os.kill(s.pid, signal.SIGCONT)
            subprocess.run(["mount", "-o", "loop", str(copy), str(place)], check=True)
            try:
                there = lying_there(place)
            except Trouble as trouble:
                raise AssertionError(f"image {number}: {trouble}") from None
            finally:
                subprocess.run(["umount", str(place)], check=True)
            blocks += len(there)
            missing = due - heard - there
            assert not missing, f"image {number}, broker {'away' if away else 'there'}: {sorted(missing)[:5]}"
        s.prove(blocks > 100, f"{IMAGES} images were looked at, with {blocks} readings in them")
        if away:
            s.broker.start()
    s.back(within=20)
    s.told["images"] = IMAGES
    s.over(excepted=["latency", "lag", "memory"], faults=["broker"])


class Sweep:
    """Kills and what they may cost: what came `AT_RISK` before each, until it reads again."""

    def __init__(self, s) -> None:
        self.s, self.windows = s, []

    def again(self, killed: float) -> None:
        """The gateway is dead: it starts again, and all that is on the disk goes out."""
        s = self.s
        if s.broker._process is None:
            s.broker.start()
        s.start()
        s.arrive(time.monotonic(), 20, "readings of all boards after a kill")
        back = max(heard.at for heards in s.judge.readings.values() for heard in heards[-1:])
        self.windows.append((killed - AT_RISK, back))
        s.until(lambda: s.status().get("state") == "online" and s.status()["spooled"] == 0, "the disk is empty", 40)
        assert s.status()["balanced"] is True
        assert "spool_damaged" not in s.status()["faults"], s.status()["faults"]

    def judge(self) -> None:
        """Nothing else is missing; nothing came as two readings, out of order, or wrong."""
        s = self.s
        s.spend(1.0)
        s.judge.listen()
        newest = time.monotonic() - 1.0
        lost = {
            key: at for key in s.judge.missing()
            if (at := s.judge.written.sent[key][1]) < newest
            and not any(first <= at <= last for first, last in self.windows)
        }  # fmt: skip
        s.told |= {"kills": len(self.windows), "lost": len(lost), "doubled": s.judge.doubled()}
        s.report()
        assert not lost, sorted(lost.items())[:5]
        assert not s.judge.out_of_order()
        assert not s.judge.strangers()
        assert not s.judge.wrong()
        assert s.gateway.stop(10) == 0


def until_killed(s, moment: float) -> float:
    """An outage, the death of a worker, a drain; the gateway is killed at `moment` of it. Gives when."""
    began = time.monotonic()
    script = [(0.0, s.broker.stop), (1.5, lambda: kill_a_worker(s)), (OUTAGE, s.broker.start)]
    for at, act in script:
        if at > moment:
            break
        s.spend(max(0.0, began + at - time.monotonic()))
        act()
    s.spend(max(0.0, began + moment - time.monotonic()))
    killed = time.monotonic()
    s.gateway.kill()
    return killed


def kill_a_worker(s) -> None:
    """SIGKILL for one that computes."""
    if workers := s.gateway.workers():
        with contextlib.suppress(ProcessLookupError):
            os.kill(s.dice.choice(workers), signal.SIGKILL)


@row(
    "sweep",
    field="The gateway is killed, at any moment.",
    happens="kill -9 at random moments of an outage with a drain after it and a worker's death in it; and at each "
    "write, flush and truncation of the spool's files (strace).",
    promised="What came more than `at_risk` + 0.5 s before arrives, and comes twice only under the same `run` and "
    "`seq`; the spool is never damaged by it.",
    full=3600,
)
@pytest.mark.parametrize("part", range(4) if TIER == "full" else [0])
def test_sweep_killed_at_any_moment(scene, part):
    s = scene()
    s.steady()
    sweep = Sweep(s)
    for _ in range(MOMENTS):
        sweep.again(until_killed(s, s.dice.uniform(0.0, SCRIPT)))
    sweep.judge()


@row("sweep", full=3600)
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "ftruncate"])
def test_sweep_killed_at_a_write(scene, tmp_path, call):
    s, state = scene(extra='[spool]\nmax_bytes = "1MB"\n'), tmp_path / "state"
    s.steady()
    sweep, hits = Sweep(s), 0
    paths = tuple(state / f"{FILE}{part}" for part in ("", "-wal"))
    for number in range(CALLS):
        when = s.dice.randint(1, MOST[call]) if call in MOST else 1 + number
        log = tmp_path / f"strace.{number}"
        strace = Strace(s.pid, log, f"{call}:signal=KILL:when={when}", paths=paths)
        s.broker.stop()
        if (killed := died(s, 4.0)) is None:
            s.broker.start()
            killed = died(s, 4.0)
        hits += killed is not None
        if killed is None:
            killed = time.monotonic()
            s.gateway.kill()
        strace.end()
        sweep.again(killed)
    s.told["killed by a call"] = hits
    s.prove(hits >= CALLS // 2, "strace has killed it")
    sweep.judge()


def died(s, within: float) -> float | None:
    """When the gateway dies, if it does."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if s.gateway.process.poll() is not None:
            return time.monotonic()
        time.sleep(0.005)
    return None


def test_the_readings_of_a_spool_are_read_from_its_tables(tmp_path):
    """The measure itself: it finds what was stored, and an unsound file."""
    from gateway.publish.spool.filing import Saved, filed
    from gateway.publish.spool.store import Store
    from tests.made import features

    opened = Store(tmp_path, 1_000_000)
    opened.put([filed(Saved(features([1, 2], count=[7, 8]), {}, "r", {}), "boot", 0.0)], {}, ())
    opened.close()
    assert lying_there(tmp_path) == {("bench", "S1", 7), ("bench", "S1", 8)}
    with contextlib.closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as db:
        db.execute("UPDATE blocks SET data = x'00'")
    with pytest.raises(Exception, match="no block"):
        lying_there(tmp_path)


def test_the_readings_at_a_broker_are_read_from_its_file(scene, tmp_path):
    """The other measure: what mosquitto had taken, and the judge not yet heard, is found in its file."""
    s = scene()
    s.steady()
    os.kill(s.judge.pid, signal.SIGSTOP)
    before = time.monotonic()
    s.spend(1.0)  # how long it hears nothing
    s.gateway.kill()
    s.broker.stop()
    os.kill(s.judge.pid, signal.SIGCONT)
    heard = s.judge.all_heard()
    kept = lying_at_broker(tmp_path)
    assert len(kept - heard) > 100
    newest = max(s.judge.written.sent[key][1] for key in kept)
    assert newest > before
    s.broker.start()
    s.until(lambda: kept <= set(s.judge.readings), "what was found there arrives", 10)

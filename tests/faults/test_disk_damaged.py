"""Rows F63, F69 and F93: a spool that is corrupt, ends the gateway, or is of a newer version."""

import contextlib
import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from tests.faults.disks import FILE, OUTAGE, outage, spooled
from tests.faults.rows import row

DAMAGES = {
    "first bytes": lambda state: _over(state / FILE, 0, os.urandom(100)),
    "middle": lambda state: _over(state / FILE, (state / FILE).stat().st_size // 2, os.urandom(20_000)),
    "half": lambda state: os.truncate(state / FILE, (state / FILE).stat().st_size // 2),
    "empty": lambda state: os.truncate(state / FILE, 0),
    "log": lambda state: (state / f"{FILE}-wal").write_bytes(os.urandom(100_000)),
    "newer": lambda state: _statement(state / FILE, "PRAGMA user_version=99"),
    "gone block": lambda state: _statement(state / FILE, "UPDATE blocks SET data = x'00' WHERE id % 2 = 0"),
}


def _over(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def _statement(path: Path, text: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(text)


def kept_over_a_stop(s, state: Path, seconds: float) -> int:
    """An outage at whose end the gateway is stopped; gives the readings that are on the disk then."""
    s.broker.stop()
    s.hold(seconds, ci=4, fast=4)
    assert s.gateway.stop(10) == 0
    return spooled(state)


@row(
    "F63",
    field="The spool is corrupt.",
    happens="Between two runs: the first bytes, 20 kB in the middle, half of it or all is lost, its log is random "
    "bytes, its tables are of a newer version, blocks hold nothing. It, its log, or both "
    "are deleted while the gateway runs, or is stopped (SIGSTOP).",
    promised="It starts within 5 s; the file is set aside with its date, two at most; what can be read of it is sent, "
    "the rest is dropped as `spool_corrupt` where its number is known, or the status says that it is not. What was "
    "deleted comes to the disk again from the open files, within seconds of its place taking it, and nothing is lost.",
    full=60,
)
@pytest.mark.parametrize(
    "damage", [pytest.param(one, marks=[] if one == "middle" else pytest.mark.slow) for one in DAMAGES]
)
def test_f63_corrupt(scene, tmp_path, damage):
    s, state = scene(), tmp_path / "state"
    s.steady()
    with s.fault():
        held = kept_over_a_stop(s, state, 8)
        DAMAGES[damage](state)
        s.prove(held > 100, f"{held} readings are on the disk, and it is damaged: {damage}")
        s.broker.start()
        began = time.monotonic()
        s.start()
        s.until(lambda: s.status().get("state") == "online" and s.status()["run"], "it starts", 8)
        s.told["started after"] = round(time.monotonic() - began, 1)
        s.baseline = {}
    s.back(within=20)
    s.until(lambda: s.status()["spooled"] == 0, "what could be read is sent", 30)
    last, aside = s.status(), list(state.glob("*.damaged.db"))
    corrupt, unknown = last["dropped"].get("spool_corrupt", 0), "spool_damaged" in str(last["faults"])
    s.told |= {"held": held, "corrupt": corrupt, "inherited": last["inherited"]}
    if damage != "gone block":
        assert len(aside) == 1, aside
        assert s.times("spool.damaged") == 1
    assert last["inherited"] == held or "nobody knows" in str(last["faults"]), (held, last["inherited"], unknown)
    sent = last["inherited"] - corrupt
    assert len(s.judge.missing()) <= held - sent + 200
    assert last["balanced"] is True
    assert s.gateway.stop(10) == 0


@row("F63", full=40)
@pytest.mark.parametrize("deleted", ["file", "log", "all while it is stopped"])
def test_f63_deleted_in_an_outage(scene, tmp_path, deleted):
    """What is deleted under the gateway is told, what it held comes to the disk again, and all that is sent."""
    s, state = scene(), tmp_path / "state"
    s.steady()
    with s.fault():
        outage(s, 5)
        if stopped := "stopped" in deleted:
            s.gateway.process.send_signal(signal.SIGSTOP)
        for file in {"file": [FILE], "log": [f"{FILE}-wal"]}.get(deleted, [FILE, f"{FILE}-wal"]):
            (state / file).unlink()
        s.prove(deleted != "file" or (state / f"{FILE}-wal").exists(), "what is deleted was there")
        if stopped:
            s.spend(1)
            s.gateway.process.send_signal(signal.SIGCONT)
        s.until(lambda: s.events("spool.damaged"), "it is told", 5)
        (told,) = s.events("spool.damaged")
        assert (told["saved"] > 100, told["lost"], told["complete"]) == (True, 0, True)
        s.hold(3, ci=3)
        s.broker.start()
    s.back(within=20)
    assert "see what deletes files there" in s.status()["faults"]["spool_damaged"]["text"]
    s.over(told=[OUTAGE], faults=["broker"], staying=["spool_damaged"], excepted=["lag"] if stopped else [])


@row(
    "F93",
    field="Downgrade: the state is of a newer version.",
    happens="The spool's tables have a newer number.",
    promised="The file is set aside and said to be of a newer version; nothing in it is destroyed.",
    full=30,
)
def test_f93_downgrade(scene, tmp_path):
    s, state = scene(), tmp_path / "state"
    s.steady()
    with s.fault():
        held = kept_over_a_stop(s, state, 4)
        _statement(state / FILE, "PRAGMA user_version=7")
        s.prove(held > 100, "it is of a newer version")
        s.broker.start()
        s.start()
    s.back(within=20)
    s.until(lambda: s.status()["spooled"] == 0, "what can be read is sent", 30)
    (aside,) = state.glob("*.damaged.db")
    with contextlib.closing(sqlite3.connect(aside)) as db:
        assert db.execute("SELECT sum(rows) FROM blocks").fetchone() == (held,)
        assert db.execute("PRAGMA user_version").fetchone() == (7,)
    assert s.status()["inherited"] == held
    assert s.gateway.stop(10) == 0


@row(
    "F69",
    field="A spool that ends the gateway at each start.",
    happens="A hook kills the process while it opens the spool.",
    promised="The third start within a minute sets the spool aside and runs; what was in it is counted.",
    full=40,
)
def test_f69_crash_loop(scene, tmp_path):
    s, state = scene(), tmp_path / "state"
    s.steady()
    with s.fault():
        held = kept_over_a_stop(s, state, 4)
        s._environment = {"GATEWAY_POISONED": "1"}
        for _ in range(2):
            s.start()
            assert s.gateway.process.wait(20) == -signal.SIGKILL
        s.prove(held > 100, "it ended twice, by what it opened")
        s.broker.start()
        s.start()
    s.back(within=20)
    last = s.status()
    assert last["dropped"] == {"spool_corrupt": held}
    assert last["inherited"] == held
    assert len(list(state.glob("*.damaged.db"))) == 1
    assert s.gateway.stop(10) == 0

"""Rows F58 and F59: the disk is full, or the spool has come to its limit."""

import contextlib
import os
import signal
import sqlite3
import time

import pytest

from tests.faults import rules
from tests.faults.disks import DISK, FILE, OUTAGE, Mount, files, outage
from tests.faults.rows import lasting, row


@row(
    "F58",
    field="The disk is full.",
    happens="The disk of state_dir is filled to the last byte in an outage; the broker comes back, then there is room.",
    promised="Memory holds what it can, the rest is dropped and counted as `disk_full`; the broker's return alone "
    "brings it all out, without a restart; the disk is written again within 10 s of there being room.",
    root=True,
    full=120,
)
@pytest.mark.parametrize("inodes", [False, True])
def test_f58_disk_full(scene, tmp_path, inodes):
    s = scene(start=False, timers={"waiting": 3000})
    options = "size=3m,nr_inodes=10" if inodes else "size=3m"
    disk = Mount(s.stack, tmp_path / "state", "-t", "tmpfs", "-o", options, "none")
    s.start()
    s.steady()
    with s.fault():
        s.broker.stop()
        s.hold(3, ci=3)
        filler = disk.fill()
        s.prove(lambda: disk.free == 0, "there is not a byte left")
        s.until(lambda: s.events("spool.failed"), "the full disk is told", 15)
        s.hold(20, ci=10)
        disk.fill()  # what it has given back meanwhile, too
        s.prove(lambda: disk.free == 0, "there is not a byte left, again")
        s.broker.start()
    s.back(within=20)
    s.until(lambda: s.status()["spooled"] == 0 and not s.status()["dropped"].get("shed"), "it drains by itself", 60)
    assert "full" in s.status()["faults"]["spool"]["text"], s.status()["faults"]
    filler.unlink()
    s.until(lambda: s.events("spool.recovered"), "it works again", 10)
    last = s.over(told=[OUTAGE, DISK], faults=["broker", "spool"], dropped=["disk_full"], excepted=["handles"])
    assert last["dropped"].get("disk_full", 0) > 0


@row("F58", root=True, full=60)
def test_f58_room_comes_back_in_the_outage(scene, tmp_path):
    s = scene(start=False)
    disk = Mount(s.stack, tmp_path / "state", "-t", "tmpfs", "-o", "size=12m", "none")
    s.start()
    s.steady()
    with s.fault():
        s.broker.stop()
        filler = disk.fill()
        s.until(lambda: disk.fill() and s.events("spool.failed"), "the full disk is told", 15)
        before = s.times("spool.recovered")
        s.hold(10, ci=4)
        disk.fill()
        filler.unlink()
        s.prove(lambda: disk.free > 8 << 20, "there is room again")
        since = time.monotonic()
        s.until(lambda: s.events("spool.recovered"), "it is written again", 10)
        s.told["written again after"] = round(time.monotonic() - since, 1)
        s.hold(3, ci=3)
        s.broker.start()
    s.back(within=20)
    s.over(told=[OUTAGE], faults=["broker"])
    assert (before, s.times("spool.failed"), s.times("spool.recovered")) == (0, 1, 1)


@row(
    "F59",
    field="The spool reaches its limit.",
    happens="An outage of 2 minutes with `max_bytes` of 1 MB.",
    promised="All its files together never take more than the limit and 5 %; the oldest readings of the board that "
    "holds most go, counted as `spool_full`, over a kill too, with one event at the start, one at the end and a "
    "fault; once all is sent the files are small again.",
    floods=True,
    full=240,
)
def test_f59_the_limit(scene, tmp_path):
    boards = {name: {"sensors": 8, "rate": 100.0, "baud": 921_600} for name in ("bench", "attic")} | {
        "cellar": {"rate": 5.0}
    }
    s = scene(boards=boards, extra='[spool]\nmax_bytes = "1MB"\n')
    s.steady()
    most = 0
    with s.fault():
        s.broker.stop()
        deadline = time.monotonic() + lasting(120, 30)
        while time.monotonic() < deadline:
            most = max(most, files(tmp_path / "state"))
            time.sleep(0.05)
        s.prove(most > 700_000, "the spool was full")
        s.broker.start()
    assert most <= 1_050_000
    s.told["most bytes"] = most
    s.back(within=20)
    rules.trouble_told(s, [("spool.full", "spool.has_room")], ["spool_full"])
    last = s.over(told=[OUTAGE], faults=["broker"], dropped=["spool_full"])
    assert last["dropped"]["spool_full"] == last["spool"]["dropped"]["spool_full"] > 0
    assert s.status("cellar")["dropped"] == {}
    assert files(tmp_path / "state") < 200_000


@row("F59", full=60)
def test_f59_a_kill_while_it_is_full(scene, tmp_path):
    s = scene(boards={"bench": {"sensors": 8, "rate": 120.0, "baud": 921_600}}, extra='[spool]\nmax_bytes = "1MB"\n')
    s.steady()
    with s.fault():
        s.broker.stop()
        s.until(lambda: s.events("spool.full"), "the spool is full", 60)
        s.hold(10, ci=5)
        s.pause_boards(10.0)
        s.spend(4.0)  # all that came is on the disk, or was dropped
        os.kill(s.pid, signal.SIGKILL)
        s.gateway.process.wait(5)
        with contextlib.closing(sqlite3.connect(tmp_path / "state" / FILE)) as db:
            dropped = dict(db.execute("SELECT reason, readings FROM dropped"))
        s.prove(dropped["spool_full"] > 1000, "the run that was killed had dropped some")
        s.start()
        s.until(lambda: s.events("spool.inherited"), "what it has dropped is told", 10)
        assert s.events("spool.inherited")[-1]["dropped"] == dropped
        s.broker.start()
    s.back(within=20)
    s.until(lambda: s.status()["spooled"] == 0, "it drains", 60)
    for board in s.boards.values():
        board.stop()
        board.wait_done()
    assert s.gateway.stop(10) == 0
    s.until(lambda: s.status()["state"] == "offline", "the last document", 10)
    counted, missing = s.status()["spool"]["dropped"]["spool_full"], len(s.judge.missing())
    s.told |= {"counted": counted, "missing": missing}
    assert counted >= dropped["spool_full"]
    assert 0 <= missing - counted <= 8, "but for a first line, which may be half a line"
    s.report()


@row("F59", full=60)
def test_f59_the_age(scene):
    s = scene(extra='[spool]\nmax_age = "5s"\n')
    s.steady()
    with s.fault():
        outage(s, 15)
        s.hold(9, ci=9)
        s.broker.start()
    s.back(within=20)
    rules.trouble_told(s, [("spool.too_old", "spool.in_time")], ["spool_age"])
    last = s.over(told=[OUTAGE], faults=["broker"], dropped=["spool_age"])
    s.prove(last["dropped"]["spool_age"] > 0, "something was too old")

"""Rows F60 to F62: the disk turns read-only, stalls, or fails once."""

import subprocess
import time
from pathlib import Path

import pytest

from tests.faults import tree
from tests.faults.disks import DISK, OUTAGE, ext4
from tests.faults.rows import row
from tests.faults.strace import Strace


@row(
    "F60",
    field="The card turns read-only.",
    happens="ext4 on a loop device meets an error and turns read-only, in an outage; later it is repaired (e2fsck) and "
    "mounted again.",
    promised="It goes on from memory; no file is open, so that it can be unmounted for the repair, and nothing is "
    "written in its place meanwhile; written again within 30 s of the mount being good, without a restart.",
    root=True,
    full=90,
)
def test_f60_read_only(scene, tmp_path, monkeypatch):
    (run := tmp_path / "run").mkdir()
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(run))  # as a service has it; else the control socket is on that disk
    s = scene(start=False)
    disk, image = ext4(s.stack, tmp_path)
    loop = subprocess.run(["losetup", "-j", str(image)], capture_output=True, text=True, check=True).stdout
    device = Path(loop.split(":")[0]).name
    s.start()
    s.steady()
    with s.fault():
        s.broker.stop()
        s.hold(3, ci=2)
        Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("1")

        def refuses() -> bool:
            try:
                (disk.place / "probe").touch()
            except OSError:
                return True
            return False

        s.prove(refuses, "it cannot be written")
        s.until(lambda: s.events("spool.failed"), "it is told", 10)
        s.until(lambda: not tree.opened(s.pid, str(disk.place)), "its files are closed", 5)
        done = subprocess.run(["umount", str(disk.place)], capture_output=True, text=True)
        s.prove(done.returncode == 0, f"it is unmounted {done.stderr}")
        s.hold(10, ci=4)
        assert not list(disk.place.iterdir()), "nothing is written where the disk is not"
        s.broker.start()
    s.back(within=20)
    subprocess.run(["e2fsck", "-fy", str(image)], capture_output=True)  # what has come to the disk is all there
    subprocess.run(["mount", "-o", "loop", str(image), str(disk.place)], check=True)
    again = time.monotonic()
    s.until(lambda: s.events("spool.recovered"), "it is written again", 30)
    s.told["written again after"] = round(time.monotonic() - again, 1)
    s.over(told=[OUTAGE, DISK], faults=["broker", "spool"], excepted=["handles"])


@row(
    "F61",
    field="The card stalls.",
    happens="The file system is frozen (fsfreeze) for 30 s in an outage; the broker returns meanwhile.",
    promised="Said as stalled within 5 s; live readings go on; the loop is never late; all is on the disk after that.",
    root=True,
    full=90,
)
def test_f61_stalls(scene, tmp_path):
    s = scene(start=False)
    disk, _ = ext4(s.stack, tmp_path)
    s.start()
    s.steady()
    with s.fault():
        s.broker.stop()
        s.hold(2, ci=2)
        subprocess.run(["fsfreeze", "-f", str(disk.place)], check=True)
        frozen = time.monotonic()
        thaw = s.stack.callback(lambda: subprocess.run(["fsfreeze", "-u", str(disk.place)], capture_output=True))
        s.until(lambda: s.events("spool.failed"), "it is told", 5)
        s.told["told after"] = round(time.monotonic() - frozen, 1)
        assert "stalled" in s.events("spool.failed")[0]["why"]
        s.prove(lambda: any(tree.state(t) == "D" for t in tree.tasks(s.pid)), "a thread of it hangs in the disk")
        s.broker.start()
        s.arrive(time.monotonic(), 20, "live readings go on")
        s.until(lambda: "stalled" in s.status()["faults"].get("spool", {}).get("text", ""), "the status says so", 5)
        s.hold(30, ci=8)
        thaw()
    s.back(within=5)
    s.until(lambda: s.events("spool.recovered"), "it works again", 10)
    s.over(told=[OUTAGE, DISK], faults=["broker", "spool"])


@row(
    "F62",
    field="fsync fails once.",
    happens="The second fdatasync of an outage gives EIO (strace).",
    promised="What it was for does not count as stored: the file is opened anew, and it is stored again; nothing lost.",
    full=40,
)
@pytest.mark.parametrize(
    "call", ["fdatasync:error=EIO:when=2", "pwrite64:error=EIO:when=5", "pwrite64:error=ENOSPC:when=4+3"]
)
def test_f62_fsync_fails_once(scene, tmp_path, call):
    s = scene()
    s.steady()
    with s.fault():
        strace = Strace(s.pid, tmp_path / "strace.log", call)
        s.broker.stop()
        s.hold(8, ci=6)
        s.prove(lambda: "INJECTED" in strace.seen, "the call has failed")
        strace.end()
        s.until(lambda: s.events("spool.recovered"), "it works again", 10)
        s.broker.start()
    s.back(within=20)
    s.over(told=[OUTAGE], faults=["broker"], excepted=["lag"])
    assert s.times("spool.failed") == s.times("spool.recovered") == 1

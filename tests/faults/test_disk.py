"""Rows F55 and F58 to F69, F81, F93: the disk, and what lies on it."""

import contextlib
import os
import pickle
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from gateway.publish.boot import boot_id
from gateway.publish.spool.filing import Saved, filed
from gateway.publish.spool.nouns import New, Source
from gateway.publish.spool.store import Store
from tests.faults import rules, tree
from tests.faults.rows import lasting, row
from tests.made import features
from tests.street import until

OUTAGE = ("broker.lost", "broker.recovered")
DISK = ("spool.failed", "spool.recovered")
FILE = "spool.db"


class Mount:
    """A file system of our own at `place`, for as long as the scene lasts."""

    def __init__(self, scene_made, place: Path, *command: str) -> None:
        place.mkdir(exist_ok=True)
        subprocess.run(["mount", *command, str(place)], check=True, capture_output=True)
        self.place = place
        scene_made.callback(lambda: subprocess.run(["umount", "-l", str(place)], check=True))

    def fill(self) -> Path:
        """Takes all room that is left; gives the file that does."""
        filler = self.place / "filler"
        with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        return filler

    @property
    def free(self) -> int:
        """Bytes."""
        found = os.statvfs(self.place)
        return found.f_bavail * found.f_frsize


def ext4(stack, tmp_path: Path, megabytes: int = 24) -> tuple[Mount, Path]:
    """An ext4 on a loop file, mounted where the state goes; and the file."""
    image = tmp_path / "disk.img"
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    return Mount(stack, tmp_path / "state", "-o", "loop,errors=remount-ro", str(image)), image


class Strace:
    """Meddles with the system calls of a process and its threads. seen: its log."""

    def __init__(self, pid: int, log: Path, *inject: str, paths: tuple[Path, ...] = ()) -> None:
        self.log = log
        calls = ",".join(sorted({one.split(":")[0] for one in inject}))
        command = ["strace", "-f", "-p", str(pid), "-o", str(log), "-e", f"trace={calls}"]
        for one in inject:
            command += ["-e", f"inject={one}"]
        for path in paths:
            command += ["-P", str(path)]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE)
        os.set_blocking(self._process.stderr.fileno(), False)
        said = b""

        def attached() -> bool:
            nonlocal said
            said += self._process.stderr.read() or b""
            return b"attached" in said or self._process.poll() is not None

        until(attached, "strace is attached")

    @property
    def seen(self) -> str:
        """What it has written."""
        return self.log.read_text() if self.log.exists() else ""

    def end(self) -> None:
        """Lets the process go."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        self._process.wait(10)
        self._process.stderr.close()


def files(folder: Path) -> int:
    """Bytes of all files of the gateway in `folder`."""
    total = 0
    for one in folder.glob("*"):
        with contextlib.suppress(FileNotFoundError):
            total += one.stat().st_size if one.name not in ("filler", "lost+found") else 0
    return total


def outage(s, seconds: float) -> None:
    """The broker is away for so long, while boards go on."""
    s.broker.stop()
    s.prove(lambda: tree.sockets_to(s.pid, s.broker.port) == 0, "the broker is away")
    s.hold(seconds, ci=min(seconds, 6), fast=3)


def spooled(folder: Path) -> int:
    """Readings in a spool that nobody has open."""
    with contextlib.closing(sqlite3.connect(f"file:{folder / FILE}?mode=ro", uri=True)) as db:
        return db.execute("SELECT coalesce(sum(rows), 0) FROM blocks").fetchone()[0]


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
    options = "size=3m,nr_inodes=6" if inodes else "size=3m"
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
    s = scene(boards={"bench": {"sensors": 8, "rate": 100.0, "baud": 921_600}}, extra='[spool]\nmax_bytes = "1MB"\n')
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
def test_f60_read_only(scene, tmp_path):
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
        s.prove(lambda: any(tree.state(t) == "D" for t in tasks(s.pid)), "a thread of it hangs in the disk")
        s.broker.start()
        s.arrive(time.monotonic(), 20, "live readings go on")
        s.until(lambda: "stalled" in s.status()["faults"].get("spool", {}).get("text", ""), "the status says so", 5)
        s.hold(30, ci=8)
        thaw()
    s.back(within=5)
    s.until(lambda: s.events("spool.recovered"), "it works again", 10)
    s.over(told=[OUTAGE, DISK], faults=["broker", "spool"])


def tasks(pid: int) -> list[int]:
    """Thread ids."""
    return [int(one) for one in os.listdir(f"/proc/{pid}/task")]


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
        s.broker.stop()
        s.hold(8, ci=4, fast=4)
        assert s.gateway.stop(10) == 0
        held = spooled(state)
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
        s.broker.stop()
        s.hold(4, ci=4)
        assert s.gateway.stop(10) == 0
        held = spooled(state)
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
    "F66",
    field="Wear.",
    happens="The broker is well for 10 minutes.",
    promised="The disk is not touched: neither the counters of written bytes nor the times of a file or of its folder "
    "change.",
    fast=True,
    full=660,
)
def test_f66_wear(scene, tmp_path):
    s = scene()
    s.steady()

    def written() -> tuple[dict[str, str], dict[str, int]]:
        counters = {}
        for pid in tree.family(s.pid):
            text = Path(f"/proc/{pid}/io").read_text()
            counters[pid] = next(line for line in text.splitlines() if line.startswith("write_bytes"))
        state = tmp_path / "state"
        return counters, {one.name: one.stat().st_mtime_ns for one in (state, *state.iterdir())}

    with s.fault():
        before = written()
        s.hold(600, ci=20, fast=3)
        s.prove(s.judge.newest, "readings came")
        after = written()
    assert after[1] == before[1]
    # its log and its lag go to files here, a page now and then
    grown = {pid: (before[0].get(pid), line) for pid, line in after[0].items() if line != before[0].get(pid)}
    assert not {pid for pid in grown if pid != s.pid}
    assert sum(int(b.split()[1]) - int(a.split()[1]) for a, b in grown.values() if a) <= 4096 * lasting(600, 20, 8)
    s.over()


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
        s.broker.stop()
        s.hold(4, ci=4)
        assert s.gateway.stop(10) == 0
        held = spooled(state)
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


@row("F81", full=30)
def test_f81_file_modes(scene, tmp_path):
    state, victim = tmp_path / "state", tmp_path / "victim"
    victim.write_text("precious")
    state.mkdir(0o777)
    (state / f"{FILE}-wal").symlink_to(victim)
    (state / "spool.reserve").symlink_to(victim)
    before = os.umask(0)
    try:
        s = scene()
    finally:
        os.umask(before)
    s.steady()
    with s.fault():
        outage(s, 5)
        modes = {one.name: oct(one.lstat().st_mode & 0o777) for one in state.iterdir()}
        s.prove(FILE in modes, "the spool is there")
        assert set(modes.values()) == {"0o600"}, modes
        assert state.stat().st_mode & 0o777 == 0o700
        s.broker.start()
    s.back(within=20)
    s.over(told=[OUTAGE], faults=["broker"])
    assert victim.read_text() == "precious"


@row("F83", full=40)
@pytest.mark.parametrize("payload", ["reading", "rows"])
def test_f83_what_is_in_planted_state_is_safe(scene, tmp_path, payload):
    s, state = scene(start=False, mqtt=f'payload = "{payload}"'), tmp_path / "state"
    state.mkdir(0o700)
    names = [
        "a/b",
        "+",
        "#",
        "$SYS",
        "..",
        "",
        "\0",
        "\ud800",
        "x" * 70_000,
        "😀",
        "status",
        "../other/status",
        "%s%b",
        '"',
    ]
    planted = Store(state, 64_000_000)
    with s.fault():
        for number, name in enumerate(names, 1):
            made = features(
                [number, number + 1], board=name, sensor=name, unit=name[:100], keys=("%s", '"', "mean", "mean")
            )
            made.value[0], made.columns[0][0], made.columns[1][0] = 1.7e308, float("inf"), float("nan")
            made.wall[0] = -9e4 if number % 2 else 2.4e11
            planted.put([filed(Saved(made, {number: 3}, "r%s", {name[:9]: name[:9]}), boot_id(), 0.0)], {}, ())
        for blob in (pickle.dumps(Bomb(tmp_path / "went off")), bytes(20 << 20), b"", b"\x02" * 100):
            planted.put([New(planted_source(), 2, 1.8e9, 1.0, blob)], {}, ())
        planted.close()
        s.prove(spooled(state) == 2 * len(names) + 8, "it is planted")
        s.start()
    s.back(within=20)
    s.until(lambda: s.status()["spooled"] == 0, "all of it is sent or dropped", 30)
    last = s.status()
    assert last["balanced"] is True
    assert last["dropped"]["spool_corrupt"] >= 6
    assert last["acknowledged"] > 2 * (len(names) - 2)
    assert all(topic.startswith("gateway/gw/") for topic in s.judge.topics), s.judge.topics
    assert not s.judge.refused
    assert not (tmp_path / "went off").exists()
    assert s.gateway.stop(10) == 0


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def planted_source() -> Source:
    """Of readings that are none."""
    return Source("bench", "S1", "r", "°C", ("mean",), (), "another", False)

"""Rows F34, F65, F70, F74 and F75: what the gateway needs from the system to start, to go on, and to read its file."""

import configparser
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults import tree
from tests.faults.disks import files
from tests.faults.rows import row
from tests.faults.test_pool import helpers
from tests.faults.test_process import heard, service_manager
from tests.street import ROOT

UNIT = ROOT / "systemd" / "gateway.service"
STRANGER = 64_999  # a user id that runs nothing else
AS_STRANGER = ["setpriv", f"--reuid={STRANGER}", "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--"]
"""Another user, since root may have as many processes as it likes; one who may read a test's folder all the same."""


def refused(folder: Path, text: str, prefix: tuple[str, ...] = (), **environment: str) -> str:
    """What `gateway run` says, in one line, as it gives up at the start with exit code 1."""
    file = folder / "refused.toml"
    file.write_text(text)
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "gateway", "run", "-c", str(file)],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, **environment}, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1, (done.returncode, done.stderr)
    (said,) = [line for line in done.stderr.splitlines() if "service.failed" in line or line.startswith("gateway: ")]
    assert "Traceback" not in done.stderr
    return said


def pool_is_empty(s) -> bool:
    """Whether the status says that there is no worker, and why."""
    return "cannot start" in s.status()["faults"].get("pool", {}).get("text", "") and not s.status()["pool"]["workers"]


@row(
    "F34",
    field="No worker can start.",
    happens="TMPDIR has too long a path at the start; the user may have no more processes (prlimit --nproc), at the "
    "start and while all workers die.",
    promised="At the start exit code 1, with the cause and what to do. Later readings are kept, and stored at "
    "`at_risk`; the status says why; all is computed within 10 s of the limit being raised.",
    fast=True,
    full=10,
)
def test_f34_no_worker_at_the_start(tmp_path):
    said = refused(tmp_path, BOARD, TMPDIR=str(long_folder(tmp_path)), STATE_DIRECTORY=str(tmp_path / "state"))
    assert "a worker process cannot start" in said and "TMPDIR has to be a shorter path" in said


BOARD = '[gateway]\nid = "gw"\n[mqtt]\nurl = "mqtt://127.0.0.1:1"\n[[boards]]\nname = "bench"\nport = "/dev/ttyX0"\n'


def long_folder(tmp_path: Path) -> Path:
    """One whose path no socket's address holds."""
    found = tmp_path / ("long" * 30)
    found.mkdir()
    return found


@row("F34", root=True, full=60)
def test_f34_no_more_processes(scene, tmp_path):
    for most in (1, 2, 3):
        limited = (*AS_STRANGER, "prlimit", f"--nproc={most}", "--")
        assert "allow more processes" in refused(tmp_path, BOARD, limited, STATE_DIRECTORY=str(tmp_path / "first"))
    s = scene(rate=20, prefix=AS_STRANGER)
    s.steady()
    with s.fault():
        doomed = [*helpers(s.pid), *s.gateway.workers()]
        for pid in (s.pid, *doomed):
            may_have(pid, "1")
        for pid in doomed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        s.prove(lambda: not s.gateway.workers(), "no worker is there")
        s.until(lambda: pool_is_empty(s), "the status says so, and why", 5)
        before = files(tmp_path / "state")
        s.until(lambda: files(tmp_path / "state") > before + 50_000, "readings go to the disk, uncomputed", 5)
        s.gateway.process.send_signal(signal.SIGHUP)
        s.until(lambda: s.times("config.refused"), "not even the file can be read again, and it says so", 5)
        s.hold(60, ci=3)
        may_have(s.pid, "4096")
    s.back(within=10)
    held = [key for key, (_, at) in s.judge.written.sent.copy().items() if at < s.healed]
    s.until(lambda: all(key in s.judge.readings for key in held), "all that was kept is computed", 10)
    s.prove(lambda: "config" in s.status()["faults"], "the file that was not read stays a fault")
    s.gateway.process.send_signal(signal.SIGHUP)
    s.until(lambda: s.times("config.reloaded"), "it is read, now that it can be", 5)
    s.over(faults=["pool", "config"])


def may_have(pid: int, processes: str) -> None:
    """Sets how many processes the stranger may have, as far as that process knows; its hard limit stays."""
    subprocess.run([*AS_STRANGER, "prlimit", "--pid", str(pid), f"--nproc={processes}:"], check=True)


@row(
    "F65",
    field="state_dir is missing, not ours, not writable, or another gateway's.",
    happens="Each of these; a second gateway with another id on the same state_dir.",
    promised="Made where it is missing; otherwise exit code 1, and the command that mends it; the second gateway names "
    "the first's process, which is not disturbed.",
    fast=True,
    full=20,
)
def test_f65_two_on_one(scene, tmp_path):
    s = scene()
    s.steady()
    with s.fault():
        said = refused(tmp_path, s.text.replace('id = "gw"', 'id = "other"'))
        s.prove(f"in use by another gateway (pid {s.pid})" in said and "state_dir of its own" in said, "it is refused")
        s.hold(3, ci=1, fast=0.3)
    s.back(within=2)
    s.over(bystanders=list(s.boards))


@row("F65", full=20)
def test_f65_a_directory_of_no_use(tmp_path):
    prefix = ()
    if os.geteuid() == 0:
        prefix = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", "--")
    fixed, file, link = tmp_path / "not ours's", tmp_path / "file", tmp_path / "link"
    fixed.mkdir(mode=0o500)
    file.touch()
    link.symlink_to(tmp_path / "nowhere")
    cases = {
        str(fixed): f"is not .* to write: run .sudo install -d -m 700 -o .*{re.escape('not ours')}",
        f"{fixed}/below": "to write: run .sudo install -d",
        str(file): "is no directory: name another with gateway.state_dir",
        f"{file}/below": "is no directory",
        str(link): "is no directory",
        "/proc/nowhere": "cannot be used .*: name another with gateway.state_dir",
    }
    for folder, sentence in cases.items():
        text = BOARD.replace("[mqtt]", f'state_dir = "{folder}"\n[mqtt]')
        assert re.search(sentence, said := refused(tmp_path, text, prefix)), said


@row(
    "F70",
    field="The kernel's OOM killer looks for a victim.",
    happens="/proc/*/oom_score_adj of a running gateway and of all that it has started, a custom feature too.",
    promised="Workers go before the gateway, and a user's own code before them; the unit's OOMPolicy=continue keeps "
    "the service when one has gone.",
    full=20,
)
def test_f70_the_workers_go_first(scene, tmp_path):
    (tmp_path / "own.py").write_text("def same(times, values, new):\n    return values[-new:]\n")
    s = scene(extra='[features]\ncustom = ["own:same"]\n')
    s.steady()

    def score(pid):
        return int(Path(f"/proc/{pid}/oom_score_adj").read_text())

    own = score(s.pid)
    above = sorted(score(pid) - own for pid in tree.family(s.pid))
    assert [one for one in above if one > 0] == [500, 500, 900], "two workers, and the process of the feature"
    assert above[0] == 0, "nothing goes after the gateway"
    assert unit()["Service"]["OOMPolicy"] == "continue"
    assert s.gateway.stop() == 0


@row(
    "F74",
    field="A reload with an error, and one that changes one board.",
    happens="SIGHUP with no TOML, an unknown key and a wrong value, 5,000 nested arrays; then with one board changed.",
    promised="The old configuration stays, all problems are in one event; RELOADING=1 with MONOTONIC_USEC, then "
    "READY=1; no port is opened anew, as none of its own settings has changed, and no reading is lost.",
    full=40,
)
def test_f74_reload(scene, tmp_path):
    with service_manager(tmp_path) as manager:
        s = scene(environment={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert "READY=1" in heard(manager, 10.0, "READY=1")
        s.steady()
        before = ports(s)
        with s.fault():
            for text in WRONG:
                reload(s, manager, text)
            s.until(lambda: s.times("config.refused") == len(WRONG), "all are told", 15)  # one of a kind in 10 s
            assert [len(event["problems"]) for event in s.events("config.refused")] == [3, 1]
            assert ports(s) == before
            s.pause_boards(1)
            s.spend(0.3)
            bench = f'port = "{s.boards["bench"].path}"'
            reload(s, manager, s.text.replace(bench, f'{bench}\nmax_line = "1kB"'))
            s.until(lambda: s.events("config.reloaded"), "it is told", 5)
            s.prove(s.events("config.reloaded")[0]["changed"] == ["bench"], "one board was changed")
        s.back(within=3)
        after = ports(s)
        assert len(before) == 3 and after == before
        s.over(bystanders=["attic", "cellar"])


WRONG = ("[gateway]\nidd = 'x'\n[mqtt]\nversion = 7", "no TOML", "x = " + "[" * 5000 + "]" * 5000)
"""Files; the first has three problems, since it has no board either, the others have one."""


def reload(s, manager, text: str) -> None:
    """SIGHUP with a new file; the service manager is told."""
    s.gateway.file.write_text(text)
    asked = time.monotonic_ns() // 1000
    s.gateway.process.send_signal(signal.SIGHUP)
    told = heard(manager, 5.0, "READY=1")
    assert "RELOADING=1" in told and told.index("RELOADING=1") < told.index("READY=1")
    assert asked <= int(re.search(r"MONOTONIC_USEC=(\d+)", told)[1]) <= time.monotonic_ns() // 1000


def ports(s) -> dict[str, str]:
    """The ports that the gateway has open, and each one's descriptor."""
    found = {}
    for fd in Path(f"/proc/{s.pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if (path := os.readlink(fd)).startswith("/dev/pts/"):
                found[path] = fd.name
    return found


def unit() -> configparser.RawConfigParser:
    """The service's unit."""
    found = configparser.RawConfigParser(strict=False)
    found.optionxform = str
    found.read_string(UNIT.read_text())
    return found


needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="it needs systemd-analyze")


@needs_systemd
@row(
    "F75",
    field="Hardening takes the ports away.",
    happens="`systemd-analyze verify` and `security --offline=true` on the unit; what it says of devices.",
    promised="No word of complaint; exposure of 1.5 at most, with ttyUSB, ttyACM, ttyS and ttyAMA allowed. It comes "
    "back after every end but a wrong configuration, and the watchdog sees a loop that is stuck.",
    full=5,
)
def test_f75_the_unit_is_sound(tmp_path):
    whole = tmp_path / "gateway.service"
    whole.write_text(UNIT.read_text().replace("/opt/gateway/bin/gateway", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", str(whole)], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    service = unit()["Service"]
    assert service["Restart"] == "always" and service["RestartPreventExitStatus"] == "78"
    assert unit()["Unit"]["StartLimitIntervalSec"] == "0" and service["Type"].startswith("notify")
    assert "m gateway dialout" in (UNIT.parent / "sysusers.conf").read_text() and "PrivateDevices" not in service


@needs_systemd
@row("F75", full=5)
def test_f75_hardening():
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=15", str(UNIT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-300:]
    allowed = UNIT.read_text()
    assert all(f"DeviceAllow=char-{name}" in allowed for name in ("ttyUSB", "ttyACM", "ttyS", "ttyAMA"))

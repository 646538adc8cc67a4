"""A machine: a copy of a root in which systemd is PID 1, in name spaces of its own. Power can be cut.

systemd-nspawn boots it. It has this machine's network, so that a broker here is one on its loopback, and the
pseudo-terminals of this machine in /dev/boards, where simulated boards are plugged in. What it has not: udev events,
kernel modules, a clock of its own.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

BOOT = """
set -eu
[ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup
group=/sys/fs/cgroup/$1; shift
mkdir -p "$group" /run/systemd/nspawn
mount -t tmpfs tmpfs /run/systemd/nspawn
while :; do
    code=0
    sh -c 'echo $$ > "$0/cgroup.procs"; exec systemd-nspawn "$@"' "$group" "$@" || code=$?
    [ $code = 133 ] || break # it wants to be booted again
done
echo 1 > "$group/cgroup.kill" || :
for _ in $(seq 50); do
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || :
    [ -d "$group" ] || break
    sleep 0.1
done
"""


class Machine:
    """Made of a root, which stays as it is. Off at first. binds: folders of this machine, to be read there."""

    def __init__(self, root: Path, folder: Path, binds: Mapping[Path, str] | None = None) -> None:
        self.name = f"gateway-{os.getpid()}-{folder.name}"
        self.root = folder / "root"
        self._console = folder / "console"
        self._binds = [f"--bind-ro={source}:{target}" for source, target in (binds or {}).items()]
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", "--reflink=auto", root, self.root], check=True)
        self._booted: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Boots it; returns when systemd says that it is up."""
        words = [
            "systemd-nspawn", "--quiet", f"--directory={self.root}", f"--machine={self.name}", "--hostname=board",
            "--boot", "--register=no", "--keep-unit", "--settings=no", "--link-journal=no", "--timezone=off",
            "--console=read-only", "--resolv-conf=off", "--system-call-filter=bpf", "--capability=CAP_BPF,CAP_PERFMON",
            "--bind=/dev/pts:/dev/boards", *self._binds,
        ]  # fmt: skip
        with self._console.open("ab") as console:
            self._booted = subprocess.Popen(
                ["unshare", "--mount", "--propagation=slave", "sh", "-c", BOOT, "boot", self.name, *words[1:]],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}, start_new_session=True,
            )  # fmt: skip
        self.wait_up()

    def wait_up(self, patience: float = 60.0) -> None:
        """Until the boot is over."""
        deadline = time.monotonic() + patience
        while True:
            assert self._booted is not None and self._booted.poll() is None, self._console.read_text(errors="replace")
            if self.leader() is not None and self.run("systemctl", "is-system-running").stdout.strip() == "running":
                return
            assert time.monotonic() < deadline, self._why()
            time.sleep(0.1)

    def _why(self) -> str:
        failed = self.run("systemctl", "--failed", "--no-legend").stdout if self.leader() else ""
        return f"it is not up; failed: {failed}\n{self._console.read_text(errors='replace')[-2000:]}"

    def leader(self) -> int | None:
        """Its PID 1, as this machine counts."""
        if self._booted is None:
            return None
        waiting = [self._booted.pid]
        while waiting:
            pid = waiting.pop()
            with contextlib.suppress(OSError):
                waiting += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
                spaces = Path(f"/proc/{pid}/status").read_text().partition("NSpid:")[2].splitlines()[0].split()
                if len(spaces) > 1 and spaces[-1] == "1":
                    return pid
        return None

    def run(self, *words: str | Path, check: bool = False) -> subprocess.CompletedProcess[str]:
        """Runs a command inside, as root."""
        leader = self.leader()
        assert leader is not None, "the machine is off"
        into = ["nsenter", f"--target={leader}", "--all", "--"]
        clean = ["env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"]
        done = subprocess.run([*into, *clean, "LANG=C.UTF-8", *words], capture_output=True, text=True, timeout=300)
        if check:
            assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done

    def show(self, *properties: str) -> list[str]:
        """Properties of the service."""
        said = self.run(
            "systemctl", "show", "gateway.service", *[f"--property={one}" for one in properties], check=True
        )
        found = dict(line.partition("=")[::2] for line in said.stdout.splitlines())
        return [found[one] for one in properties]

    def journal(self, *words: str) -> str:
        """What the service has logged since the boot."""
        return self.run("journalctl", "--boot", "--unit=gateway", "--no-pager", "--output=cat", *words).stdout

    def path(self, inside: str | Path) -> Path:
        """A file of the machine's disk, from outside."""
        return self.root / str(inside).lstrip("/")

    def cut_power(self) -> None:
        """Everything in it ends at once; nothing is told, nothing is written."""
        leader = self.leader()
        assert leader is not None and self._booted is not None
        os.kill(leader, signal.SIGKILL)
        self._booted.wait(30)

    def reboot(self) -> None:
        """systemctl reboot; returns when it is up again."""
        before = self.leader()
        self.run("systemctl", "reboot")
        deadline = time.monotonic() + 60
        while self.leader() in (before, None):
            assert time.monotonic() < deadline, self._why()
            time.sleep(0.1)
        self.wait_up()

    def stop(self) -> None:
        """Powers it off in order."""
        if self._booted is None or self._booted.poll() is not None:
            return
        self.run("systemctl", "poweroff")
        try:
            self._booted.wait(30)
        except subprocess.TimeoutExpired:
            self.cut_power()

    def destroy(self) -> None:
        """Ends it and deletes its disk."""
        self.stop()
        shutil.rmtree(self.root)

"""Debian root file systems with systemd and Python and nothing else, made once each and kept."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CACHE = Path(os.environ.get("GATEWAY_SYSTEM_CACHE", "/var/tmp/gateway-system"))
PACKAGES = "systemd,systemd-sysv,dbus,udev,libbpf1,procps,python3"  # libbpf1: DeviceAllow= by cgroup BPF
TREE = """
[ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/gateway-$$ && rmdir /sys/fs/cgroup/gateway-$$
"""
LEAN = [f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("man", "locale", "doc")]


def why_not() -> str | None:
    """What is missing to boot a systemd here; None when nothing is."""
    if os.geteuid() != 0:
        return "booting a systemd needs root"
    for program, package in (("systemd-nspawn", "systemd-container"), ("mmdebstrap", "mmdebstrap")):
        if shutil.which(program) is None:
            return f"{program} is not here: apt-get install {package}"
    done = subprocess.run(["unshare", "--mount", "sh", "-ec", TREE], capture_output=True, text=True)
    return f"no tree of cgroups can be made here: {done.stderr.strip()}" if done.returncode else None


@contextmanager
def alone(name: str) -> Iterator[Path]:
    """The cache's folder, while no other test run makes what is called `name` in it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield CACHE


def debian(suite: str) -> Path:
    """The root of a Debian release ("bookworm", "trixie"), from where this machine's own packages come from."""
    with alone(suite) as cache:
        root = cache / f"{suite}-{zlib.crc32(PACKAGES.encode()):08x}.root"
        if not root.exists():
            making = cache / f"{suite}.making"
            shutil.rmtree(making, ignore_errors=True)
            words = ["mmdebstrap", "--variant=minbase", "--format=directory", f"--include={PACKAGES}", *LEAN]
            made = subprocess.run([*words, suite, making, source(suite)], capture_output=True, text=True)
            assert made.returncode == 0, made.stderr[-2000:]
            settle(making)
            making.rename(root)
        return root


def source(suite: str) -> str:
    """The line by which apt finds `suite` at the mirror that this machine uses for Debian itself."""
    words = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(SIGNED_BY)", "Created-By: Packages"]

    def targets() -> list[list[str]]:
        listed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        rows = [line.split() for line in listed.splitlines()]
        return [row for row in rows if len(row) == 3 and row[0].startswith("http") and "-" not in row[1]]

    if not targets():
        subprocess.run(["apt-get", "update", "-qq"], check=True)
    uri, _, key = targets()[0]
    signed = f"[signed-by={key}] " if key.startswith("/") else ""
    return f"deb {signed}{uri} {suite} main"


def settle(root: Path) -> None:
    """A machine that has booted before, so that its first boot enables nothing by itself and asks nothing."""
    (root / "etc/machine-id").write_text("0" * 31 + "1\n")
    (root / "etc/hostname").write_text("board\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost board\n")
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    for unit in ("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "console-getty.service"):
        link = root / "etc/systemd/system" / unit
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    for stamp in ("etc/.updated", "var/.updated"):
        (root / stamp).touch()

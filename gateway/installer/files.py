"""What lies outside of /opt: the unit and the other files of systemd's, the user, the configuration."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from .doing import Failed, attempt, do, say
from .versions import BIN, HOME, SHARE

LIB = Path("/usr/local/lib")  # where systemd looks for what an administrator installs; /etc stays the user's own
UNIT = LIB / "systemd/system/gateway.service"
NEWER = LIB / "systemd/system/gateway.service.d/systemd-254.conf"
SYSUSERS = LIB / "sysusers.d/gateway.conf"
TMPFILES = LIB / "tmpfiles.d/gateway.conf"
UDEV = LIB / "udev/rules.d/70-gateway.rules"
FILES = {
    UNIT: "gateway.service",
    NEWER: "systemd-254.conf",
    SYSUSERS: "sysusers.conf",
    TMPFILES: "tmpfiles.conf",
    UDEV: "udev.rules",
}
OLD = Path("/etc/systemd/system/gateway.service")
COMMAND = Path("/usr/local/bin/gateway")
CONFIGURATION, STATE = Path("/etc/gateway"), Path("/var/lib/gateway")
NEW = 254  # the systemd from which on NEWER is right


def systemd() -> int:
    """Its version. Raises Failed where it is not there."""
    said = attempt(["systemctl", "--version"]).stdout
    found = re.match(r"systemd (\d+)", said)
    if found is None or not Path("/run/systemd/system").is_dir():
        raise Failed("systemd does not run here: `gateway run` under another supervisor does the same work")
    return int(found[1])


def place(version: Path) -> None:
    """The files that come with `version`, where systemd finds them; the user, the folders, the command."""
    if OLD.exists():
        raise Failed(f"{OLD} would stand before the unit: `sudo rm {OLD}` (what you added goes into `systemctl edit`)")
    for target, name in FILES.items():
        if target == NEWER and systemd() < NEW:
            target.unlink(missing_ok=True)
            continue
        put(version / SHARE / name, target)
    do(["systemd-sysusers", SYSUSERS], "the user `gateway` cannot be made: see that / can be written")
    do(["systemd-tmpfiles", "--create", TMPFILES], f"{CONFIGURATION} cannot be made: see that / can be written")
    if Path("/run/udev/control").exists():
        attempt(["udevadm", "control", "--reload"])
        attempt(["udevadm", "trigger", "--subsystem-match=tty"])
    if not os.path.lexists(COMMAND):
        COMMAND.symlink_to(BIN / "gateway")
    do(["systemctl", "daemon-reload"], "systemd does not answer: `sudo systemctl daemon-reload` says why")


def put(source: Path, target: Path) -> None:
    """A copy of `source` in the place of `target`, whole or not at all: what was there may be needed to start."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.new")
    try:
        shutil.copyfile(source, fresh)
        fresh.chmod(0o644)
        with fresh.open("rb") as written:
            os.fsync(written.fileno())
        fresh.replace(target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def begin(version: Path) -> None:
    """A starting configuration, where there is none."""
    file = CONFIGURATION / "gateway.toml"
    if os.path.lexists(file):
        say(f"{file} stays as it is")
        return
    print(do([version / "bin" / "gateway", "init", "-o", file], f"{file} could not be written"), end="")
    shutil.chown(file, "root", "gateway")
    file.chmod(0o640)


def remove(*, purge: bool) -> None:
    """Stops the service and takes away all that was installed; purge: and configuration, state and user."""
    attempt(["systemctl", "disable", "--now", "gateway.service"])
    for target in FILES:
        target.unlink(missing_ok=True)
    if NEWER.parent.is_dir() and not any(NEWER.parent.iterdir()):
        NEWER.parent.rmdir()
    if COMMAND.is_symlink() and COMMAND.readlink() == BIN / "gateway":
        COMMAND.unlink()
    if HOME.exists():
        shutil.rmtree(HOME)
    attempt(["systemctl", "daemon-reload"])
    attempt(["systemctl", "reset-failed", "gateway.service"])
    if not purge:
        say(f"removed; {CONFIGURATION}, {STATE} and the user `gateway` are left: --uninstall --purge takes them too")
        return
    for folder in (CONFIGURATION, STATE, OLD.with_name("gateway.service.d")):
        shutil.rmtree(folder, ignore_errors=True)
    for store in (Path("/etc/credstore"), Path("/etc/credstore.encrypted")):
        for secret in store.glob("gateway.*"):
            secret.unlink()
    subprocess.run(["userdel", "gateway"], check=False, capture_output=True)
    say("removed, with configuration, spool, secrets and user")

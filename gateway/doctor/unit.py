"""The systemd unit: whether it is there, is what this version ships, was read by systemd, and how it runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..commands.ends import CONFIG
from .finding import FINE, UNKNOWN, UNWISE, WRONG, Finding, itself

UNIT = "gateway.service"
ASKED = (
    "LoadState", "ActiveState", "SubState", "Result", "ExecMainStatus", "MainPID", "NRestarts", "User",
    "SupplementaryGroups", "StateDirectory", "UnitFileState", "FragmentPath", "DropInPaths", "NeedDaemonReload",
)  # fmt: skip
INSTALLED = "/usr/local/lib/systemd/"  # where the installer puts the unit, with what newer systemds may have
PACKAGE = Path(__file__).parent.parent
SHIPPED = (PACKAGE / "systemd" / UNIT, PACKAGE.parent / "systemd" / UNIT, Path(sys.prefix) / "share/gateway" / UNIT)


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """told: what `systemctl show` says, {} without systemd; installed, shipped: texts of the unit, if found."""

    told: Mapping[str, str] = field(default_factory=dict)
    installed: str | None = None
    shipped: str | None = None

    @property
    def loaded(self) -> bool:
        """Whether systemd knows the unit."""
        return self.told.get("LoadState") == "loaded"

    @property
    def user(self) -> str | None:
        """Who runs the service, where it is installed."""
        return (self.told.get("User") or None) if self.loaded else None

    @property
    def groups(self) -> list[str]:
        """Groups that the unit adds."""
        return self.told.get("SupplementaryGroups", "").split() if self.loaded else []

    @property
    def pid(self) -> int | None:
        """The running gateway's, where the service runs."""
        return int(self.told.get("MainPID") or 0) or None

    @property
    def state_dir(self) -> Path | None:
        """The service's own, where it is installed."""
        name = self.told.get("StateDirectory", "").split()
        return Path("/var/lib") / name[0] if self.loaded and name else None


def unit_facts() -> UnitFacts:
    """Asks systemd, which any user may."""
    try:
        done = subprocess.run(
            ["systemctl", "show", UNIT, "-p", ",".join(ASKED)], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return UnitFacts()
    told = dict(line.partition("=")[::2] for line in done.stdout.splitlines() if "=" in line)
    if done.returncode or not told:
        return UnitFacts()
    shipped = next((file for file in SHIPPED if file.exists()), None)
    return UnitFacts(told, _text(Path(told.get("FragmentPath", "") or "/")), _text(shipped))


def unit(facts: UnitFacts) -> Iterator[Finding]:
    """What is to be said of it."""
    told = facts.told
    if not told:
        yield Finding("unit", UNIT, UNKNOWN, "there is no systemd to ask here", f"systemctl status {UNIT}")
        return
    if not facts.loaded:
        yield Finding(
            "unit", UNIT, UNKNOWN, "is not installed: the gateway is no service here", f"systemctl cat {UNIT}"
        )
        return
    yield _running(told)
    if told.get("NeedDaemonReload") == "yes":
        says = "its file has changed since systemd read it"
        yield Finding(
            "unit",
            told.get("FragmentPath", ""),
            WRONG,
            says,
            f"sudo systemctl daemon-reload && sudo systemctl restart {UNIT}",
        )
    if facts.shipped is not None and facts.installed is not None:
        yield _drift(facts)
    if others := " ".join(path for path in told.get("DropInPaths", "").split() if not path.startswith(INSTALLED)):
        says = "the unit is changed by this, which an upgrade leaves as it is"
        yield Finding("unit", others, UNWISE, says, f"systemd-delta --type=extended {UNIT}")


def _running(told: Mapping[str, str]) -> Finding:
    active, status = told.get("ActiveState", ""), told.get("ExecMainStatus", "")
    if active == "failed" and status == str(CONFIG):
        return Finding("unit", UNIT, WRONG, "does not run, since its configuration is wrong", itself("check"))
    if active == "failed":
        says = f"has failed ({told.get('Result')}, exit code {status})"
        return Finding("unit", UNIT, WRONG, says, f"journalctl -u {UNIT} -n 50; sudo systemctl restart {UNIT}")
    if active == "inactive":
        return Finding("unit", UNIT, WRONG, "does not run", f"sudo systemctl enable --now {UNIT}")
    if told.get("UnitFileState") == "disabled":
        return Finding(
            "unit", UNIT, UNWISE, "runs, and would not after a restart of this machine", f"sudo systemctl enable {UNIT}"
        )
    again = told.get("NRestarts", "0")
    if again not in ("", "0"):
        return Finding(
            "unit", UNIT, UNWISE, f"systemd has started it anew {again} times", f"journalctl -u {UNIT} -p warning -n 50"
        )
    return Finding("unit", UNIT, FINE, f"is {active} ({told.get('SubState')})")


def _drift(facts: UnitFacts) -> Finding:
    path = facts.told.get("FragmentPath", "")
    if facts.installed == facts.shipped:
        return Finding("unit", path, FINE, "is the one that comes with this version")
    says = "is not the one that comes with this version; keep changes of your own in `systemctl edit`"
    source = next(str(file) for file in SHIPPED if _text(file) == facts.shipped)
    return Finding("unit", path, UNWISE, says, f"sudo cp {source} {path} && sudo systemctl daemon-reload")


def _text(file: Path | None) -> str | None:
    try:
        return file.read_text() if file is not None and file.is_file() else None
    except OSError:
        return None

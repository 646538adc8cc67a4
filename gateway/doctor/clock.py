"""The machine's clock: whether it was set, as the gateway itself decides it, and whether the network keeps it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ..clock import unset
from .finding import FINE, UNKNOWN, UNWISE, WRONG, Finding


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """now: s since 1970; unset: the gateway does not believe it; synced: as timedatectl says, None: not known."""

    now: float
    unset: bool
    synced: bool | None
    able: bool = True  # a service that would keep it right is installed


def clock_facts() -> ClockFacts:
    """Asks the gateway's own rule and systemd."""
    try:
        said = subprocess.run(["timedatectl", "show"], capture_output=True, text=True, timeout=5).stdout
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    told = dict(line.partition("=")[::2] for line in said.splitlines())
    synced = {"yes": True, "no": False}.get(told.get("NTPSynchronized", ""))
    return ClockFacts(time.time(), unset(), synced, told.get("CanNTP") != "no")


def clock(facts: ClockFacts) -> Iterator[Finding]:
    """What is to be said of it."""
    mend = "sudo timedatectl set-ntp true" if facts.able else "sudo apt-get install systemd-timesyncd"
    says = time.strftime("it says %Y-%m-%dT%H:%M:%SZ", time.gmtime(facts.now))
    if facts.unset:
        told = f"{says} and has not been set, so messages are marked unsynced, and TLS may fail"
        yield Finding("clock", "", WRONG, told, mend)
    elif facts.synced is False:
        told = f"{says}, and no time server keeps it right"
        yield Finding("clock", "", UNWISE, told, mend)
    elif facts.synced is None:
        yield Finding(
            "clock", "", UNKNOWN, f"{says}; whether a time server keeps it right is not known", "chronyc tracking"
        )
    else:
        yield Finding("clock", "", FINE, f"{says}, and a time server keeps it right")

"""What a process and its descendants take of the machine, from /proc."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")  # a second


def family(pid: int) -> list[int]:
    """The process and all its descendants that are there."""
    found = [pid]
    for one in found:
        for file in Path(f"/proc/{one}/task").glob("*/children"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                found += [int(child) for child in file.read_text().split()]
    return found


def cpu(pid: int) -> float:
    """Seconds of a core that the family has used, with children that have ended and were waited for."""
    ticks = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / TICK


def pss(pid: int) -> int:
    """Bytes in memory, what the family shares with itself and others counted in shares."""
    size = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            size += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return size

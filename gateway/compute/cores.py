"""How many cores this process may use: its affinity and its cgroup's quota count, not only the machine's."""

import os
from collections.abc import Iterator
from pathlib import Path


def cores(cgroup: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> int:
    """Whole cores that may run this process at once, at least 1."""
    allowed = len(os.sched_getaffinity(0))
    return max(1, int(min([allowed, *_quotas(cgroup, own)])))


def _quotas(cgroup: Path, own: Path) -> Iterator[float]:
    """The CPU quotas of this process's cgroup and of those around it (cgroup v2), in cores."""
    try:
        lines = own.read_text(errors="replace").splitlines()
    except OSError:  # no /proc: no quota is known
        return
    inside = next((line[3:].lstrip("/") for line in lines if line.startswith("0::")), "")
    folder = cgroup / inside
    for place in (folder, *folder.parents):
        if not place.is_relative_to(cgroup):
            return
        yield from _quota(place / "cpu.max")


def _quota(file: Path) -> Iterator[float]:
    """`cpu.max` holds "max 100000" or "150000 100000": microseconds of CPU in each period. The root cgroup has none."""
    try:
        quota, period = file.read_text().split()
        yield int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return

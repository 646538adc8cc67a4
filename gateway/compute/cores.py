"""How many cores this process may use: its affinity and its cgroup's quota count, not only the machine's."""

import os
from pathlib import Path


def cores(cgroup: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> int:
    """Whole cores that may run this process at once, at least 1."""
    allowed = len(os.sched_getaffinity(0))
    return max(1, min(allowed, int(_quota(cgroup, own))))


def _quota(cgroup: Path, own: Path) -> float:
    """The tightest CPU quota of this process's cgroup and of those around it (cgroup v2), in cores."""
    try:
        lines = own.read_text().splitlines()
    except OSError:  # no /proc: no quota is known
        return float("inf")
    inside = next((line[3:].lstrip("/") for line in lines if line.startswith("0::")), "")
    folder = cgroup / inside
    tightest = float(2**31)
    for place in (folder, *folder.parents):
        if cgroup not in (place, *place.parents):
            break
        tightest = min(tightest, _cores_of(place / "cpu.max"))
    return tightest


def _cores_of(file: Path) -> float:
    """`cpu.max` holds "max 100000" or "150000 100000": microseconds of CPU in each period."""
    try:
        quota, period = file.read_text().split()
    except (OSError, ValueError):  # the root cgroup has none
        return float(2**31)
    return float(2**31) if quota == "max" else int(quota) / int(period)

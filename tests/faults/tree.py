"""Readings of a process and of those that it has started, from /proc."""

import contextlib
import os
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")


def state(pid: int) -> str:
    """R, S, D, T (stopped), Z …; "" when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return ""


def alive(pid: int) -> bool:
    """Whether it runs; one that has ended and that nobody has waited for does not."""
    return state(pid) not in ("", "Z", "X")


def children(pid: int) -> list[int]:
    """Processes that it has started and that are there."""
    found = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in file.read_text().split()]
    return found


def family(pid: int) -> list[int]:
    """The process and all its descendants."""
    found = [pid]
    for one in found:
        found += children(one)
    return found


def resident(pid: int) -> int:
    """Bytes in memory, of the whole family."""
    size = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            size += int(Path(f"/proc/{one}/statm").read_text().split()[1]) * PAGE
    return size


def descriptors(pid: int) -> int:
    """Open descriptors of this one process."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def tasks(pid: int) -> list[int]:
    """The threads of this one process, by their ids."""
    return [int(one) for one in os.listdir(f"/proc/{pid}/task")]


def threads(pid: int) -> int:
    """How many threads this one process has."""
    return len(tasks(pid))


def cpu(pid: int) -> float:
    """Seconds of a core that this one process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def sockets_to(pid: int, port: int) -> int:
    """TCP connections of this one process to `port` that are established."""
    inodes = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "01" and int(fields[2].rpartition(":")[2], 16) == port:
            inodes.add(f"socket:[{fields[9]}]")
    return len(inodes.intersection(opened(pid, "socket:")))


def opened(pid: int, name: str) -> list[str]:
    """What a process has open whose path has `name` in it: paths, sockets and pipes."""
    found = []
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(os.readlink(fd))
    return [one for one in found if name in one]

"""What a feature has left running: how many, how large, by a look through /proc now and then. Runs in its process.

The kernel tells a process whether it has any child, and nothing of those that it has let go; whose children those are
now, is in /proc alone (and lists of children are there only where a kernel was built for them).
"""

import os
import time
from collections import defaultdict
from contextlib import suppress

MOST = 8  # processes that may be there after an answer, those included that have ended and are not waited for
SOON, LATER = 0.1, 1.0  # s between looks, while this process has children of its own, and while it has none
SHARE = 50  # times as long as a look took is waited too: at most 2 % of a core, however many processes there are


class Looks:
    """Looks at what is below the process that watches over this one.

    pace: of the looks; 0: one at each call. most: bytes that this process and those may take together.
    """

    def __init__(self, pace: float, most: int) -> None:
        self._pace, self._most, self._guard = pace, most, os.getppid()
        self._looked, self._took = float("-inf"), 0.0

    def wrong(self, mapped: int) -> str:
        """What is wrong with what is left, as a clause; "" when nothing is, or it is not time to look. Raises OSError.

        mapped: bytes that this process takes itself.
        """
        began = time.monotonic()
        pause = max(SOON if _has_children() else LATER, SHARE * self._took)
        if began < self._looked + self._pace * pause:
            return ""
        found = [pid for pid in below(self._guard) if pid != os.getpid()]
        size = sum(map(taken, found[:MOST]))
        self._looked = time.monotonic()
        self._took = self._looked - began
        if len(found) > MOST:
            return f"leaves processes behind ({len(found)}); {MOST} are the most"
        if found and mapped + size > self._most:
            return (
                f"leaves processes behind ({len(found)}) with {size / 1e6:.0f} MB; compute.memory is for all together"
            )
        return ""


def taken(pid: int) -> int:
    """Bytes of memory of a process, where it shares them its share; 0 when it has ended or is another user's."""
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError), open(f"/proc/{pid}/smaps_rollup") as lines:
        return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))
    return 0


def below(pid: int) -> list[int]:
    """The children of a process, theirs, and so on."""
    children = defaultdict(list)
    for child, parent in parents().items():
        children[parent].append(child)
    found, todo = [], [pid]
    while todo:
        more = children[todo.pop()]
        found += more
        todo += more
    return found


def parents() -> dict[int, int]:
    """The parent of each process of this machine that this user may see. Raises OSError when there is no /proc."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with suppress(FileNotFoundError, ProcessLookupError, PermissionError):  # it has ended, or is another user's
                with open(f"/proc/{name}/stat", "rb") as stat:
                    found[int(name)] = int(stat.read().rpartition(b")")[2].split(None, 2)[1])
    return found


def _has_children() -> bool:
    """Whether this process has a child, also one that has ended and is not waited for."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True

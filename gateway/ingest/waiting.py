"""Waiting for a port: until its path is there, and between two attempts to open it; and the time by which that goes."""

import asyncio
import errno
import time
from collections.abc import Callable

from ..model import Chunk
from .dial import SCHEME
from .identity import Node, node
from .trouble import trouble

LOOK = 0.25  # s between looks for a port that is not there


def now() -> Chunk:
    """The time by both clocks."""
    return Chunk(time.time(), time.monotonic())


async def there(path: str, say: Callable[[str], None]) -> Node | None:
    """Waits until the port is there, and says so meanwhile. A socket is tried without a look: None."""
    if path.startswith(SCHEME):
        return None
    while (seen := node(path)) is None:
        say(trouble(path, errno.ENOENT, ""))
        await asyncio.sleep(LOOK)
    return seen


async def waited(seconds: float, path: str, seen: Node | None, clock: Callable[[], float]) -> None:
    """Waits before the next attempt, at most until the device is plugged in anew or its permissions change.

    seen: what was there at the last one. clock: s, monotonic.
    """
    end = clock() + seconds
    while (left := end - clock()) > 0:
        await asyncio.sleep(min(left, LOOK))
        if not path.startswith(SCHEME) and node(path) not in (None, seen):
            return

"""Waiting in the event loop: for a condition, never for a time."""

import asyncio
import time
from collections.abc import Callable


async def until(holds: Callable[[], object], within: float = 10.0) -> None:
    """Returns when `holds()` does; fails when it does not `within` so many seconds."""
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.002)

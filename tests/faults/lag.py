"""How late an event loop is: each 10 ms a callback, and by how much it came too late.

As a program it is the idle process beside a gateway: `python -m tests.faults.lag FILE` meters a loop that does nothing,
until its standard input closes. The file holds pairs of doubles: monotonic time, lateness, both in seconds.
"""

import array
import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

EACH, FLUSH = 0.01, 0.2  # s


def meter(file: Path) -> Callable[[], None]:
    """Meters the running loop from now on; gives what ends it. A thread writes, so that the loop does not."""
    loop = asyncio.get_running_loop()
    samples: array.array[float] = array.array("d")
    out = open(file, "ab")  # noqa: SIM115 - for as long as the loop runs
    over = threading.Event()

    def look(due: float) -> None:
        now = time.monotonic()
        samples.extend((now, max(0.0, now - due)))
        loop.call_at(loop.time() + EACH, look, now + EACH)

    def write() -> None:
        while not over.wait(FLUSH):
            size = len(samples)
            out.write(samples[:size].tobytes())
            out.flush()
            del samples[:size]

    loop.call_later(EACH, look, time.monotonic() + EACH)
    threading.Thread(target=write, name="lag", daemon=True).start()
    return over.set


def read(file: Path, since: float, until: float) -> list[float]:
    """How late it was, sorted, between two monotonic times."""
    values = array.array("d")
    raw = file.read_bytes() if file.exists() else b""
    values.frombytes(raw[: len(raw) // 16 * 16])
    return sorted(late for at, late in zip(values[::2], values[1::2], strict=True) if since <= at <= until)


async def _idle(file: Path) -> None:
    meter(file)
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    loop.add_reader(0, lambda: os.read(0, 1) or over.done() or over.set_result(None))
    await over


if __name__ == "__main__":
    asyncio.run(_idle(Path(sys.argv[1])))

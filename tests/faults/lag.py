"""How late an event loop is: each 10 ms a callback, and by how much it came too late.

What the machine kept its thread waiting for a core is taken off, as the kernel counts it: that is no loop's fault.

As a program it is the idle process beside a gateway: `python -m tests.faults.lag FILE` meters a loop that does nothing,
until its standard input closes. The file holds three doubles a callback: monotonic time, lateness, time without a
core, in seconds.
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
    account = os.open(f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY)
    over = threading.Event()

    def waited() -> float:
        """Seconds in which the thread could have run, and had no core."""
        return int(os.pread(account, 100, 0).split()[1]) / 1e9

    def look(due: float, before: float) -> None:
        now, without = time.monotonic(), waited()
        samples.extend((now, max(0.0, now - due - (without - before)), without - before))
        loop.call_at(loop.time() + EACH, look, now + EACH, without)

    def write() -> None:
        while not over.wait(FLUSH):
            size = len(samples)
            out.write(samples[:size].tobytes())
            out.flush()
            del samples[:size]

    loop.call_later(EACH, look, time.monotonic() + EACH, waited())
    threading.Thread(target=write, name="lag", daemon=True).start()
    return over.set


def read(file: Path, since: float, until: float) -> tuple[list[float], list[float]]:
    """How late it was, and how long it had no core, between two monotonic times; both sorted."""
    values = array.array("d")
    raw = file.read_bytes() if file.exists() else b""
    values.frombytes(raw[: len(raw) // 24 * 24])
    seen = [at for at in range(0, len(values), 3) if since <= values[at] <= until]
    return sorted(values[at + 1] for at in seen), sorted(values[at + 2] for at in seen)


async def _idle(file: Path) -> None:
    meter(file)
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    loop.add_reader(0, lambda: os.read(0, 1) or over.done() or over.set_result(None))
    await over


if __name__ == "__main__":
    asyncio.run(_idle(Path(sys.argv[1])))

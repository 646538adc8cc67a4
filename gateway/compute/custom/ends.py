"""Processes on their way out: waited for, and killed when they do not go; what is then known of how they ended."""

import asyncio
import contextlib
import signal
from collections.abc import Callable
from typing import Any

from ..process import Process

GRACE = 0.5  # s for what watches over a process to end it; then it is killed itself
KILLED = {-signal.SIGKILL, -signal.SIGTERM, 255, None}  # exit codes of what somebody killed; 255: not known


class Ends:
    """Buries processes whose sockets are closed, at which what watches over them ends all that belongs to them."""

    def __init__(self) -> None:
        self._dying: dict[Process, asyncio.Future[None]] = {}

    def bury(self, process: Process, then: Callable[[int | None], None]) -> None:
        """Waits for its end; `then` gets its exit code, minus the signal, or None where it is not known."""
        loop = asyncio.get_running_loop()
        gone = self._dying[process] = loop.create_future()
        kill = loop.call_later(GRACE, process.kill)

        def buried() -> None:
            loop.remove_reader(process.sentinel)
            kill.cancel()
            code = process.code
            process.crashed()  # lets go of it
            del self._dying[process]
            gone.set_result(None)
            then(code)

        loop.add_reader(process.sentinel, buried)

    async def gone(self, coming: set[asyncio.Future[Any]], patience: float) -> None:
        """Waits until nothing is left, nor is `coming`, at most `patience` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while coming or self._dying:
                    await asyncio.wait({*coming} or {*self._dying.values()})


def how(code: int | None) -> str:
    """How a process ended, as a clause."""
    if code is None or code == 255:
        return "has ended"
    if code >= 0:
        return f"ended its process with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = ", perhaps for want of memory" if code == -signal.SIGKILL else ""
    return f"was killed by {name}{hint}"

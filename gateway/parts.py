"""The parts that run by themselves, as tasks; what one of the street's own fails with is the whole service's end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

Part = asyncio.Task[None]
ANEW = 60.0  # s after which a part that has failed begins anew


class Parts:
    """All that run. To be made in the loop."""

    def __init__(self) -> None:
        self.running: set[Part] = set()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self, part: Coroutine[Any, Any, None]) -> Part:
        """Runs a part until it is ended."""
        task = asyncio.get_running_loop().create_task(part)
        self.running.add(task)
        task.add_done_callback(self._ended)
        return task

    def keep(self, part: Callable[[], Coroutine[Any, Any, None]], failed: Callable[[str, Exception], None]) -> Part:
        """Runs a part without which the street goes on. What it fails with is told, and it begins anew later."""

        async def kept() -> None:
            while True:
                try:
                    return await part()
                except Exception as error:
                    failed(getattr(part, "__qualname__", ""), error)
                await asyncio.sleep(ANEW)

        return self.start(kept())

    def _ended(self, task: Part) -> None:
        self.running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not self._failed.done():
            self._failed.set_exception(error)

    async def until(self, stop: asyncio.Event) -> None:
        """Waits for `stop`. Raises what a part has failed with: a bug, better told than hidden."""
        stopping = asyncio.ensure_future(stop.wait())
        try:
            both: set[asyncio.Future[Any]] = {stopping, self._failed}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                self._failed.result()
        finally:
            stopping.cancel()

    async def end(self, parts: Iterable[Part] | None = None) -> None:
        """Cancels these parts, or all, and waits for their end."""
        ending = list(self.running if parts is None else parts)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)


async def done_before(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Does `work`, and gives whether it was done before `stop` was set: then it is cancelled. Raises what it raises."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
        return working.done()
    finally:
        working.cancel()
        stopping.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)

"""News from the parts of a street: who waits for something looks whether it holds whenever some has come."""

import asyncio
import math
from collections.abc import Callable


class News:
    """That something has happened; what, those who wait see for themselves."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def came(self) -> None:
        """Something has happened."""
        self._event.set()

    async def until(self, holds: Callable[[], bool], patience: float) -> bool:
        """Waits until `holds()`; whether it does. patience: s. Raises what `holds` raises."""
        deadline = asyncio.get_running_loop().time() + patience
        while not holds():
            self._event.clear()
            try:
                async with asyncio.timeout_at(deadline if patience < math.inf else None):
                    await self._event.wait()
            except TimeoutError:
                return holds()
        return True

    async def all_came(
        self, received: Callable[[], int], most: int, quiet: float, patience: float, over: Callable[[], bool]
    ) -> None:
        """Waits until `received()` is `most`, as long as more comes within `quiet` s, and `patience` s in all.

        over: whether nothing more is to be waited for. Raises what `over` raises.
        """
        deadline = asyncio.get_running_loop().time() + patience
        while (before := received()) < most and not over() and asyncio.get_running_loop().time() < deadline:
            if not await self.until(lambda before=before: received() > before or over(), quiet):  # type: ignore[misc]
                break

"""What is asked of the gateway for many: a scrape and ten pages at once cost it hardly more than one."""

import asyncio
import json
import time
from typing import Any

from ..feed.protocol import Message
from .link import Link

APART, AT_ONCE = 0.1, 50  # s between two snapshots, in the long run; and so many may come at once
SPARING = 10  # times the CPU that one has taken the gateway, where that is longer
KEPT = 2.0  # s for which an hour of a sensor is handed on as it was


class Asking:
    """Asks over `link`."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._next: asyncio.Task[dict[str, Any]] | None = None  # a snapshot that is not taken yet
        self._due = 0.0  # when the next one would come if they came evenly
        self._hours: dict[int, asyncio.Task[Message | None]] = {}

    async def snapshot(self) -> dict[str, Any]:
        """The documents as they are after this call: for all who wait, one. Raises Silent."""
        if self._next is None:
            self._next = asyncio.ensure_future(self._snapshot())
        return await asyncio.shield(self._next)

    async def _snapshot(self) -> dict[str, Any]:
        now = time.monotonic()
        await asyncio.sleep(max(0.0, self._due - AT_ONCE * APART - now))
        self._next, self._due = None, max(self._due, now) + APART
        answer = await self._link.ask("snapshot")
        assert answer is not None
        self._due += max(0.0, SPARING * answer.head["took"] - APART)
        found: dict[str, Any] = json.loads(answer.body)
        return found

    async def hour(self, id: int) -> Message | None:
        """The hour of a sensor; None where there is none of that id. Raises Silent."""
        if (kept := self._hours.get(id)) is None:
            kept = self._hours[id] = asyncio.ensure_future(self._link.ask("history", id=id))
            asyncio.get_running_loop().call_later(KEPT, self._hours.pop, id)
        return await asyncio.shield(kept)

    async def capture(self, board: str) -> Message | None:
        """The newest bytes of a board; None where there is none of that name. Raises Silent."""
        return await self._link.ask("capture", board=board)

    async def moves(self) -> bool:
        """Whether the street moves. Raises Silent."""
        answer = await self._link.ask("health")
        return answer is not None and answer.head.get("moves") is True

"""The stream of events that an open page listens to."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .hub import RETRY, Hub, Page

Message = MutableMapping[str, Any]
STUCK = 30.0  # s in which a page takes nothing of what it is sent


class Events:
    """An answer that does not end until the page is closed, or takes nothing any more."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def send(self, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
        """Sends it. receive, send: see ASGI."""
        kind = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": kind})
        page = self._hub.join()
        sending = asyncio.ensure_future(self._send(page, send))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.leave(page)
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send(self, page: Page, send: Callable[[Message], Awaitable[None]]) -> None:
        """Ends when the page is stuck."""
        data = RETRY
        try:
            while True:
                async with asyncio.timeout(STUCK):  # waits while what was sent before has not gone
                    await send({"type": "http.response.body", "body": data, "more_body": True})
                data = await page.next(self._hub.whole)
        except TimeoutError:
            return


async def _left(receive: Callable[[], Awaitable[Message]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

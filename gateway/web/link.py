"""The way to the gateway: what it sends, and what it is asked."""

import asyncio
from collections.abc import Callable
from typing import Any

from ..feed.protocol import Message, Stream, written

PATIENCE = 10.0  # s for an answer
WAITING = 100  # questions that may be open


class Silent(Exception):
    """The gateway gives no answer."""


class Link(asyncio.Protocol):
    """take: gets each event (its name, its head, its body). gone: is called when the gateway has gone."""

    def __init__(self, take: Callable[[str, dict[str, Any], bytes], None], gone: Callable[[], None]) -> None:
        self.settings: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._take, self._gone = take, gone
        self._stream = Stream()
        self._transport: asyncio.Transport | None = None
        self._asked: dict[int, asyncio.Future[Message]] = {}
        self._count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        for message in self._stream.feed(data):
            head, body = message
            if "event" in head:
                self._take(head["event"], head, body)
            elif "answer" in head:
                asked = self._asked.pop(head["answer"], None)
                if asked is not None and not asked.done():
                    asked.set_result(message)
            elif "ping" in head:
                self.say({"pong": True})
            elif "settings" in head and not self.settings.done():
                self.settings.set_result(head["settings"])

    def connection_lost(self, error: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._gone()

    def say(self, head: dict[str, Any]) -> None:
        """Tells the gateway something."""
        if self._transport is not None:
            self._transport.write(written(head))

    async def ask(self, what: str, **about: Any) -> Message | None:
        """The answer, or None where there is none. Raises Silent."""
        if len(self._asked) >= WAITING:
            raise Silent
        self._count += 1
        number, answer = self._count, asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        self.say({"ask": number, "what": what, **about})
        try:
            async with asyncio.timeout(PATIENCE):
                message: Message = await answer
        except TimeoutError:
            raise Silent from None
        finally:
            self._asked.pop(number, None)
        return None if message.head.get("none") else message

"""HTTP, and how much of it there may be: connections, the size of a request's head, the time that one may take.

The only door to uvicorn. Beyond the most connections the one goes that has waited longest to say what it wants.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Generator
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from .guard import EVENTS, LONGEST_HEAD

MOST = 64  # connections
HEAD = LONGEST_HEAD  # while it comes; what comes at once is seen by the guard
ASKING, ANSWERING = 10.0, 30.0  # s for a request to come, and to be answered; a stream sees to its own time
BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 28\r\n"
    b"Retry-After: 5\r\nConnection: close\r\n\r\nthere are too many requests\n"
)


class Protocol(H11Protocol):
    """One connection."""

    _deadline: asyncio.TimerHandle | None = None
    asks: bool = True  # it has not said yet what it wants

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self._within(ASKING)
        if not self._room():
            transport.write(BUSY)
            transport.close()

    def _room(self) -> bool:
        """Whether there is room for this one, or could be made."""
        others = [one for one in self.connections if one is not self and not one.transport.is_closing()]
        if len(others) < MOST:
            return True
        waiting = [one for one in others if isinstance(one, Protocol) and one.asks]
        if waiting:
            min(waiting, key=lambda one: one.since).transport.abort()
        return bool(waiting)

    def _within(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self.since = self.loop.time()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)

    def handle_events(self) -> None:
        """See H11Protocol."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self.asks = False
            self._within(None if self.scope["path"] == EVENTS else ANSWERING)

    def on_response_complete(self) -> None:
        """See H11Protocol."""
        self.asks = True
        self._within(ASKING)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._within(None)
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """A request that is none; one whose head is too long is told so."""
        status, reason = (431, b"Request Header Fields Too Large") if self._too_long() else (400, b"Bad Request")
        text = b"this is no request that is taken here\n"
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(text)), (b"connection", b"close")]
        for event in (h11.Response(status_code=status, headers=headers, reason=reason), h11.Data(data=text)):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.write(self.conn.send(h11.EndOfMessage()) or b"")
        self.transport.close()

    def _too_long(self) -> bool:
        rest, _ = self.conn.trailing_data
        return len(rest) > HEAD


class Server(uvicorn.Server):
    """It ends with its process, and has nothing to do by the clock. ready: is set when it serves."""

    def __init__(self, config: uvicorn.Config, ready: asyncio.Event) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn.Server."""
        await super().startup(sockets)
        self._ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """The gateway ends us."""
        yield

    async def main_loop(self) -> None:
        """For ever."""
        await asyncio.get_running_loop().create_future()


async def served(app: Any, sock: socket.socket, ready: asyncio.Event) -> None:
    """Serves `app` on `sock`, for ever. ready: is set when it does."""
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # what others send is no matter for the log
    config = uvicorn.Config(
        app, http=Protocol, ws="none", loop="asyncio", lifespan="off", log_config=None, access_log=False,
        proxy_headers=False, server_header=False, date_header=False, timeout_keep_alive=int(ASKING),
        h11_max_incomplete_event_size=HEAD, backlog=2 * MOST,
    )  # fmt: skip
    await Server(config, ready).serve([sock])

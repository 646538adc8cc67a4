"""Keeps the web process running, and carries messages between it and the feeder. It never holds up the street."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..backoff import attempts_after, delay
from ..listening import written as place
from ..threads import in_thread
from .child import Child
from .feeder import Feeder
from .protocol import Garbled, Stream, written

TICK, DOCUMENTS = 0.25, 1.0  # s between two looks at the values, and at the documents, while somebody looks
SPARING = 50  # times the CPU that a look at the documents takes: those of thousands are looked at more rarely
STARTING = 60.0  # s for the process to listen, on a slow board
PING, SILENT = 10.0, 30.0  # s between two signs of life, and without one until it is ended
LATEST = 30.0  # s between two attempts, at the most: each costs a start of Python
FULL = 4_000_000  # bytes that it may leave unread
GOODBYE = 0.5  # s for it to end by itself


class Host:
    """feeder: what to say. settings: what the process shall do, for its first message; None: there shall be none.

    tell: gets one sentence on what is wrong, and None when nothing is. event: for the log. on: is told whether there
    is anybody to collect for.
    """

    def __init__(
        self,
        feeder: Feeder,
        settings: Mapping[str, Any] | None,
        tell: Callable[[str | None], None],
        event: Callable[..., Any],
        on: Callable[[bool], None],
    ) -> None:
        self._feeder, self._tell, self._event, self._on = feeder, tell, event, on
        self._settings = settings
        self._renewed = asyncio.Event()
        self.address: tuple[str, int] | None = None  # where it listens now

    def renew(self, settings: Mapping[str, Any] | None) -> None:
        """The configuration was read again: a process with other settings takes the place of this one."""
        if settings != self._settings:
            self._settings = settings
            self._renewed.set()

    async def run(self) -> None:
        """Keeps it running for ever; when it is cancelled the process ends."""
        while True:
            self._renewed.clear()
            self._tell(None)
            self._on(self._settings is not None)
            if (settings := self._settings) is None:
                await self._renewed.wait()
            else:
                await self._keep(settings)

    async def _keep(self, settings: Mapping[str, Any]) -> None:
        """Starts it again whenever it ends, until there are other settings."""
        attempts, lost = 0, 0.0
        while not self._renewed.is_set():
            began = time.monotonic()
            life = _Life(self._feeder, lambda line: self._event("web.said", text=line))
            try:
                why = await life.run(settings, self._renewed, partial(self._listens, life, lost))
            except OSError as error:
                why = str(error.strerror or error)
            finally:
                self.address = None
            if self._renewed.is_set():
                return
            if life.address is not None or not lost:
                lost = time.monotonic()
                self._event("web.lost", listen=place(*settings["listen"]), why=why)
            self._tell(why)
            attempts = attempts_after(attempts, time.monotonic() - began if life.address else 0.0)
            pause = delay(attempts, random.random(), most=LATEST)
            try:
                async with asyncio.timeout(pause):
                    await self._renewed.wait()
            except TimeoutError:
                continue

    def _listens(self, life: _Life, lost: float) -> None:
        self.address = life.address
        listen = place(*life.address) if life.address else ""
        self._tell(None)
        if lost:
            self._event("web.recovered", listen=listen, after_s=round(time.monotonic() - lost, 1))
        else:
            self._event("web.started", listen=listen)


class _Life(asyncio.Protocol):
    """One process, from its start to its end. address: where it listens, once it does."""

    def __init__(self, feeder: Feeder, said: Callable[[str], object]) -> None:
        self.address: tuple[str, int] | None = None
        self._feeder, self._said = feeder, said
        self._failed: str | None = None  # what it gave as the reason of its end
        self._stream = Stream()
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[str] = self._loop.create_future()
        self._listens: Callable[[], None] = lambda: None
        self._heard = time.monotonic()
        self._looking: asyncio.Task[None] | None = None

    async def run(self, settings: Mapping[str, Any], renewed: asyncio.Event, listens: Callable[[], None]) -> str:
        """Why it ended. Raises OSError when it does not start. listens: is called when it does."""
        self._listens = listens
        child = await in_thread(Child.start, "web-start", unwanted=Child.forget)
        end = asyncio.ensure_future(in_thread(lambda: child.ended(self._say), "web-watch"))
        other = asyncio.ensure_future(renewed.wait())
        living = asyncio.ensure_future(self._alive())
        try:
            self._transport, _ = await self._loop.create_connection(lambda: self, sock=child.channel)
            self._send(written({"settings": dict(settings)}))
            ways: set[asyncio.Future[Any]] = {end, other, living, self._over}
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            why = next((one.result() for one in (living, self._over) if one.done()), "")
        finally:
            self._look(False)
            if self._transport is not None:
                self._transport.abort()
            other.cancel()
            living.cancel()
            await asyncio.wait({end}, timeout=GOODBYE)
            child.kill()
            ended = await asyncio.shield(end)
        return self._failed or why or ended

    def _say(self, line: str) -> None:
        self._loop.call_soon_threadsafe(self._said, line)

    async def _alive(self) -> str:
        """Ends when nothing is heard from it any more."""
        patience = STARTING
        while (rest := self._heard + patience - time.monotonic()) > 0:
            await asyncio.sleep(min(PING, rest))
            if self.address is not None:
                self._send(written({"ping": True}))
                patience = SILENT
        return f"the web process was not heard of for {patience:.0f} s"

    # what comes

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._heard = time.monotonic()
        try:
            for head, _ in self._stream.feed(data):
                self._take(head)
        except Garbled as error:
            self._end(f"the web process says what is no message: {error}")

    def connection_lost(self, error: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._end("")

    def _take(self, head: Mapping[str, Any]) -> None:
        match head:
            case {"look": bool(looked_at)}:
                self._look(looked_at)
            case {"ask": _}:
                self._send(self._feeder.answer(head, time.thread_time))
            case {"ready": [str(host), int(port)]}:
                self.address = (host, port)
                self._listens()
            case {"failed": str(sentence)}:
                self._failed = sentence

    def _end(self, why: str) -> None:
        if not self._over.done():
            self._over.set_result(why)

    # what goes

    def _send(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > FULL:
            self._end("the web process does not read what it is sent")
        else:
            self._transport.write(data)

    def _look(self, looked_at: bool) -> None:
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        self._feeder.look(looked_at)
        if looked_at:
            self._looking = self._loop.create_task(self._show())
            self._looking.add_done_callback(self._shown)

    def _shown(self, showing: asyncio.Task[None]) -> None:
        """What it has failed with is told, and tried anew: a page that stands still says nothing of why."""
        if not showing.cancelled() and (error := showing.exception()) is not None:
            self._end(f"what the page is to be told cannot be made: {error!r}")

    async def _show(self) -> None:
        """Sends what changes. What it has not read yet is not sent again: it will have what is newest then."""
        transport = self._transport
        due = 0.0
        while transport is not None:
            if not transport.get_write_buffer_size():
                now, before = time.monotonic(), time.thread_time()
                if now >= due:
                    for message in self._feeder.documents():
                        self._send(message)
                    due = now + max(DOCUMENTS - TICK / 2, SPARING * (time.thread_time() - before))
                for message in self._feeder.values():
                    self._send(message)
            await asyncio.sleep(TICK)

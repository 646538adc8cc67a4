"""What a network does between the gateway and the broker: a TCP proxy that counts MQTT's packets both ways.

What it does is set by attributes, and holds from the next bytes on. It runs in a thread of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tests.brokers import free_port
from tests.packets import CONNACK, PUBACK, PUBLISH

T = TypeVar("T")
LOOK = 0.01  # s


class Packets:
    """Bytes, cut anywhere -> whole packets."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """What `data` completes."""
        self._rest += data
        out = []
        while len(self._rest) >= 2:
            size, at = self._rest[1] & 127, 2
            while self._rest[at - 1] & 128 and at < min(5, len(self._rest)):
                size |= (self._rest[at] & 127) << 7 * (at - 1)
                at += 1
            if self._rest[at - 1] & 128 or len(self._rest) < at + size:
                break
            out.append(self._rest[: at + size])
            self._rest = self._rest[at + size :]
        return out


def body(packet: bytes) -> bytes:
    """A packet without its fixed header."""
    at = 1
    while packet[at] & 128:
        at += 1
    return packet[at + 1 :]


class Link:
    """One connection of the gateway, and ours to the broker."""

    def __init__(self, ours: asyncio.StreamWriter) -> None:
        self.ours = ours
        self.theirs: asyncio.StreamWriter | None = None
        self.under_way: dict[int, bytes] = {}
        self.behind: defaultdict[int, bytes] = defaultdict(bytes)  # answers of ours, by whose answer comes before them
        self.kept = False  # our side to the broker outlives the gateway's


class Proxy:
    """Listens on `port`; forwards to the broker at `to`.

    frozen: it accepts, and moves nothing. delay: s that each piece takes. rate: bytes a second each way. eaten: kinds
    of packets of the broker that vanish. edit: the broker's packet -> what is sent in its place. answer: topic and
    payload of a PUBLISH -> the reason with which it is answered in the broker's place, None to pass it on. cut: bytes
    of the gateway after which a connection is reset. received, sent: kinds of packets of either. acknowledged: payloads
    that the broker has answered. welcomes: its CONNACKs.
    """

    def __init__(self, to: int) -> None:
        self.to, self.port = to, free_port()
        self.frozen = False
        self.delay = 0.0
        self.rate: float | None = None
        self.eaten: set[int] = set()
        self.edit: Callable[[bytes], bytes] | None = None
        self.answer: Callable[[str, bytes], int | None] = lambda topic, payload: None
        self.cut: int | None = None
        self.acknowledged: list[bytes] = []
        self.welcomes: list[bytes] = []
        self.received: Counter[int] = Counter()
        self.sent: Counter[int] = Counter()
        self.vanished = self.edited = self.cuts = self.answered = 0
        self.accepted: list[float] = []  # when, by the loop's clock (monotonic)
        self.most_under_way = 0  # PUBLISH without an answer, at any time
        self.longest = 0  # bytes of a PUBLISH
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._link, "127.0.0.1", self.port))

    @property
    def open(self) -> int:
        """Connections that are open now."""
        return len(self._links)

    def until_closed(self, seconds: float) -> bool:
        """Whether no connection is open, within so many seconds."""
        deadline = time.monotonic() + seconds
        while self.open and time.monotonic() < deadline:
            time.sleep(LOOK)
        return not self.open

    def reset(self) -> None:
        """All connections end by RST, on both sides."""
        self._call(self._each(lambda link: (_reset(link.ours), link.theirs and _reset(link.theirs))))

    def half_open(self) -> None:
        """The gateway's side is gone; the broker is not told, and keeps its own."""

        def leave(link: Link) -> None:
            link.kept = True
            _reset(link.ours)

        self._call(self._each(leave))

    def inject(self, data: bytes) -> None:
        """Says `data` to the gateway, as if the broker had."""
        self._call(self._each(lambda link: link.ours.write(data)))

    def close(self) -> None:
        """Ends everything."""

        async def end() -> None:
            self._server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

        self._call(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _call(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    async def _each(self, do: Callable[[Link], Any]) -> None:
        for link in list(self._links):
            do(link)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.accepted.append(self._loop.time())
        link = Link(writer)
        self._links.add(link)
        try:
            await self._thaw()
            far, link.theirs = await asyncio.open_connection("127.0.0.1", self.to)
            up = asyncio.ensure_future(self._pump(reader, link.theirs, lambda packet: self._up(link, packet), link))
            down = asyncio.ensure_future(self._pump(far, writer, lambda packet: self._down(link, packet), None))
            try:
                await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                up.cancel()
                down.cancel()
                await asyncio.gather(up, down, return_exceptions=True)
            while link.kept and await far.read(65536):
                continue
        except OSError:
            _reset(writer)
        finally:
            self._links.discard(link)
            self._tasks.discard(task)
            for side in (link.ours, link.theirs):
                if side is not None:
                    with contextlib.suppress(OSError):
                        side.close()

    async def _thaw(self) -> None:
        while self.frozen:  # noqa: ASYNC110 - set from another thread, as every attribute is
            await asyncio.sleep(LOOK)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        pass_on: Callable[[bytes], bytes],
        up: Link | None,
    ) -> None:
        packets, passed = Packets(), 0
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                await self._thaw()
                if self.delay:
                    await asyncio.sleep(self.delay)
                out = b"".join(map(pass_on, packets.feed(data)))
                passed += len(out)
                if up is not None and self.cut is not None and passed > self.cut:
                    writer.write(out[: max(0, len(out) - (passed - self.cut))])
                    self.cuts += 1
                    _reset(up.ours)
                    return
                for at in range(0, len(out), 512) if self.rate else ():
                    await asyncio.sleep(len(out[at : at + 512]) / self.rate if self.rate else 0)
                    writer.write(out[at : at + 512])
                if not self.rate:
                    writer.write(out)
                await writer.drain()

    def _up(self, link: Link, packet: bytes) -> bytes:
        kind = packet[0] >> 4
        self.received[kind] += 1
        if kind == PUBLISH:
            self.longest = max(self.longest, len(packet))
        if kind == PUBLISH and packet[0] & 6:
            start = body(packet)
            at = 2 + int.from_bytes(start[:2], "big")
            number, payload = int.from_bytes(start[at : at + 2], "big"), start[at + 2 :]
            reason = self.answer(start[2:at].decode(), payload)
            if reason is not None:
                self.answered += 1
                answer = bytes([PUBACK << 4, 3]) + start[at : at + 2] + bytes([reason])
                if link.under_way:  # brokers answer in order
                    link.behind[next(reversed(link.under_way))] += answer
                else:
                    link.ours.write(answer)
                return b""
            link.under_way[number] = payload
            self.most_under_way = max(self.most_under_way, len(link.under_way))
        return packet

    def _down(self, link: Link, packet: bytes) -> bytes:
        kind = packet[0] >> 4
        number = int.from_bytes(body(packet)[:2], "big") if kind == PUBACK else 0
        behind = link.behind.pop(number, b"")
        if kind in self.eaten:
            self.vanished += 1
            return behind
        if kind == PUBACK:
            payload = link.under_way.pop(number, b"")
            self.acknowledged.append(payload[payload.find(b"{") :])
        elif kind == CONNACK:
            self.welcomes.append(packet)
        self.sent[kind] += 1
        if self.edit is None:
            return packet + behind
        changed = self.edit(packet)
        self.edited += changed != packet
        return changed + behind


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def states(extra: bytes) -> Callable[[bytes], bytes]:
    """An `edit`: CONNACK has the properties `extra` besides those of its own that are no limits (MQTT 5)."""

    def edit(packet: bytes) -> bytes:
        if packet[0] >> 4 != CONNACK:
            return packet
        own = body(packet)
        stated = own[3:].replace(b"\x21\x00\x14", b"") + extra
        inner = own[:2] + bytes([len(stated)]) + stated
        return bytes([CONNACK << 4, len(inner)]) + inner

    return edit

"""Brokers for tests: a real mosquitto, one that does as a script says, and an independent subscriber.

Nothing here is shared with the product, so that the two cannot share a mistake.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 14
MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") or "mosquitto"
WELCOME_5, WELCOME_3 = b"\x20\x03\x00\x00\x00", b"\x20\x02\x00\x00"


def free_port() -> int:
    """A loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mosquitto:
    """A real mosquitto on loopback, which drops nothing. lines: of its configuration."""

    def __init__(self, folder: Path, lines: Iterable[str] = ()) -> None:
        self.port = free_port()
        self._log = folder / "mosquitto.log"
        self._file = folder / "mosquitto.conf"
        own = [
            f"listener {self.port} 127.0.0.1",
            "max_queued_messages 0",
            "max_inflight_messages 0",
            "log_type all",
            f"user {getpass.getuser()}",
        ]
        own.append(f"persistence_location {folder}/")
        lines = list(lines)
        if not any(line.startswith("allow_anonymous") for line in lines):
            own.append("allow_anonymous true")
        self._file.write_text("\n".join([*own, *lines, ""]))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What it has logged so far, over all its starts."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Starts it; returns when it accepts."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([MOSQUITTO, "-c", str(self._file)], stdout=log, stderr=log)
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self._process.poll() is None and time.monotonic() < deadline, self.log
            time.sleep(0.01)

    def signal(self, number: signal.Signals) -> None:
        """SIGSTOP freezes it, SIGCONT lets it go on, SIGHUP reads passwords and access lists anew."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        """SIGTERM; returns when it is gone."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(number)
        self._process.wait(10)
        self._process = None


def length(size: int) -> bytes:
    """MQTT's variable byte integer."""
    out = b""
    while size >= 128:
        out += bytes([size % 128 + 128])
        size //= 128
    return out + bytes([size])


def string(text: str | bytes) -> bytes:
    """MQTT's string or binary: two bytes of length before it."""
    data = text.encode() if isinstance(text, str) else text
    return len(data).to_bytes(2, "big") + data


def packet(kind: int, flags: int, body: bytes) -> bytes:
    """A packet with its fixed header."""
    return bytes([kind << 4 | flags]) + length(len(body)) + body


async def read_packet(reader: asyncio.StreamReader) -> tuple[int, int, bytes] | None:
    """(kind, flags, body) of the next packet; None at the end."""
    try:
        first = (await reader.readexactly(1))[0]
        size = shift = 0
        while True:
            byte = (await reader.readexactly(1))[0]
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        return first >> 4, first & 15, await reader.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


class Cursor:
    """Reads the fields of a packet one after another."""

    def __init__(self, body: bytes) -> None:
        self.body, self.at = body, 0

    def take(self, size: int) -> bytes:
        """The next bytes."""
        self.at += size
        assert self.at <= len(self.body), "the packet is too short"
        return self.body[self.at - size : self.at]

    def number(self, size: int) -> int:
        """The next big-endian number."""
        return int.from_bytes(self.take(size), "big")

    def string(self) -> bytes:
        """The next string."""
        return self.take(self.number(2))

    def properties(self) -> bytes:
        """The next properties, as they are."""
        size = shift = 0
        while True:
            byte = self.number(1)
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return self.take(size)

    def rest(self) -> bytes:
        """All that is left."""
        return self.body[self.at :]


@dataclass(frozen=True)
class Connect:
    """What a client said as it connected."""

    version: int
    client_id: str
    keepalive: int
    will: tuple[str, bytes, int, bool] | None  # topic, payload, QoS, retain
    username: str | None
    password: str | None


@dataclass(frozen=True)
class Publish:
    """A message that came in, on the how-manieth connection."""

    connection: int
    topic: str
    payload: bytes
    qos: int
    retain: bool
    packet_id: int | None
    size: int

    @property
    def json(self) -> Any:
        """The payload; NaN and infinity are no JSON."""
        return strict(self.payload)


def strict(payload: bytes) -> Any:
    """JSON that is JSON: no NaN, no infinity."""

    def refuse(text: str) -> None:
        raise AssertionError(f"{text} is no JSON")

    return json.loads(payload, parse_constant=refuse)


def parse_connect(body: bytes) -> Connect:
    """The fields of a CONNECT."""
    fields = Cursor(body)
    assert fields.string() == b"MQTT"
    version, flags, keepalive = fields.number(1), fields.number(1), fields.number(2)
    assert flags & 2, "a clean start"
    if version == 5:
        fields.properties()
    client_id = fields.string().decode()
    will = None
    if flags & 4:
        if version == 5:
            fields.properties()
        will = (fields.string().decode(), fields.string(), flags >> 3 & 3, bool(flags & 32))
    username = fields.string().decode() if flags & 128 else None
    password = fields.string().decode() if flags & 64 else None
    assert not fields.rest()
    return Connect(version, client_id, keepalive, will, username, password)


def parse_publish(flags: int, body: bytes, version: int, connection: int) -> Publish:
    """The fields of a PUBLISH."""
    fields = Cursor(body)
    topic, qos = fields.string().decode(), flags >> 1 & 3
    packet_id = fields.number(2) if qos else None
    if version == 5:
        fields.properties()
    return Publish(
        connection, topic, fields.rest(), qos, bool(flags & 1), packet_id, len(body) + 1 + len(length(len(body)))
    )


CUT = object()
"""An answer: the connection is cut."""


@dataclass
class FakeBroker:
    """A broker that does as it is told.

    welcome: the bytes that answer a CONNECT, None for silence, CUT. answer: the reason that acknowledges a PUBLISH,
    None for silence, CUT, bytes that are the last words before a cut. script: takes over the whole conversation.
    """

    welcome: Callable[[Connect], Any] = lambda connect: WELCOME_5 if connect.version == 5 else WELCOME_3
    answer: Callable[[Publish], Any] = lambda publish: 0
    script: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] | None = None
    listening: bool = True  # False: whoever wants to subscribe is cut off
    connects: list[Connect] = field(default_factory=list)
    publishes: list[Publish] = field(default_factory=list)
    goodbyes: int = 0
    subscribed: list[str] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)  # what was no MQTT
    port: int = 0

    @property
    def open(self) -> int:
        """Connections that are open now."""
        return len(self._tasks)

    async def __aenter__(self) -> FakeBroker:
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        assert not self.errors

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._over(task, writer))

    def _over(self, task: asyncio.Task[None], writer: asyncio.StreamWriter) -> None:
        self._tasks.discard(task)
        writer.transport.abort()
        if not task.cancelled() and (error := task.exception()) is not None:
            self.errors.append(error)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.script is not None:
            await self.script(reader, writer)
            return
        first = await read_packet(reader)
        if first is None:
            return
        connect = parse_connect(first[2])
        self.connects.append(connect)
        number = len(self.connects)
        welcome = self.welcome(connect)
        if welcome is CUT:
            return
        writer.write(welcome or b"")
        while (got := await read_packet(reader)) is not None:
            kind, flags, body = got
            if kind == PUBLISH:
                publish = parse_publish(flags, body, connect.version, number)
                self.publishes.append(publish)
                reason = self.answer(publish)
                if isinstance(reason, bytes):
                    writer.write(reason)
                    await writer.drain()
                    writer.write_eof()
                    await reader.read()
                    return
                if reason is CUT:
                    return
                if reason is not None and publish.packet_id is not None:
                    writer.write(puback(publish.packet_id, reason))
            elif kind == SUBSCRIBE and not self.listening:
                return
            elif kind == SUBSCRIBE:
                self.subscribed.append(Cursor(body[2 + (connect.version == 5) :]).string().decode())
                properties = b"\x00" if connect.version == 5 else b""
                writer.write(packet(SUBACK, 0, body[:2] + properties + b"\x01"))
            elif kind == PINGREQ:
                writer.write(b"\xd0\x00")
            elif kind == DISCONNECT:
                self.goodbyes += 1
                return


def puback(packet_id: int, reason: int = 0) -> bytes:
    """A PUBACK: two bytes where all is well, as in 3.1.1."""
    return packet(PUBACK, 0, packet_id.to_bytes(2, "big") + (bytes([reason]) if reason else b""))


def welcome_5(receive: int | None = None, packet_size: int | None = None, qos: int | None = None) -> bytes:
    """A CONNACK of MQTT 5 that states limits."""
    properties = b""
    if receive is not None:
        properties += b"\x21" + receive.to_bytes(2, "big")
    if packet_size is not None:
        properties += b"\x27" + packet_size.to_bytes(4, "big")
    if qos is not None:
        properties += b"\x24" + bytes([qos])
    return packet(CONNACK, 0, b"\x00\x00" + length(len(properties)) + properties)


class Judge:
    """Subscribes to everything and keeps what comes, in order.

    In 3.1.1 and QoS 0: nothing limits what the broker sends, and as nothing is sent to it, what it has sent arrives
    even when it is killed.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.messages: list[Publish] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Judge:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def connect(self) -> None:
        """Connects (anew); returns when it is subscribed."""
        await self.close()
        reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writer.write(packet(CONNECT, 0, string("MQTT") + b"\x04\x02\x00\x00" + string("judge")))
        assert await read_packet(reader) == (CONNACK, 0, b"\x00\x00")
        self._writer.write(packet(SUBSCRIBE, 2, b"\x00\x01" + string("#") + b"\x00"))
        got = await read_packet(reader)
        while got is not None and got[0] != SUBACK:  # what is retained may come first
            self._take(*got)
            got = await read_packet(reader)
        assert got is not None
        self._task = asyncio.ensure_future(self._listen(reader))

    async def close(self) -> None:
        """Goes away."""
        if self._task is not None:
            self._task.cancel()
            self._writer.transport.abort()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while (got := await read_packet(reader)) is not None:
            self._take(*got)

    def _take(self, kind: int, flags: int, body: bytes) -> None:
        if kind == PUBLISH:
            self.messages.append(parse_publish(flags, body, 4, 0))

    def on(self, ending: str) -> list[Publish]:
        """The messages whose topic ends so."""
        return [message for message in self.messages if message.topic.endswith(ending)]

"""Brokers for tests: a real mosquitto, one that does as a script says, and an independent subscriber.

Nothing here is shared with the product, so that the two cannot share a mistake.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
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

from tests.packets import (
    CONNACK,
    CONNECT,
    DISCONNECT,
    PINGREQ,
    PUBLISH,
    SUBACK,
    SUBSCRIBE,
    WELCOME_3,
    WELCOME_5,
    Connect,
    Cursor,
    Publish,
    packet,
    parse_connect,
    parse_publish,
    puback,
    read_packet,
    string,
)

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") or "mosquitto"


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

    def retained(self, topics: str) -> set[str]:
        """Which of these topics have something retained."""
        command = ["mosquitto_sub", "-p", str(self.port), "-t", topics, "--retained-only", "-W", "3", "-F", "%t"]
        return set(subprocess.run(command, capture_output=True, text=True).stdout.splitlines())

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

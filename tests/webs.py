"""A web process of a gateway that is not there: the real child, with a feeder of made-up sources; and a raw client."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from array import array
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

from gateway.feed.feeder import Feeder, Piece, Sources, Taped
from gateway.feed.host import Host
from gateway.feed.rings import Rings
from gateway.ledger import Refused
from gateway.model import Features
from gateway.telling.faults import Faults
from gateway.telling.status import board_document, gateway_document

from .looks import board, look
from .waiting import until

HOSTILE = "<script>alert(1)</script>"


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


class Made:
    """What the gateway says; a test may change it. told: the sentences of the fault `web`; events: of the log."""

    def __init__(self) -> None:
        self.look = look(board(), board(HOSTILE))
        self.moves = True
        self.faults = Faults(time.time, lambda: None)
        self.rings = Rings(lambda board, sensor: True)
        self.told: list[str | None] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.on: list[bool] = []
        self.asked = 0  # snapshots that were taken

    def documents(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """One look at everything."""
        self.asked += 1
        boards = {one.name: board_document(one, self.faults) for one in self.look.boards}
        return gateway_document(self.look, self.faults), boards

    def sources(self) -> Sources:
        """As the service has them."""
        tape = Taped(
            {"port": "/dev/x", "baud": 9600, "serial": "8N1", "asked": True, "started": 1_795_000_000.0},
            [Piece(5.0, b"R\r", True), Piece(5.5, b"21.5\r\n", False), Piece(6.0, b"\xff", False)],
        )
        return Sources(
            self.documents,
            lambda: [(HOSTILE, [Refused(1_795_000_000.0, "garbage", b"<b>\x1b")])],
            lambda name: tape if name in ("bench", HOSTILE) else None,
            lambda: (time.time(), time.monotonic()),
            lambda: self.moves,
            lambda name: {},
        )

    def feed(self, value: float, sensor: str = "S1", name: str = "bench") -> None:
        """One more reading of a sensor."""
        one = array("d", [value])
        self.rings.feed([
            Features(
                name, sensor, "°C", ("normalized",), array("q", [1]), array("d", [time.time()]),
                array("d", [time.monotonic()]), one, [None], array("q", [1]), bytes([4]), [array("d", [0.5])],
            )
        ])  # fmt: skip


@contextlib.asynccontextmanager
async def served(folder: Path, **settings: Any) -> AsyncIterator[tuple[Host, Made]]:
    """A web process on a free port, and what its gateway says."""
    (folder / "gateway.toml").write_text('[mqtt]\nusername = "u"\npassword = "hunter22"\n')
    made = Made()
    asked = {
        "listen": ["127.0.0.1", 0], "token_file": None, "token_is": "", "names": [],
        "path": str(folder / "gateway.toml"),
    } | settings  # fmt: skip
    host = Host(
        Feeder(made.sources(), made.rings), asked, made.told.append,
        lambda name, **fields: made.events.append((name, fields)), made.on.append,
    )  # fmt: skip
    running = asyncio.create_task(host.run())
    try:
        await until(lambda: host.address is not None or (made.told and made.told[-1] is not None), 30)
        yield host, made
    finally:
        running.cancel()
        await asyncio.wait([running])


class Shared:
    """One web process for many tests, with its gateway's loop in a thread of its own."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self._folder, self._settings = folder, settings
        self._up, self._down = threading.Event(), asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._run()))

    async def _run(self) -> None:
        async with served(self._folder, **self._settings) as (host, self.made):
            assert host.address is not None, self.made.told
            self.host, self.port = host, host.address[1]
            self._up.set()
            await self._down.wait()

    def __enter__(self) -> Shared:
        self._thread.start()
        assert self._up.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._down.set)
        self._thread.join(10)
        self._loop.close()


async def ask(
    port: int, target: str = "/", method: str = "GET", body: bytes = b"", here: str = "127.0.0.1", **headers: str
) -> Answer:
    """One request, as it is said here; host: ours unless it is given, and left out where it is "". here: who asks."""
    given = {"host": f"127.0.0.1:{port}", "connection": "close"} | {
        name.replace("_", "-"): text for name, text in headers.items()
    }
    if body:
        given["content-length"] = str(len(body))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {text}" for name, text in given.items() if text)]
    return await raw(port, "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body, here)


async def raw(port: int, data: bytes, here: str = "127.0.0.1") -> Answer:
    """What comes back for these bytes. here: the address that says them."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(here, 0))
    try:
        with contextlib.suppress(ConnectionError):  # it may have seen enough before all was sent
            writer.write(data)
            await writer.drain()
        async with asyncio.timeout(15):
            with contextlib.suppress(ConnectionResetError):
                return answered(await reader.read())
        return Answer(0, {}, b"")
    finally:
        writer.close()


def answered(data: bytes) -> Answer:
    """The answer that these bytes are; status 0 where there is none."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): text for name, _, text in (line.partition(": ") for line in lines)}
    return Answer(int(first.split()[1]) if first else 0, headers, body)


class Stream:
    """An open page: the events as they come."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> Stream:
        """Opens it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"200" in head.splitlines()[0], head
        return cls(reader, writer)

    async def next(self, *names: str) -> tuple[str, Any]:
        """The next event, of those names where any are given."""
        name = ""
        async with asyncio.timeout(10):
            while True:
                line = (await self._reader.readline()).decode().rstrip("\r\n")
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: ") and (not names or name in names):
                    return name, json.loads(line.removeprefix("data: "))

    def close(self) -> None:
        """Closes it."""
        self.writer.close()

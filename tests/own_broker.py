"""The broker of our own for tests: running, and a client of it; and what can be seen of its process."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

from gateway.publish.broker import Where, Will
from gateway.publish.client import Connection, connect
from gateway.publish.embedded import Broker, start
from gateway.publish.packets import Ack, publish, topic_part
from tests.waiting import until

LOOPBACK = ("127.0.0.1", 0)


@contextlib.asynccontextmanager
async def running(username: str | None = None, password: str | None = None) -> AsyncIterator[Broker]:
    broker = await start(LOOPBACK, username, password)
    try:
        yield broker
    finally:
        await broker.stop()


def proc(pid: int | str, name: str) -> bytes:
    return Path(f"/proc/{pid}/{name}").read_bytes()


def children() -> set[int]:
    """The process ids of those that this process has started."""
    out = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(proc(process.name, "stat").rpartition(b")")[2].split()[1]) == os.getpid():
                out.add(int(process.name))
    return out


def free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def where(broker: Broker, name: str, **more: object) -> Where:
    return Where(broker.host, broker.port, name, **({"v5": False} | more))  # type: ignore[arg-type]


class Client:
    """Publishes with QoS 1, at most 100 messages under way, and keeps what it hears."""

    def __init__(self) -> None:
        self.acked = 0
        self.sent = 0
        self.heard: list[tuple[str, bytes]] = []
        self.connection: Connection
        self._more = asyncio.Event()

    @classmethod
    async def to(cls, broker: Broker, name: str, *, topic: str = "", will: Will | None = None) -> "Client":
        """With `topic`, it has subscribed: what it then publishes itself has come back."""
        client = cls()
        client.connection = await connect(where(broker, name), acked=client._acked, heard=client._heard, will=will)
        if topic:
            client.connection.subscribe(topic)
            client.send("subscribed/" + name, b"")  # acknowledged after the subscription, in order
            await until(lambda: client.acked == client.sent)
        return client

    def _acked(self, acks: list[Ack]) -> None:
        self.acked += len(acks)
        self._more.set()

    async def answered(self) -> None:
        """Waits for one acknowledgement more."""
        self._more.clear()
        await asyncio.wait_for(self._more.wait(), 5)

    def _heard(self, topic: str, payload: bytes) -> None:
        self.heard.append((topic, payload))

    def send(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self.sent += 1
        number = self.sent % 65535 or 1
        self.connection.wire.write(publish(topic_part(topic), payload, number, v5=False, retain=retain))

    async def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Sends, and waits for the acknowledgement."""
        self.send(topic, payload, retain=retain)
        await until(lambda: self.acked == self.sent)

    def leave(self) -> None:
        self.connection.close()


ODD = ('us"er°', "p\\a\"ss 'w°rd' \t\x7f # = [x]")

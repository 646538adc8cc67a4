"""The broker, step by step: its name, its port, its certificate, our login, the right to publish, and what the gateway
has told of itself there. Under a client id of its own, so that the running gateway keeps its connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..config import Config, Mqtt
from ..config.password import Password
from ..publish.packets import Ack, publish, topic_part
from ..publish.refusals import WORST, refused
from ..publish.subscriber import Connection, Refused, Where, connected
from ..threads import in_thread
from ..tls import Certificate, TlsError, certificate, expires

PATIENCE = 5.0  # s a step
QUIET = 1.0  # s without a further document, after which no more are awaited
FILES = frozenset(("ca_file", "cert_file", "key_file"))  # what TLS needs
PACKET_ID = 60_000  # far from those that the library counts up


@dataclass(slots=True)
class BrokerFacts:
    """What came of each step; the later ones stay as they are where one failed.

    failed: the step that did: name, port, tls, login, publish, or None; why: its sentence. documents: topic -> payload
    of the retained status documents. came_back: whether the message that was sent was heard again. hidden: keys of
    [mqtt] whose files this user may not read, so that what needs them is not tried.
    """

    where: str
    base: str
    failed: str | None = None
    why: str = ""
    tls: bool = False
    expires: float | None = None
    version: str = ""
    hidden: frozenset[str] = frozenset()
    taken: bool = False  # the message was acknowledged
    came_back: bool = False
    documents: dict[str, bytes] = field(default_factory=dict)


async def broker_facts(config: Config, *, hidden: Iterable[str] = ()) -> BrokerFacts:
    """Goes step by step. hidden: keys of [mqtt] whose files this user may not read."""
    mqtt = config.mqtt
    facts = BrokerFacts(f"{mqtt.host}:{mqtt.port}", config.base, tls=mqtt.tls is not None, hidden=frozenset(hidden))
    try:
        facts.failed = "name"
        async with asyncio.timeout(PATIENCE):
            found = await in_thread(lambda: socket.getaddrinfo(mqtt.host, mqtt.port, type=socket.SOCK_STREAM), "name")
        facts.failed = "port"
        address = await in_thread(lambda: _reached([(str(each[4][0]), mqtt.port) for each in found]), "port")
        if mqtt.tls is not None and not FILES & facts.hidden:
            facts.failed = "tls"
            facts.expires = expires(await in_thread(lambda: _shown(address, mqtt), "tls"))
        facts.failed = None
        if not facts.hidden:
            facts.failed = "login"
            await _logged_in(config, facts)
    except TimeoutError:
        facts.why = "nobody answers" if facts.failed != "name" else "the name server does not answer"
    except socket.gaierror as error:
        facts.why = f"its name is not known ({(error.strerror or str(error)).lower()})"
    except OSError as error:
        facts.why = f"it cannot be reached ({(error.strerror or str(error)).lower()})"
        if error.errno == errno.ECONNREFUSED:
            facts.why = "nobody listens there: the broker does not run, or has another port"
    except (TlsError, Refused) as error:
        facts.why = str(error)
    return facts


def _reached(addresses: list[tuple[str, int]]) -> tuple[str, int]:
    """The first address that takes a connection. Raises OSError of the last."""
    for at, address in enumerate(addresses):
        try:
            with socket.create_connection(address, PATIENCE):
                return address
        except OSError:
            if at == len(addresses) - 1:
                raise
    raise OSError(errno.EADDRNOTAVAIL, "it has no address")


def _shown(address: tuple[str, int], mqtt: Mqtt) -> Certificate:
    assert mqtt.tls is not None
    return certificate(address, mqtt.host, mqtt.tls, PATIENCE)


async def _logged_in(config: Config, facts: BrokerFacts) -> None:
    """Logs in, sends a message, and hears what is retained. Raises Refused."""
    mqtt, acks = config.mqtt, asyncio.Queue[Ack]()
    try:
        secret = await Password(mqtt.password_file).read()
    except ValueError as error:
        raise Refused(f"mqtt.password_file: {error}") from None
    news = asyncio.Event()
    topic = f"{config.base}/doctor"

    def heard(about: str, payload: bytes) -> None:
        hear(facts, about, payload)
        news.set()

    where = Where(
        mqtt.host, mqtt.port, f"gateway-{config.id}-doctor-{os.getpid()}", mqtt.username or None, secret,
        mqtt.version == "5", mqtt.tls,
    )  # fmt: skip

    def answers(some: list[Ack]) -> None:
        for one in some:
            acks.put_nowait(one)

    connection = await connected(where, acked=answers, heard=heard)
    try:
        v5 = connection.where.v5
        facts.failed, facts.version = "publish", "5" if v5 else "3.1.1"
        for about in (topic, f"{config.base}/status", f"{config.base}/+/status"):
            connection.subscribe(about)
        connection.wire.write(publish(topic_part(topic), b"{}", PACKET_ID, v5=v5))
        reason = await _answer(connection, acks)
        if reason >= WORST:
            raise Refused(refused(topic, reason))
        facts.failed, facts.taken = None, True
        await _until_quiet(connection, news)
    finally:
        connection.disconnect()
        await asyncio.wait({connection.lost}, timeout=0.5)
        connection.close()


def hear(facts: BrokerFacts, about: str, payload: bytes) -> None:
    """Keeps what was subscribed to; a broker may send what nobody asked for, and topics become names of files."""
    if about == f"{facts.base}/doctor":
        facts.came_back = True
    elif re.fullmatch(re.escape(facts.base) + "(/[^/]+)?/status", about):
        facts.documents[about] = payload


async def _answer(connection: Connection, acks: asyncio.Queue[Ack]) -> int:
    """The broker's reason. Raises Refused where it cuts the line or says nothing."""
    ack = asyncio.ensure_future(acks.get())
    waits: list[asyncio.Future[Any]] = [ack, connection.lost]
    done, _ = await asyncio.wait(waits, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    if ack in done:
        return ack.result().reason
    ack.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await ack
    if connection.lost.done():
        raise Refused(f"the broker ended the connection at a message of ours: {connection.lost.result()[0]}")
    raise Refused("the broker acknowledges nothing: is it stopped, or its disk?")


async def _until_quiet(connection: Connection, news: asyncio.Event) -> None:
    """Hears what is retained; it comes at once, so that a second without more is the end."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and not connection.lost.done():
        news.clear()
        try:
            async with asyncio.timeout(QUIET):
                await news.wait()
        except TimeoutError:
            return

"""Packets of MQTT for tests, made and read by the standard alone: nothing is shared with the product, so that the two
cannot share a mistake.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 14
WELCOME_5, WELCOME_3 = b"\x20\x03\x00\x00\x00", b"\x20\x02\x00\x00"


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

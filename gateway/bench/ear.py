"""The subscriber of a measurement: an MQTT 3.1.1 client of its own, so lean that it hears more than anyone sends.

It shares nothing with the client that it listens to. Source: MQTT 3.1.1 (OASIS), 2.2.3, 3.1, 3.3, 3.4, 3.8.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

CLIENT = b"bench-subscriber"
KEEPALIVE = 3600  # s; longer than any measurement, so that no ping comes between
PUBLISH, SUBACK, QOS = 0x30, 0x90, 0x06
PATIENCE = 10.0  # s for the broker to take us


class Packets:
    """Bytes, cut anywhere -> messages, and the answers that are due to them. No I/O."""

    def __init__(self) -> None:
        self.subscribed = False
        self._rest = b""

    def feed(self, data: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
        """[(topic, payload), …], and what to send."""
        data = self._rest + data
        messages: list[tuple[bytes, bytes]] = []
        answers: list[bytes] = []
        at = 0
        while (body := _body(data, at)) is not None and body[1] <= len(data):
            start, end = body
            first = data[at]
            if first & 0xF0 == PUBLISH:
                topic = start + 2 + (data[start] << 8 | data[start + 1])
                payload = topic
                if first & QOS:
                    payload += 2
                    answers.append(b"\x40\x02" + data[topic:payload])
                messages.append((data[start + 2 : topic], data[payload:end]))
            self.subscribed |= first == SUBACK
            at = end
        self._rest = data[at:]
        return messages, b"".join(answers)


def _body(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the body of the packet at `at` begins and ends; None while its length is not known yet."""
    size = 0
    for place in range(4):
        if at + 1 + place >= len(data):
            return None
        byte = data[at + 1 + place]
        size |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            break
    return at + 2 + place, at + 2 + place + size


class Ear(asyncio.Protocol):
    """Subscribed to one filter. heard: gets (topic, payload) of each message. ended: called when the broker went."""

    def __init__(self, heard: Callable[[bytes, bytes], None], ended: Callable[[], None]) -> None:
        self._heard, self._ended = heard, ended
        self._packets = Packets()
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(
        cls, port: int, topic: str, heard: Callable[[bytes, bytes], None], ended: Callable[[], None]
    ) -> asyncio.Transport:
        """Connects to 127.0.0.1 and subscribes, QoS 1; close what it gives. Raises OSError."""
        transport, ear = await asyncio.get_running_loop().create_connection(
            lambda: cls(heard, ended), "127.0.0.1", port
        )
        wanted = topic.encode()
        connect = b"\x00\x04MQTT\x04\x02" + KEEPALIVE.to_bytes(2, "big") + len(CLIENT).to_bytes(2, "big") + CLIENT
        subscribe = b"\x00\x01" + len(wanted).to_bytes(2, "big") + wanted + b"\x01"
        transport.write(b"\x10%c%b\x82%c%b" % (len(connect), connect, len(subscribe), subscribe))
        try:
            async with asyncio.timeout(PATIENCE):
                await ear.ready
        except TimeoutError:
            transport.close()
            raise OSError("the broker took no subscriber") from None
        return transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See Protocol."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """See Protocol."""
        messages, answers = self._packets.feed(data)
        if answers:
            self._transport.write(answers)
        if self._packets.subscribed and not self.ready.done():
            self.ready.set_result(None)
        for topic, payload in messages:
            self._heard(topic, payload)

    def connection_lost(self, error: Exception | None) -> None:
        """See Protocol."""
        if not self.ready.done():
            self.ready.set_exception(OSError("the broker closed the subscriber's connection"))
        self._ended()

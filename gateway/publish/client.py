"""One connection to the broker: session, will, keepalive and subscriptions by paho; the only door to it.

paho's types and codes end here. It opens the socket in a thread and speaks CONNECT, PING, SUBSCRIBE and DISCONNECT
through a Wire; readings pass it by (see wire.py). Each connection is a client of its own, so nothing is left over
from the one before, and there is no thread of paho's that could die.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ..threads import in_thread
from .packets import Ack
from .wire import Wire

KEEPALIVE = 30  # s
PATIENCE = 10.0  # s for the broker to accept TCP and to answer CONNECT
TAKEN_OVER, WRONG_VERSION = 0x8E, 0x84
SENTENCES = {
    WRONG_VERSION: "it does not speak this version of MQTT",
    0x85: "it does not accept the client id; set another gateway.id",
    0x86: "the user name or password is wrong; see mqtt.username and mqtt.password_file",
    0x87: "this user may not connect; see mqtt.username and mqtt.password_file, and the broker's access list",
    0x88: "it is not available now",
    0x89: "it is busy",
    0x8A: "it has banned this client",
    0x9A: "it does not keep retained messages",
    0x9F: "it allows no more connections now",
}


class Refused(Exception):
    """No connection. `code` is the broker's reason, or None when it gave none."""

    def __init__(self, why: str, code: int | None = None) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class Where:
    """The broker, and who connects to it."""

    host: str
    port: int
    client_id: str
    username: str | None = None
    password: str | None = None
    v5: bool = True

    @property
    def text(self) -> str:
        """For a person."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says when this connection breaks; retained."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """What the broker stated as it connected."""

    receive: int | None = None  # packets under way; None: not stated
    packet: int | None = None  # bytes
    qos: int = 1
    retain: bool = True


class _Client(paho.Client):
    """paho on our Wire. `_create_socket` is where it makes its socket, plain or TLS; a test holds that it still is."""

    wrap: Callable[[Any], Wire]

    def _create_socket(self) -> Any:
        return self.wrap(super()._create_socket())


class Connection:
    """An open connection. `lost` is done when it is gone, with a sentence and the broker's code, if it gave one."""

    def __init__(self, where: Where, acked: Callable[[list[Ack]], None], heard: Callable[[str, bytes], None] | None) -> None:
        self.where = where
        self.limits = Limits()
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[tuple[str, int | None]] = self._loop.create_future()
        self._connack: asyncio.Future[Limits] = self._loop.create_future()
        self._tick: asyncio.TimerHandle | None = None
        self._client = client = _Client(
            paho.CallbackAPIVersion.VERSION2,
            client_id=where.client_id,
            protocol=paho.MQTTv5 if where.v5 else paho.MQTTv311,
            clean_session=None if where.v5 else True,
            reconnect_on_failure=False,
        )
        client.connect_timeout = PATIENCE / 2
        client.wrap = self._wrapped
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        if heard is not None:
            client.on_message = lambda _client, _data, message: heard(message.topic, message.payload)
        if where.username is not None:
            client.username_pw_set(where.username, where.password)
        self._acked = acked
        self.wire: Wire

    def _wrapped(self, sock: Any) -> Wire:
        self.wire = Wire(sock, self._acked, self._packets, self._gone)
        if self.lost.done():  # given up while the thread was still connecting
            self.wire.close()
            raise ConnectionAbortedError("given up")
        return self.wire

    async def open(self, will: Will | None) -> None:
        """Connects. Raises Refused, with a sentence that says why."""
        if will is not None:
            self._client.will_set(will.topic, will.payload, qos=1, retain=True)
        try:
            async with asyncio.timeout(PATIENCE):
                await in_thread(self._connect, "broker-connect")
                self.wire.attach(self._loop)
                self.limits = await self._connack
        except TimeoutError:
            self.close()
            raise Refused(f"the broker at {self.where.text} does not answer") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise Refused(f"no broker at {self.where.text} ({reason}); is it running, and is mqtt.url right?") from None
        except BaseException:
            self.close()
            raise
        self._ping()

    def _connect(self) -> None:
        if self.where.v5:
            self._client.connect(self.where.host, self.where.port, KEEPALIVE, clean_start=True)
        else:
            self._client.connect(self.where.host, self.where.port, KEEPALIVE)

    def subscribe(self, topic: str) -> None:
        """Asks for messages of `topic`, QoS 1; they go to `heard`."""
        self._client.subscribe(topic, qos=1)

    def disconnect(self) -> None:
        """Says goodbye, so that the broker does not publish the will. `close` follows when it has left."""
        self._client.disconnect()

    def close(self) -> None:
        """Closes at once."""
        if self._tick is not None:
            self._tick.cancel()
        if hasattr(self, "wire"):
            self.wire.close()
        if not self.lost.done():
            self.lost.set_result(("closed", None))

    def _packets(self) -> None:
        """The library has packets to read; `loop_read` takes one at a time."""
        while self.wire.waiting:
            if self._client.loop_read() not in (paho.MQTT_ERR_SUCCESS, paho.MQTT_ERR_AGAIN):
                return

    def _ping(self) -> None:
        """Keepalive: sends a ping when it is time, and notices that an answer has not come."""
        self._client.loop_misc()
        if not self.lost.done():
            self._tick = self._loop.call_later(KEEPALIVE / 6, self._ping)

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, properties: Properties | None) -> None:
        if self._connack.done():
            return
        if reason.is_failure:
            code = int(reason.value)
            why = SENTENCES.get(code, f"reason {code:#04x}, {reason.getName().lower()}")
            self._connack.set_exception(Refused(f"the broker at {self.where.text} refused the connection: {why}", code))
            return

        def stated(name: str, default: Any) -> Any:
            return getattr(properties, name, default)

        self._connack.set_result(
            Limits(
                receive=stated("ReceiveMaximum", None),
                packet=stated("MaximumPacketSize", None),
                qos=stated("MaximumQoS", 1),
                retain=bool(stated("RetainAvailable", 1)),
            )
        )

    def _on_disconnect(self, _client: Any, _data: Any, flags: Any, reason: ReasonCode, _properties: Any) -> None:
        code = int(reason.value) if flags.is_disconnect_packet_from_server else None
        self._gone(f"the broker ended the connection ({reason.getName().lower()})" if code else "the connection is lost", code)

    def _gone(self, why: str, code: int | None = None) -> None:
        if not self._connack.done():
            early = f"the broker at {self.where.text} closed the connection before it had accepted it"
            self._connack.set_exception(Refused(early, WRONG_VERSION if self.where.v5 else None))
        if not self.lost.done():
            self.lost.set_result((why, code))
        if self._tick is not None:
            self._tick.cancel()


async def connect(
    where: Where,
    *,
    acked: Callable[[list[Ack]], None] = lambda acks: None,
    heard: Callable[[str, bytes], None] | None = None,
    will: Will | None = None,
) -> Connection:
    """An open connection to the broker. Raises Refused.

    acked: gets acknowledgements of what was written to the wire; heard: gets (topic, payload) of subscriptions.
    """
    connection = Connection(where, acked, heard)
    await connection.open(will)
    return connection

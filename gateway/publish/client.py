"""One connection to the broker: session, will, keepalive and subscriptions by paho; the only door to it.

paho's types and codes end here. It opens the socket in a thread and speaks CONNECT, PING, SUBSCRIBE and DISCONNECT
through a Wire; readings pass it by (see wire.py). Each connection is a client of its own, so nothing is left over
from the one before, and there is no thread of paho's that could die.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from ..threads import in_thread
from ..tls import TlsError, secured
from .broker import SENTENCES, WRONG_VERSION, Limits, Refused, Where, Will, less
from .packets import LONGEST, Ack, overhead, topic_part
from .wire import Ears, Wire

__all__ = ["Connection", "Limits", "Refused", "Where", "Will", "connect"]

KEEPALIVE = 30  # s
AT_ONCE = (errno.ECONNREFUSED, errno.EMFILE, errno.ENFILE, errno.ENETUNREACH)  # failures that take nobody's time
PATIENCE = 10.0  # s for the broker to accept TCP and to answer CONNECT


class _Client(paho.Client):
    """paho on our Wire. `_create_socket` is where it makes its socket; a test holds that it still is. TLS is ours."""

    wrap: Callable[[Any], Wire]

    def _create_socket(self) -> Any:
        return self.wrap(super()._create_socket())


class Connection:
    """An open connection. `lost` is done when it is gone, with a sentence and the broker's code, if it gave one."""

    def __init__(
        self,
        where: Where,
        acked: Callable[[list[Ack]], None],
        drained: Callable[[], None],
        heard: Callable[[str, bytes], None] | None,
    ) -> None:
        self.where = where
        self.limits = Limits()
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[tuple[str, int | None]] = self._loop.create_future()
        self._connack: asyncio.Future[Limits] = self._loop.create_future()
        self._tick: asyncio.TimerHandle | None = None
        self._leaving = False
        self._found = False  # its address
        self._heard = heard
        self._messages: list[tuple[str, bytes]] = []
        self._granted: dict[int | None, asyncio.Future[bool]] = {}
        self._asked: set[int | None] = set()  # SUBSCRIBEs that the broker has not answered
        self._client = client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=where.client_id,
            protocol=paho.MQTTv5 if where.v5 else paho.MQTTv311,
            clean_session=None if where.v5 else True,
            reconnect_on_failure=False,
        )
        client.connect_timeout = PATIENCE / 2
        client.wrap = self._wrapped
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe
        if where.username is not None:
            client.username_pw_set(where.username, where.password)
        self._ears = Ears(acked, self._packets, drained, self._gone, None if heard is None else self._tell)
        self.wire: Wire

    def _wrapped(self, sock: socket.socket) -> Wire:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.where.tls is not None:
            sock = secured(sock, self.where.host, self.where.tls, PATIENCE / 2)
        self.wire = Wire(sock, self._ears, self.where.v5)
        if self.lost.done():  # given up while the thread was still connecting
            self.wire.abort()
            raise ConnectionAbortedError("given up")
        return self.wire

    async def open(self, will: Will | None) -> None:
        """Connects. Raises Refused, with a sentence that says why."""
        if will is not None:
            self._client.will_set(will.topic, will.payload, qos=will.qos, retain=will.retain)
        try:
            async with asyncio.timeout(PATIENCE):
                await in_thread(self._connect, "broker-connect")
                self.wire.attach(self._loop)
                self.limits = await self._connack
        except TimeoutError:
            self.close()
            what = "the broker at" if self._found else "the name server, asked for"
            raise Refused(f"{what} {self.where.text} does not answer", away=True) from None
        except TlsError as error:
            self.close()
            raise Refused(f"no connection to {self.where.text}: {error}") from None
        except (OSError, ValueError) as error:
            self.close()
            raise _no_broker(self.where.text, error) from None
        except BaseException:
            self.close()
            raise
        self._ping()

    def _connect(self) -> None:
        """In a thread: looks up the name and waits for TCP."""
        socket.getaddrinfo(self.where.host, self.where.port, type=socket.SOCK_STREAM)
        self._found = True
        if self.where.v5:
            wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            if self._heard is None:  # who listens has to know that something was there, however long it is
                wishes.MaximumPacketSize = LONGEST
            self._client.connect(self.where.host, self.where.port, KEEPALIVE, clean_start=True, properties=wishes)
        else:
            self._client.connect(self.where.host, self.where.port, KEEPALIVE)

    def subscribe(self, topic: str, qos: int = 1) -> asyncio.Future[bool]:
        """Asks for messages of `topic`, which go to `heard`. Gives whether the broker lets us, once it has said so."""
        _, number = self._client.subscribe(topic, qos=qos)
        self._granted[number] = granted = self._loop.create_future()
        return granted

    @property
    def asks(self) -> bool:
        """Whether the broker has yet to say if it lets us listen."""
        return bool(self._asked)

    def listen(self, topics: list[str], instead_of: list[str] | None = None) -> None:
        """Asks for messages of others on `topics`, QoS 0, and no more on `instead_of`; in 3.1.1 ours come along."""
        if over := [topic for topic in instead_of or () if topic not in topics]:
            self._client.unsubscribe(over)
        if not topics:
            return
        if self.where.v5:
            self._ask([(topic, SubscribeOptions(qos=0, noLocal=True)) for topic in topics])
        else:
            self._ask([(topic, 0) for topic in topics])

    def mind(self, topics: list[str]) -> None:
        """Asks for what others write on `topics` from now on; not in 3.1.1, where what we write comes along."""
        if topics and self.where.v5:
            options = SubscribeOptions(qos=0, noLocal=True, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)
            self._ask([(topic, options) for topic in topics])

    def _ask(self, topics: list[Any]) -> None:
        _, number = self._client.subscribe(topics)
        self._asked.add(number)

    def disconnect(self) -> None:
        """Says goodbye, so that the broker does not publish the will; `lost` is done when it has heard it."""
        self._leaving = True
        self._client.disconnect()

    def close(self) -> None:
        """Closes at once."""
        if self._tick is not None:
            self._tick.cancel()
        if hasattr(self, "wire"):
            self.wire.abort()
        if not self.lost.done():
            self.lost.set_result(("closed", None))

    def _packets(self) -> None:
        """The library has packets to read; `loop_read` takes one at a time."""
        try:
            while self.wire.waiting and self._client.loop_read() in (paho.MQTT_ERR_SUCCESS, paho.MQTT_ERR_AGAIN):
                continue
        except Exception as error:  # whatever the library raises, it is at bytes that the broker sent
            self._gone(f"the broker sent what is no MQTT ({type(error).__name__})")
        heard, self._messages = self._messages, []
        self._tell(heard)

    def _tell(self, messages: list[tuple[str, bytes]]) -> None:
        if self._heard is not None:
            for topic, payload in messages:
                self._heard(topic, payload)

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        self._messages.append((message.topic, bytes(message.payload)))

    def _on_subscribe(
        self, _client: Any, _data: Any, number: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        self._asked.discard(number)
        if (granted := self._granted.pop(number, None)) is not None and not granted.done():
            granted.set_result(not any(reason.is_failure for reason in reasons))

    def _ping(self) -> None:
        """Keepalive: sends a ping when it is time, and notices that an answer has not come."""
        self._client.loop_misc()
        if not self.lost.done():  # the broker may have asked for a shorter keepalive than ours
            self._tick = self._loop.call_later(min(KEEPALIVE, self._client.keepalive or KEEPALIVE) / 6, self._ping)

    def _on_connect(
        self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, properties: Properties | None
    ) -> None:
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
                receive=stated("ReceiveMaximum", None) or None,
                packet=stated("MaximumPacketSize", None) or None,
                qos=stated("MaximumQoS", 1),
                retain=bool(stated("RetainAvailable", 1)),
            )
        )

    def _on_disconnect(self, _client: Any, _data: Any, flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if self._leaving and not flags.is_disconnect_packet_from_server:
            return
        code = int(reason.value) if flags.is_disconnect_packet_from_server else None
        said = reason.getName().lower()
        self._gone(
            f"the broker ended the connection ({said})" if code is not None else f"the connection failed ({said})", code
        )

    def _gone(self, why: str, code: int | None = None) -> None:
        if not self._connack.done():
            hint = "" if self.where.tls else "; where it speaks TLS on this port, mqtt.url begins with mqtts://"
            early = f"the broker at {self.where.text} did not accept the connection: {why}{hint}"
            self._connack.set_exception(Refused(early, WRONG_VERSION if self.where.v5 else None, early=True))
        if not self.lost.done():
            self.lost.set_result((why, code))
        self.close()


def _no_broker(text: str, error: OSError | ValueError) -> Refused:
    number = getattr(error, "errno", None)
    ours = number in (errno.EMFILE, errno.ENFILE)
    if ours:
        why = f"no connection to {text}, as too many files are open: raise LimitNOFILE of the service, or `ulimit -n`"
    else:
        reason = getattr(error, "strerror", None) or str(error)
        why = f"no broker at {text} ({reason}); is it running, and is mqtt.url right?"
    return Refused(why, away=not ours, absent=number in AT_ONCE)


async def connect(
    where: Where,
    *,
    acked: Callable[[list[Ack]], None] = lambda acks: None,
    drained: Callable[[], None] = lambda: None,
    heard: Callable[[str, bytes], None] | None = None,
    will: Will | None = None,
) -> Connection:
    """An open connection to the broker. Raises Refused.

    acked: gets acknowledgements of what was written to the wire; drained: what was written has left, after a wait;
    heard: gets (topic, payload) of subscriptions. A broker that does not take the will gets one that asks for less, and
    what may be a wrong password or the will's fault is told when it was tried without.
    """
    wanted, refusal = will, None
    while True:
        connection = Connection(where, acked, drained, heard)
        try:
            await connection.open(will)
        except Refused as error:
            if will is None:
                raise
            will, refusal = less(will, error, v5=where.v5), error
        else:
            break
    if will is None:
        connection.limits = replace(connection.limits, will=wanted is None)
    elif not where.v5:  # it states nothing, but has shown what it takes
        connection.limits = replace(connection.limits, qos=will.qos, retain=will.retain)
    if wanted and will and will.whole and refusal and not refusal.early:  # a line that broke says nothing of sizes
        connection.limits = replace(connection.limits, packet=_below(wanted, connection.limits.packet))
    return connection


def _below(will: Will, stated: int | None) -> int:
    """Bytes of a packet at most, where `will` was too large: its topic is shorter than all others of ours."""
    most = overhead(topic_part(will.topic), len(will.payload)) + len(will.payload) - 1
    return most if stated is None else min(stated, most)

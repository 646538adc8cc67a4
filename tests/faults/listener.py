"""The judge's ears, a process of its own: `python -m tests.faults.listener PORT FILE NAME [TOPIC …]`.

It is joined to the broker directly, at QoS 1 and with a session that the broker keeps while it is away, and appends one
JSON line for each message: [monotonic time, topic, payload as text, retained, duplicate]. It ends with its input.
"""

import json
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

SESSION = 86_400  # s; longer than any outage that a test makes


def joined(
    port: int,
    name: str,
    topics: Sequence[str],
    heard: Callable[[paho.Client, Any, paho.MQTTMessage], None],
    subscribed: Callable[[], None],
) -> paho.Client:
    """A client on the broker of that port, which comes back by itself, and whose session is kept meanwhile."""
    keeps = Properties(PacketTypes.CONNECT)
    keeps.SessionExpiryInterval = SESSION
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=f"faults-{name}", protocol=paho.MQTTv5)
    client.on_connect = lambda client, *_: client.subscribe([(topic, 1) for topic in topics])
    client.on_subscribe = lambda *_: subscribed()
    client.on_message = heard
    client.on_socket_open = lambda _c, _d, sock: sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.reconnect_delay_set(0.1, 0.5)
    client.connect("127.0.0.1", port, keepalive=600, clean_start=False, properties=keeps)
    client.loop_start()
    return client


def main(port: int, file: str, name: str, *topics: str) -> None:
    """Listens until standard input closes."""
    out = open(file, "a", buffering=1)  # noqa: SIM115 - for as long as the process runs

    def write(*entry: Any) -> None:
        out.write(json.dumps(entry) + "\n")

    def heard(_client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        text = message.payload.decode("utf-8", "backslashreplace")
        write(time.monotonic(), message.topic, text, message.retain, message.dup)

    joined(port, name, topics or ("#",), heard, lambda: write(time.monotonic(), "$subscribed", "", False, False))
    sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])

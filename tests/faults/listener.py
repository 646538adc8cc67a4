"""The judge's ears, a process of its own: `python -m tests.faults.listener PORT FILE NAME [TOPIC …]`.

It is joined to the broker directly, at QoS 1 and with a session that the broker keeps while it is away, and appends one
JSON line for each message: [monotonic time, topic, payload as text, retained, duplicate]. It ends with its input.
"""

import json
import socket
import sys
import time
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

SESSION = 3600  # s


def main(port: int, file: str, name: str, *topics: str) -> None:
    """Listens until standard input closes."""
    out = open(file, "a", buffering=1)  # noqa: SIM115 - for as long as the process runs

    def write(*entry: Any) -> None:
        out.write(json.dumps(entry) + "\n")

    def heard(_client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        text = message.payload.decode("utf-8", "backslashreplace")
        write(time.monotonic(), message.topic, text, message.retain, message.dup)

    keeps = Properties(PacketTypes.CONNECT)
    keeps.SessionExpiryInterval = SESSION
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=f"faults-{name}", protocol=paho.MQTTv5)
    client.on_connect = lambda client, *_: client.subscribe([(topic, 1) for topic in topics or ("#",)])
    client.on_subscribe = lambda *_: write(time.monotonic(), "$subscribed", "", False, False)
    client.on_message = heard
    client.on_socket_open = lambda _c, _d, sock: sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.reconnect_delay_set(1, 1)
    client.connect("127.0.0.1", port, keepalive=600, clean_start=False, properties=keeps)
    client.loop_start()
    sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])

"""How many messages a second a mosquitto of this machine takes and hands on, of a reading's size, by QoS 1.

    python -m tests.scale.ceiling [--subscribers 1] [--size 330] [--seconds 10]

One sender that writes them in blocks made once, so that it costs next to nothing, and whose acknowledgements are
counted; programs of mosquitto's own that take them. A line of JSON: messages/s in and out, the share of a core that the
broker had, and its CPU a message that came in, by which one core to itself would take 1,000,000 / that.
"""

from __future__ import annotations

import argparse
import json
import socket
import time

from tests.packets import CONNECT, PUBLISH, packet, string
from tests.scale.broker import cpu_of, quiet
from tests.scale.readings import subscribers

BLOCK, PUBACK = 500, 4  # messages that are written at once, and bytes of an acknowledgement
WINDOW = 4  # blocks under way
TOPIC = "gateway/light-1/bench/S1/features"


def block(size: int) -> bytes:
    """Messages of so many bytes of payload."""
    body = string(TOPIC), b"x" * size
    return b"".join(packet(PUBLISH, 2, body[0] + number.to_bytes(2, "big") + body[1]) for number in range(1, BLOCK + 1))


def ceiling(listeners: int, size: int, seconds: float) -> dict[str, object]:
    """The figures."""
    with quiet() as (broker, _), subscribers(broker.port, listeners):
        with socket.create_connection(("127.0.0.1", broker.port)) as sender:
            sender.sendall(packet(CONNECT, 0, string("MQTT") + b"\x04\x02\x00\x00" + string("ceiling")))
            assert sender.recv(4) == b"\x20\x02\x00\x00"
            data, due, sent, cpu, began = block(size), 0, 0, cpu_of(broker.pid), time.monotonic()
            while time.monotonic() < began + seconds:
                sender.sendall(data)
                sent, due = sent + BLOCK, due + PUBACK * BLOCK
                while due > WINDOW * PUBACK * BLOCK:
                    due -= len(sender.recv(due))
            while due:
                due -= len(sender.recv(due))
            took, cpu = time.monotonic() - began, cpu_of(broker.pid) - cpu
    return {
        "subscribers": listeners, "bytes": size, "messages_in_per_s": round(sent / took),
        "messages_out_per_s": round(listeners * sent / took), "core": round(cpu / took, 2),
        "us_a_message": round(1e6 * cpu / sent, 1),
    }  # fmt: skip


def main() -> None:
    """Measures, and prints."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale.ceiling", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--subscribers", type=int, default=1)
    parser.add_argument("--size", type=int, default=330, help="bytes of a payload")
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    print(json.dumps(ceiling(options.subscribers, options.size, options.seconds)), flush=True)


if __name__ == "__main__":
    main()

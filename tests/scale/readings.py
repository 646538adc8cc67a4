"""What a reading of a fleet costs the broker and the network.

    python -m tests.scale.readings --gateways 200 --rate 20 [--payload rows] [--batch 10] [--tls] [--subscribers 2]

Light gateways (tests/fleet.py) in two processes at a mosquitto of their own, and subscribers of all. A line of JSON:
readings/s as they were acknowledged, CPU and memory of the broker, and bytes a reading between gateways and broker,
all that they say included: MQTT's, and with TCP/IP.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.fleet import started
from tests.scale.broker import cpu_of, memory_of, quiet

SEGMENT = 52  # bytes of IPv4 and TCP with timestamps, of a segment


@contextlib.contextmanager
def subscribers(port: int, count: int, authority: Path | None = None) -> Iterator[None]:
    """So many programs that take all readings, by QoS 1."""
    command = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-t", "gateway/+/+/+/features", "-q", "1"]
    command += ["-F", "%l", *(["--cafile", str(authority), "--insecure"] if authority else [])]
    processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(count)]
    try:
        yield
    finally:
        for one in processes:
            one.kill()  # with TLS it may not come to its end by itself
            one.wait()


def measured(options: argparse.Namespace) -> dict[str, object]:
    """The figures. CPU is that from the first reading to the last, over what was acknowledged meanwhile."""
    shares = [len(range(one, options.gateways, options.processes)) for one in range(options.processes)]
    more = ["--rate", str(options.rate), "--payload", options.payload, "--batch", str(options.batch), "--wait"]
    with quiet(tls=options.tls) as (broker, authority), subscribers(broker.port, options.subscribers, authority):
        more += ["--seconds", str(options.seconds), *(["--ca", str(authority)] if authority else [])]
        processes = [
            started(broker.port, share, *more, "--first", str(sum(shares[:place])))
            for place, share in enumerate(shares)
            if share
        ]
        before = cpu_of(broker.pid)
        for one in processes:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        answers = [json.loads(one.communicate()[0].splitlines()[-1]) for one in processes]
        cpu, memory = cpu_of(broker.pid) - before, memory_of(broker.pid)
    taken, within = (sum(one[key] for one in answers) for key in ("acknowledged", "within"))
    traffic = {key: sum(one["traffic"][key] for one in answers) for key in answers[0]["traffic"]}
    out = traffic["sent"] + SEGMENT * traffic["segments_out"]
    into = traffic["received"] + SEGMENT * traffic["segments_in"]
    return {
        "gateways": options.gateways, "payload": options.payload, "batch": options.batch, "tls": options.tls,
        "subscribers": options.subscribers,
        "readings_per_s": round(sum(one["within"] / one["seconds"] for one in answers)),
        "broker_us_a_reading": round(1e6 * cpu / taken, 1), "broker_mb": round(memory, 1),
        "bytes_of_mqtt": round(traffic["sent"] / within, 1), "bytes_out": round(out / within, 1),
        "bytes_in": round(into / within, 1),
    }  # fmt: skip


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale.readings", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gateways", type=int, default=200)
    parser.add_argument("--rate", type=float, default=20.0, help="readings/s of each gateway")
    parser.add_argument("--batch", type=int, default=1, help="readings of each of its four sensors that come at once")
    parser.add_argument("--payload", default="reading", choices=("reading", "rows"))
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--subscribers", type=int, default=1)
    parser.add_argument("--tls", action="store_true")
    return parser.parse_args(given)


if __name__ == "__main__":
    print(json.dumps(measured(arguments())), flush=True)

"""Many gateways in a few processes: the publisher, the documents and the will of each are the gateway's own.

    python -m tests.fleet --gateways 200 --rate 5 --seconds 30            a mosquitto of its own, and what it takes
    python -m tests.fleet --port 1883 --gateways 200 --rate 5             at one that runs, until Ctrl-C

What they leave out is what is before the publisher, ports, decoding and the pool, and the spool behind it: so a process
holds hundreds of them. At the end a line of JSON: readings a second, CPU and memory of the broker, and bytes a reading
as TCP counts them.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
from array import array
from collections import defaultdict
from pathlib import Path

from gateway.ledger import Account
from gateway.model import Features
from gateway.names import level
from gateway.publish.broker import Where, Will
from gateway.publish.naming import Naming
from gateway.publish.publisher import Publisher
from gateway.telling.faults import Faults
from gateway.telling.status import BoardLook, Look, SensorLook, gateway_document, offline
from gateway.tls import Tls
from tests.brokers import Mosquitto
from tests.certificates import Authority
from tests.outboxes import sensors
from tests.street import ROOT

KEYS = ("normalized", "feature", "mean", "std", "min", "max")
BOARD, SENSORS = "bench", ("S1", "S2", "S3", "S4")
EVERY = 30.0  # s between two documents
SEGMENT = 52  # bytes of IPv4 and TCP with timestamps, of a segment


class Light:
    """One gateway of one board with four sensors, from its publisher on. rows: as `payload` has it."""

    def __init__(self, name: str, port: int, *, rows: bool = False, tls: Tls | None = None) -> None:
        self.account, self.seq = Account(), dict.fromkeys(SENSORS, 0)
        self.started, self.run_id = time.time(), random.randbytes(6).hex()
        self.naming = Naming(name, "gateway", self.run_id, rows)
        self.topic = f"{self.naming.base}/status"
        self._where = Where("127.0.0.1", port, f"gateway-{level(name)}", tls=tls)
        accounts = defaultdict(Account, {BOARD: self.account})
        self.publisher = Publisher(
            self._there, self.naming, account=accounts.__getitem__, of=sensors(),
            will=lambda: Will(self.topic, self._document("lost")), connected=self.tell,
            clock=lambda: time.time() - time.monotonic(),
        )  # fmt: skip
        self.task = asyncio.ensure_future(self.publisher.run())

    async def _there(self) -> Where:
        return self._where

    def _document(self, ended: str = "") -> bytes:
        held = self.publisher.held(BOARD)
        board = BoardLook(
            BOARD, "online", self.started, "/dev/ttyUSB0", 115200, "csv", None, self.account, held, 0,
            {name: SensorLook("ok", seq, time.time(), "°C") for name, seq in self.seq.items()},
        )  # fmt: skip
        spool = {"bytes": 0, "oldest": None, "hours_left": 71.5}
        look = Look(
            self.naming.gateway, self.run_id, "0.0.0", self.started, time.time(), "synced", (board,),
            self.publisher.look(), spool, {"workers": 0},
        )  # fmt: skip
        document = gateway_document(look, Faults(time.time, lambda *_: None))
        return json.dumps(offline(document, ended) if ended else document).encode()

    def tell(self) -> None:
        """Its document, now."""
        self.publisher.document(self.topic, self._document())

    def read(self, count: int) -> None:
        """So many readings of each sensor come, computed as one batch."""
        mono, wall = time.monotonic(), time.time()
        pieces = []
        for name in SENSORS:
            first = self.seq[name] + 1
            self.seq[name] += count
            numbers = [random.gauss(40, 5) for _ in range(count)]
            columns = [array("d", [round(one / 60, 4) for one in numbers]) for _ in KEYS[:2]]
            columns += [array("d", [one + k / 7 for one in numbers]) for k in range(len(KEYS) - 2)]
            pieces.append(
                Features(
                    BOARD, name, "°C", KEYS, array("q", range(first, first + count)), array("d", [wall] * count),
                    array("d", [mono] * count), array("d", [round(one, 2) for one in numbers]), [None] * count,
                    array("q", [600] * count), bytes([4] * count), columns,
                )
            )  # fmt: skip
        self.account.values += 4 * count
        self.account.readings += 4 * count
        self.publisher.put(pieces)

    async def stop(self) -> None:
        """As a gateway is stopped."""
        await self.publisher.finish(lambda: {self.topic: self._document("stopped")}, 8.0)
        await self.task


class Traffic:
    """Bytes and segments of the connections of some gateways, as the kernel counts them."""

    def __init__(self, lights: list[Light]) -> None:
        self._lights, self._before = lights, [self._of(one) for one in lights]

    @staticmethod
    def _of(light: Light) -> tuple[int, int, int, int]:
        assert light.publisher._connection is not None, "it is connected"
        info = light.publisher._connection.wire._sock.getsockopt(6, 11, 232)  # TCP_INFO of linux/tcp.h
        received, out, into = struct.unpack_from("=QII", info, 128)
        (sent,) = struct.unpack_from("=Q", info, 200)
        return sent, received, out, into

    def since(self) -> dict[str, int]:
        """What has passed since it was made."""
        after = [self._of(one) for one in self._lights]
        both = zip(after, self._before, strict=True)
        sums = [sum(one) for one in zip(*([a - b for a, b in zip(*pair, strict=True)] for pair in both), strict=True)]
        return dict(zip(("sent", "received", "segments_out", "segments_in"), sums, strict=True))


async def live(options: argparse.Namespace) -> dict[str, object]:
    """Gateways of this process, until SIGTERM or for so long; what they have sent."""
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    tls = Tls(options.ca) if options.ca else None
    names = [f"{options.name}-{number}" for number in range(options.first, options.first + options.gateways)]
    lights = [Light(name, options.port, rows=options.payload == "rows", tls=tls) for name in names]
    while not all(one.publisher.look()["connected"] for one in lights) and not over.is_set():
        await _over(over, 0.05)
    print("connected", flush=True)
    traffic = None if over.is_set() else Traffic(lights)
    began, told, turns = time.monotonic(), time.monotonic(), 0
    while not over.is_set() and (not options.seconds or time.monotonic() < began + options.seconds):
        turns += 1
        for one in lights if options.rate else ():
            if one.publisher.held(BOARD) < 4 * 200 * options.batch:  # one that is behind is not pushed on
                one.read(options.batch)
        if time.monotonic() > told + EVERY:
            told = time.monotonic()
            for one in lights:
                one.tell()
        due = began + turns * 4 * options.batch / options.rate if options.rate else time.monotonic() + 0.5
        await _over(over, max(0.0, due - time.monotonic()))
    taken = sum(one.account.acknowledged for one in lights)
    passed = traffic.since() if traffic is not None and options.seconds else {}
    took = time.monotonic() - began
    await asyncio.gather(*(one.stop() for one in lights))
    sent = {one.naming.gateway: one.seq["S1"] for one in lights}
    return {"sent": sent, "acknowledged": taken, "seconds": took, "traffic": passed}


async def _over(over: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(over.wait(), seconds or 0.001)


def started(port: int, gateways: int, *more: str) -> subprocess.Popen[str]:
    """A process of so many gateways; it is connected when this returns."""
    command = [sys.executable, "-m", "tests.fleet", "--port", str(port), "--gateways", str(gateways), *more]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "connected\n"
    return process


def cpu_of(pid: int) -> float:
    """S of CPU that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(options: argparse.Namespace, folder: Path) -> dict[str, object]:
    """A mosquitto of its own, processes of gateways and a subscriber of all; what it came to."""
    lines, more = [], ["--rate", str(options.rate), "--payload", options.payload, "--batch", str(options.batch)]
    if options.tls:
        ours = Authority(folder / "ca")
        certificate, key = ours.issue("broker")
        lines, more = [f"certfile {certificate}", f"keyfile {key}"], [*more, "--ca", str(ours.certificate)]
    broker = Mosquitto(folder, [*lines, "log_type error"])
    broker._file.write_text(broker._file.read_text().replace("log_type all\n", ""))
    broker.start()
    more += ["--seconds", str(options.seconds)]
    subscribers = []
    if not options.tls:
        command = ["mosquitto_sub", "-p", str(broker.port), "-t", "gateway/+/+/+/features", "-q", "0", "-F", "%l"]
        subscribers = [
            subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(options.subscribers)
        ]  # fmt: skip
    share = [len(range(one, options.gateways, options.processes)) for one in range(options.processes)]
    firsts = [sum(share[:place]) for place in range(len(share))]
    processes = [
        started(broker.port, count, *more, "--first", str(first))
        for count, first in zip(share, firsts, strict=True)
        if count
    ]
    before = cpu_of(broker.pid)
    answers = [json.loads(one.communicate()[0].splitlines()[-1]) for one in processes]
    cpu = cpu_of(broker.pid) - before
    status = Path(f"/proc/{broker.pid}/status").read_text()
    memory = int(status.split("VmRSS:")[1].split()[0]) / 1000
    for one in subscribers:
        one.terminate()
        one.wait()
    broker.kill()
    taken = sum(one["acknowledged"] for one in answers)
    rate = sum(one["acknowledged"] / one["seconds"] for one in answers)
    traffic = {key: sum(one["traffic"][key] for one in answers) for key in answers[0]["traffic"]}
    out = traffic["sent"] + SEGMENT * traffic["segments_out"]
    into = traffic["received"] + SEGMENT * traffic["segments_in"]
    return {
        "gateways": options.gateways, "payload": options.payload, "batch": options.batch, "tls": options.tls,
        "subscribers": len(subscribers), "readings_per_s": round(rate),
        "broker_us_a_reading": round(1e6 * cpu / taken, 1), "broker_mb": round(memory, 1),
        "bytes_of_mqtt": round(traffic["sent"] / taken, 1), "bytes_out": round(out / taken, 1),
        "bytes_in": round(into / taken, 1),
    }  # fmt: skip


def main() -> None:
    """A part of a fleet at a broker, or a measurement at one of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of a broker that runs")
    parser.add_argument("--gateways", type=int, default=200)
    parser.add_argument("--rate", type=float, default=4.0, help="readings/s of each gateway")
    parser.add_argument("--batch", type=int, default=1, help="readings of each of its four sensors that come at once")
    parser.add_argument("--payload", default="reading", choices=("reading", "rows"))
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--subscribers", type=int, default=1)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--name", default="light")
    parser.add_argument("--ca", type=Path)
    options = parser.parse_args()
    if options.port:
        print(json.dumps(asyncio.run(live(options))), flush=True)
        return
    options.seconds = options.seconds or 20.0
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measured(options, Path(folder))), flush=True)


if __name__ == "__main__":
    main()

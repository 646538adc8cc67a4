"""Many gateways in a few processes: the publisher, the documents and the will of each are the gateway's own.

    python -m tests.fleet --port 1883 --gateways 200 --rate 5             at a broker that runs, until Ctrl-C

What they leave out is what is before the publisher, ports, decoding and the pool, and the spool behind it: so a process
holds hundreds of them. At the end a line of JSON: what each has sent, and what they had acknowledged; with --seconds
also what passed meanwhile, as TCP counts it. What that takes: tests/scale/.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import signal
import struct
import subprocess
import sys
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
from gateway.telling.status import BoardLook, Look, SensorLook, board_document, gateway_document, offline
from gateway.tls import Tls
from tests.outboxes import sensors
from tests.street import ROOT

KEYS = ("normalized", "feature", "mean", "std", "min", "max")
BOARD, SENSORS = "bench", ("S1", "S2", "S3", "S4")
EVERY = 30.0  # s between two documents
QUIET = Faults(time.time, lambda *_: None)


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
            will=lambda: Will(self.topic, self.document("lost")), connected=self.tell,
            clock=lambda: time.time() - time.monotonic(),
        )  # fmt: skip
        self.task = asyncio.ensure_future(self.publisher.run())

    async def _there(self) -> Where:
        return self._where

    def _board(self) -> BoardLook:
        held = self.publisher.held(BOARD)
        return BoardLook(
            BOARD, "online", self.started, "/dev/ttyUSB0", 115200, "csv", None, self.account, held, 0,
            {name: SensorLook("ok", seq, time.time(), "°C") for name, seq in self.seq.items()},
        )  # fmt: skip

    def document(self, ended: str = "") -> bytes:
        """Its own, or its last. ended: stopped | lost."""
        spool = {"bytes": 0, "oldest": None, "hours_left": 71.5}
        look = Look(
            self.naming.gateway, self.run_id, "0.0.0", self.started, time.time(), "synced", (self._board(),),
            self.publisher.look(), spool, {"workers": 0},
        )  # fmt: skip
        document = gateway_document(look, QUIET)
        return json.dumps(offline(document, ended) if ended else document).encode()

    def tell(self) -> None:
        """Its documents, now."""
        self.publisher.document(self.topic, self.document())
        self.publisher.document(f"{self.naming.base}/{BOARD}/status", self.board_document())

    def board_document(self) -> bytes:
        """Its board's."""
        return json.dumps(board_document(self._board(), QUIET)).encode()

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
        await self.publisher.finish(lambda: {self.topic: self.document("stopped")}, 8.0)
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
    if options.wait:
        await asyncio.to_thread(sys.stdin.readline)
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
    within = sum(one.account.acknowledged for one in lights)
    passed = traffic.since() if traffic is not None and options.seconds else {}
    took = time.monotonic() - began
    await asyncio.gather(*(one.stop() for one in lights))
    sent = {one.naming.gateway: one.seq["S1"] for one in lights}
    taken = sum(one.account.acknowledged for one in lights)
    return {"sent": sent, "acknowledged": taken, "within": within, "seconds": took, "traffic": passed}


async def _over(over: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(over.wait(), seconds or 0.001)


def started(port: int, gateways: int, *more: str) -> subprocess.Popen[str]:
    """A process of so many gateways; it is connected when this returns."""
    command = [sys.executable, "-m", "tests.fleet", "--port", str(port), "--gateways", str(gateways), *more]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "connected\n"
    return process


def main() -> None:
    """A part of a fleet, at a broker."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="of a broker that runs")
    parser.add_argument("--gateways", type=int, default=200)
    parser.add_argument("--rate", type=float, default=4.0, help="readings/s of each gateway")
    parser.add_argument("--batch", type=int, default=1, help="readings of each of its four sensors that come at once")
    parser.add_argument("--payload", default="reading", choices=("reading", "rows"))
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--wait", action="store_true", help="sends readings once a line has come on standard input")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--name", default="light")
    parser.add_argument("--ca", type=Path)
    print(json.dumps(asyncio.run(live(parser.parse_args()))), flush=True)


if __name__ == "__main__":
    main()

"""What thousands of gateways that send nothing but their documents cost a broker, and who watches them.

    python -m tests.scale.connections --gateways 10000 [--tls] [--watch] [--seconds 60]

Each is a connection with a will, as a gateway makes it, a retained document of it, of its board and of each of its
sensors; every 30 s the documents anew and a ping. --watch: beside them a real `gateway watch --all --json`. A line of
JSON: how long they took to connect, all at once, and what of the broker's CPU a connection; then CPU and memory, of the
broker and of the watch.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.fleet import BOARD, EVERY, KEYS, Light
from tests.packets import CONNECT, PINGREQ, PUBLISH, packet, string
from tests.scale.broker import cpu_of, memory_of, quiet
from tests.street import ROOT

AT_ONCE = 500  # handshakes under way in a process
ONE = "light-of-whom-the-documents-are"
FLAGS = 0x2E  # a clean start, and a will that is retained, by QoS 1


class Idle(asyncio.Protocol):
    """One of them, from its CONNECT on. here: set when the broker has taken it."""

    def __init__(self, name: str, of: Light, sensors: int) -> None:
        self.here = asyncio.get_running_loop().create_future()
        base = f"gateway/{name}"
        self._will = packet(
            CONNECT, 0,
            string("MQTT") + bytes([5, FLAGS, 0, 30, 0]) + string(f"gateway-{name}")
            + b"\x00" + string(f"{base}/status") + string(_named(of.document("lost"), name)),
        )  # fmt: skip
        documents = [(f"{base}/status", _named(of.document(), name)), (f"{base}/{BOARD}/status", of.board_document())]
        reading = {"gateway": name, "board": BOARD, "run": of.run_id, "seq": 1, "time": "2026-11-29T23:33:19.990Z"}
        last = json.dumps(
            {**reading, "value": 40.1, "unit": "°C", "n": 60, "quality": "ok", **dict.fromkeys(KEYS, 0.5)}
        )
        lasts = [(f"{base}/{BOARD}/{sensor}/last", last.encode()) for sensor in range(sensors)]
        self._documents, self._lasts = _retained(documents), _retained(lasts)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._will)

    def data_received(self, data: bytes) -> None:
        if not self.here.done():
            assert data[0] == 0x20 and data[3] == 0, "it is welcome"
            self.here.set_result(None)
            self._transport.write(self._documents + self._lasts)

    def tell(self) -> None:
        """Its documents, and a ping."""
        self._transport.write(self._documents + packet(PINGREQ, 0, b""))


def _named(document: bytes, name: str) -> bytes:
    return document.replace(ONE.encode(), name.encode())


def _retained(messages: list[tuple[str, bytes]]) -> bytes:
    return b"".join(
        packet(PUBLISH, 3, string(topic) + number.to_bytes(2, "big") + b"\x00" + payload)
        for number, (topic, payload) in enumerate(messages, 1)
    )


async def live(options: argparse.Namespace) -> None:
    """Connections of this process, until its standard input ends."""
    loop, gate = asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE)
    context = ssl.create_default_context(cafile=options.ca) if options.ca else None
    of = Light(ONE, options.port)
    of.task.cancel()
    names = [f"light-{number}" for number in range(options.first, options.first + options.gateways)]

    async def one(name: str) -> Idle:
        async with gate:
            host = "localhost" if context else None
            make = lambda: Idle(name, of, options.sensors)  # noqa: E731
            _, protocol = await loop.create_connection(
                make, "127.0.0.1", options.port, ssl=context, server_hostname=host, ssl_handshake_timeout=None
            )
            await protocol.here
            return protocol

    all_of_them = await asyncio.gather(*map(one, names))
    print("connected", flush=True)
    over = loop.create_task(asyncio.to_thread(sys.stdin.read))
    began, place = time.monotonic(), 0
    while not over.done():
        while place < (time.monotonic() - began) / EVERY * len(all_of_them):
            all_of_them[place % len(all_of_them)].tell()
            place += 1
        await asyncio.wait([over], timeout=0.05)


def connected(port: int, options: argparse.Namespace, authority: Path | None) -> list[subprocess.Popen[str]]:
    """Processes of the connections; they are there when this returns."""
    made, first = [], 0
    for place in range(options.processes):
        share = len(range(place, options.gateways, options.processes))
        command = [sys.executable, "-m", "tests.scale.connections", "--port", str(port), "--gateways", str(share)]
        command += [
            "--first",
            str(first),
            "--sensors",
            str(options.sensors),
            *(["--ca", str(authority)] if authority else []),
        ]
        pipe = subprocess.PIPE
        made.append(subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True))
        first += share
    for one in made:
        assert one.stdout is not None and one.stdout.readline() == "connected\n"
    return made


def watched(port: int, seconds: float, out: Path) -> tuple[subprocess.Popen[bytes], float]:
    """A `gateway watch --all`, and when it ends."""
    command = [sys.executable, "-m", "gateway", "watch", "--all", "--url", f"mqtt://127.0.0.1:{port}", "--json"]
    with out.open("wb") as file:
        process = subprocess.Popen([*command, "--seconds", str(seconds)], cwd=ROOT, stdout=file)
    return process, time.monotonic() + seconds


def measured(options: argparse.Namespace) -> dict[str, object]:
    """The figures."""
    figures: dict[str, object] = {"gateways": options.gateways, "tls": options.tls}
    with quiet(tls=options.tls) as (broker, authority), tempfile.TemporaryDirectory() as name:
        empty, cpu, began = memory_of(broker.pid), cpu_of(broker.pid), time.monotonic()
        processes = connected(broker.port, options, authority)
        took = time.monotonic() - began
        figures["connected_s"] = round(took, 1)
        figures["connect_ms"] = round(1e3 * (cpu_of(broker.pid) - cpu) / options.gateways, 3)
        time.sleep(2)  # what they told at first is retained
        cpu, began = cpu_of(broker.pid), time.monotonic()
        if options.watch:
            out = Path(name) / "out"
            watch, end = watched(broker.port, options.seconds, out)
            time.sleep(end - time.monotonic() - 2)
            figures["watch_mb"], figures["watch_cpu_s"] = round(memory_of(watch.pid), 1), round(cpu_of(watch.pid), 1)
            watch.wait(60)
            last = json.loads(out.read_text().splitlines()[-1])
            figures["watch_says"] = {key: value for key, value in last.items() if key != "kind"}
        else:
            time.sleep(options.seconds)
        core = (cpu_of(broker.pid) - cpu) / (time.monotonic() - began)
        memory = memory_of(broker.pid)
        for one in processes:
            one.communicate()
    figures |= {"core": round(core, 3), "broker_mb": round(memory, 1)}
    return {**figures, "kb_a_gateway": round(1e3 * (memory - empty) / options.gateways, 1)}


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    about = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m tests.scale.connections", description=about)
    parser.add_argument("--gateways", type=int, default=10_000)
    parser.add_argument("--sensors", type=int, default=4, help="of each, of which something is retained")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--watch", action="store_true")
    parser.add_argument("--port", type=int, default=0, help="to be some of the connections, at a broker that runs")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--ca", type=Path)
    return parser.parse_args(given)


def main() -> None:
    """Measures, and prints; with --port it is some of the connections."""
    options = arguments()
    if options.port:
        asyncio.run(live(options))
    else:
        print(json.dumps(measured(options)), flush=True)


if __name__ == "__main__":
    main()

"""How the process of our own broker ends, by itself or with the gateway, and how it comes back."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.publish import embedded
from gateway.publish.broker import Refused, Where
from gateway.publish.client import connect
from gateway.publish.embedded import Broker, Embedded, start
from tests.faults.tree import alive
from tests.own_broker import LOOPBACK, ODD, Client, children, free, proc, running
from tests.waiting import until

ROOT = Path(__file__).parents[1]


async def test_a_child_that_dies_is_noticed_and_the_port_serves_again():
    """Whoever waits for `ended` gets a sentence; a new broker on the same port takes over, and stop tells nobody."""
    broker = await start(LOOPBACK)
    os.kill(broker.pid, signal.SIGKILL)
    assert await asyncio.wait_for(broker.ended, 5) == "the embedded broker was killed (SIGKILL)"
    await broker.stop()
    again = await start((broker.host, broker.port))
    (await Client.to(again, "gateway")).leave()
    await again.stop()
    await again.stop()
    assert not again.ended.done()
    assert not alive(again.pid)


async def test_a_broker_that_is_kept_is_there_again_on_its_port():
    """It is started anew with the same user, clients can connect, and both are told; after `stop` it stays away."""
    events: list[tuple[str, dict[str, object]]] = []
    kept = await Embedded.start(LOOPBACK, *ODD, lambda name, **fields: events.append((name, fields)))
    address, place = kept.address, f"127.0.0.1:{kept.address[1]}"
    (child,) = [pid for pid in children() if b"gateway-broker" in proc(pid, "comm")]
    os.kill(child, signal.SIGKILL)
    await until(lambda: kept.trouble)
    assert kept.trouble == "the embedded broker was killed (SIGKILL)"
    await until(lambda: kept.trouble is None)
    assert kept.address == address
    (await connect(Where(*address, "a", *ODD, v5=False))).close()
    with pytest.raises(Refused):
        await connect(Where(*address, "a", v5=False))
    await kept.stop()
    await kept.stop()
    socket.create_server(address).close()
    assert [name for name, _ in events] == ["embedded.started", "embedded.lost", "embedded.recovered"]
    assert {fields["listen"] for _, fields in events} == {place}
    assert events[1][1]["why"] == "the embedded broker was killed (SIGKILL)"
    assert isinstance(events[2][1]["after_s"], float)


async def test_a_broker_that_cannot_come_back_is_tried_until_it_can(monkeypatch):
    """While another program has its port the trouble says who; when that has ended, the broker is back."""
    monkeypatch.setattr(embedded, "delay", lambda attempts, chance: 0.01)
    kept = await Embedded.start(LOOPBACK)
    (child,) = [pid for pid in children() if b"gateway-broker" in proc(pid, "comm")]
    embedded_start = embedded.start
    other = socket.socket()
    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

    async def taken_first(*arguments: object) -> Broker:
        if other.fileno() >= 0 and other.getsockname()[1] == 0:
            other.bind(kept.address)
            other.listen()
        return await embedded_start(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(embedded, "start", taken_first)
    os.kill(child, signal.SIGKILL)
    await until(lambda: "is taken by" in (kept.trouble or ""))
    other.close()
    await until(lambda: kept.trouble is None)
    (await connect(Where(*kept.address, "a", v5=False))).close()
    await kept.stop()


async def test_a_deaf_broker_is_ended():
    """A topic at which its router dies would leave a process that accepts and answers nobody; it ends instead."""
    async with running() as broker:
        gateway = await Client.to(broker, "gateway", topic="#")
        gateway.send("é", b"1")
        assert "failed inside" in await asyncio.wait_for(broker.ended, 5)
        assert not alive(broker.pid)
        gateway.leave()


async def test_a_frozen_child_does_not_hold_up_the_end(monkeypatch):
    """A child that does not react to the end of its input is killed."""
    monkeypatch.setattr(embedded, "GOODBYE", 0.1)
    broker = await start(LOOPBACK)
    os.kill(broker.pid, signal.SIGSTOP)
    await asyncio.wait_for(broker.stop(), 5)
    assert not alive(broker.pid)


GATEWAY = """
import asyncio, json, sys
from gateway.publish.embedded import start
async def main():
    broker = await start(("127.0.0.1", 0))
    print(json.dumps({"pid": broker.pid, "port": broker.port}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await broker.stop()
asyncio.run(main())
"""


@contextlib.contextmanager
def gateway_with_a_broker():
    command = [sys.executable, "-c", GATEWAY]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True, **pipes) as process:
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


async def test_a_killed_gateway_takes_its_broker_along():
    """After kill -9 of the gateway the child ends by itself, and the port is free."""
    with gateway_with_a_broker() as (process, broker):
        assert alive(broker["pid"])
        process.kill()
        await until(lambda: not alive(broker["pid"]), within=2)
        await until(lambda: free(broker["port"]), within=2)  # its threads end after its name is gone


async def test_ctrl_c_is_left_to_the_gateway():
    """A signal to the gateway's process group, as a terminal sends it, does not reach the child before our goodbye."""
    with gateway_with_a_broker() as (process, broker):
        assert os.getpgid(broker["pid"]) != os.getpgid(process.pid)


async def test_the_child_says_nothing_on_our_output():
    """Clients come, speak nonsense and go; the gateway's own output stays what the gateway wrote."""
    with gateway_with_a_broker() as (process, broker):
        for rubbish in (b"GET / HTTP/1.1\r\n\r\n", b"\x10\x0c\x00\x04MQTT\x05\x02\x00\x3c\x00\x00", b"\xff" * 64):
            with socket.create_connection(("127.0.0.1", broker["port"])) as client:
                client.sendall(rubbish)
                client.shutdown(socket.SHUT_WR)
                client.settimeout(5)
                with contextlib.suppress(ConnectionResetError):
                    assert client.recv(100) == b""
        said, complained = process.communicate(b"", timeout=10)
        assert (said, complained, process.returncode) == (b"", b"", 0)

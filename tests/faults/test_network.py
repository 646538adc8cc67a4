"""Rows F39, F42, F50 and F51: the network before the broker, and what waits while it is away."""

import contextlib
import os
import socket
import subprocess

import pytest

from tests.brokers import free_port
from tests.faults import tree
from tests.faults.rows import lasting, row
from tests.faults.scene import KEEPS

OUTAGE = ("broker.lost", "broker.recovered")


@contextlib.contextmanager
def namespace(name, near, far):
    """A network namespace of that name, joined to this machine by a pair of virtual cards with these addresses."""
    ip = lambda *words: subprocess.run(["ip", *words], check=True, capture_output=True)  # noqa: E731
    try:
        ip("netns", "add", name)
        ip("link", "add", f"{name}a", "type", "veth", "peer", "name", f"{name}b", "netns", name)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"network namespaces are not allowed here: {error.stderr.decode().strip()}")
    try:
        ip("addr", "add", f"{near}/30", "dev", f"{name}a")
        ip("link", "set", f"{name}a", "up")
        for words in (["addr", "add", f"{far}/30", "dev", f"{name}b"], ["link", "set", f"{name}b", "up"]):
            ip("netns", "exec", name, "ip", *words)
        yield lambda way: ip("link", "set", f"{name}a", *way)
    finally:
        ip("netns", "del", name)


@row(
    "F39",
    field="A silent partition: the cable is out, and TCP does not know.",
    happens="The gateway runs in a network namespace; its virtual cable is pulled for 5 minutes.",
    promised="The loop never blocks; noticed within twice the keepalive; back within 20 s; one connection afterwards; "
    "nothing lost.",
    root=True,
    full=400,
)
def test_f39_silent_partition(scene):
    name, near, far = f"gw{os.getpid() % 100_000}", "169.254.77.1", "169.254.77.2"
    with namespace(name, near, far) as cable:
        port = free_port()
        s = scene(
            broker=(*KEEPS, f"listener {port} {near}"), url=f"mqtt://{near}:{port}",
            prefix=["ip", "netns", "exec", name], timers={"keepalive": lasting(30, 3)},
        )  # fmt: skip
        s.steady()
        with s.fault():
            cable(["down"])
            s.prove(lambda: tree.state(s.pid) in "RS", "the cable is out")
            s.hold(300, ci=10)
            cable(["up"])
        assert s.times("broker.lost") == 1
        s.back(within=20)
        s.over(told=[OUTAGE], faults=["broker"])
        assert s.broker.log.count("New client connected") < 20


@row(
    "F42",
    field="Days of backlog meet a broker that is back.",
    happens="200,000 readings wait on the disk, then mosquitto is started.",
    promised="Live readings go first, the backlog beside them, marked `replayed`; order is kept within each; the loop "
    "stays quick; the files shrink to less than 1 MB when all is out.",
    floods=True,
    full=300,
)
def test_f42_a_backlog_meets_the_broker(scene):
    s = scene(sensors=8, rate=100, baud=921_600)
    s.steady()
    with s.fault():
        s.broker.stop()
        s.hold(90)
        s.prove(lambda: len(s.judge.missing()) > lasting(200_000, 15_000), "a backlog waits")
        s.broker.start()
    s.back(within=5)
    s.pause_boards(lasting(60, 5))  # this machine has boards, broker and judge to carry as well
    last = s.over(told=[OUTAGE], faults=["broker"], excepted=["latency"])
    replayed = sum(1 for heard in s.judge.readings.values() if heard[0].document.get("replayed"))
    assert replayed > lasting(150_000, 10_000), f"only {replayed} came from the disk"
    size = sum(file.stat().st_size for file in (s.folder / "state").rglob("*") if file.is_file())
    assert size < 1_000_000, f"{size} bytes are left on the disk"
    assert last["spooled"] == 0


@row(
    "F50",
    field="The name server hangs, or answers anew.",
    happens="In a mount namespace resolv.conf names a socket that swallows; the broker's name leaves /etc/hosts, the "
    "broker is restarted, and the name comes back with another address.",
    promised="The loop stays quick; an attempt is given up after 10 s and says that the name server does not answer; "
    "the new address is used at the next attempt.",
    root=True,
    full=90,
)
def test_f50_dns_hangs(scene, tmp_path):
    hosts, resolv = tmp_path / "hosts", tmp_path / "resolv.conf"
    hosts.write_text("127.0.0.1 localhost broker.test\n")
    resolv.write_text("nameserver 127.9.9.9\noptions timeout:30 attempts:2\n")
    if subprocess.run(["unshare", "-m", "mount", "--bind", str(hosts), "/etc/hosts"], capture_output=True).returncode:
        pytest.skip("mount namespaces are not allowed here")
    bound = f'mount --bind {hosts} /etc/hosts && mount --bind {resolv} /etc/resolv.conf && exec "$@"'
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as swallows:
        swallows.bind(("127.9.9.9", 53))
        port = free_port()
        lines = (*KEEPS, f"listener {port} 127.0.0.1", f"listener {port} 127.0.0.2")
        s = scene(broker=lines, url=f"mqtt://broker.test:{port}", prefix=["unshare", "-m", "sh", "-c", bound, "sh"])
        s.steady()
        with s.fault():
            hosts.write_text("127.0.0.1 localhost\n")
            s.broker.stop()
            s.broker.start()
            s.hold(40, ci=14)
            swallows.setblocking(False)
            s.prove(lambda: swallows.recv(4096), "the name server was asked, and says nothing")
            hosts.write_text("127.0.0.1 localhost\n127.0.0.2 broker.test\n")
        s.back(within=30)
        s.over(told=[OUTAGE], faults=["broker"], excepted=["handles"])


@row(
    "F51",
    field="A port that accepts and says nothing.",
    happens="The gateway starts before a proxy that accepts, and moves nothing.",
    promised="Each attempt is given up after 10 s, and the event says that the broker does not answer; back within 20 "
    "s.",
    full=60,
)
def test_f51_a_port_that_says_nothing(scene):
    s = scene(proxy=True, start=False)
    s.proxy.frozen = True
    with s.fault():
        s.start()
        told = s.noticed("broker.refused", 12)
        s.prove(lambda: len(s.proxy.accepted) > 0, "it was accepted")
        s.hold(30, ci=0)
        s.proxy.frozen = False
    assert "does not answer" in told["why"], "given up for another reason"
    assert 9.5 < told["mono"] - s.proxy.accepted[0] < 11, "given up after 10 s"
    s.back(within=20)
    s.steady()
    s.over(told=[("broker.refused", "broker.recovered")], faults=["broker"])

"""Rows F67, F68 and F71: the process, and what the system gives it or not."""

import os
import resource
import signal
import socket
import time

from tests.faults import tree
from tests.faults.rows import row

TORN = 3 * 4  # readings: what a board wrote and nobody had read when it was unplugged
FIRST = 3 * 4  # readings: each board's first line after a port was opened, which may be half a line


@row(
    "F67",
    field="A stop in an outage.",
    happens="Readings wait while mosquitto is down, or frozen; SIGTERM, again SIGTERM, SIGINT; then a start.",
    promised="Exit code 0 within 5 s, 10 s with a frozen broker; all is on the disk, and goes out after the next "
    "start; no traceback.",
    full=60,
)
def test_f67_a_stop_in_an_outage(scene):
    s = scene(rate=80)
    s.steady()
    with s.fault():
        s.broker.stop()
        s.hold(15, ci=4)
        stopped_and_started(s, 5.0)
        s.broker.start()
    s.back(within=20)
    s.steady()
    last = s.over(lost=FIRST, excepted=["latency", "memory"])
    assert last["inherited"] > 0


@row("F67", full=60)
def test_f67_a_stop_while_the_broker_is_frozen(scene):
    s = scene(rate=80)
    s.steady()
    with s.fault():
        s.broker.signal(signal.SIGSTOP)
        s.prove(lambda: tree.state(s.broker.pid) == "T", "mosquitto is stopped")
        s.hold(15, ci=5)
        stopped_and_started(s, 10.0)
        s.broker.signal(signal.SIGCONT)
    s.back(within=20)
    s.steady()
    last = s.over(lost=FIRST, excepted=["latency", "memory"])
    assert last["inherited"] > 0


@row("F67", full=30)
def test_f67_signals_come_again(scene):
    s = scene()
    s.steady()
    with s.fault():
        s.broker.stop()
        s.hold(3)
        stopped_and_started(s, 5.0, [signal.SIGTERM] * 30 + [signal.SIGINT] * 10)
        s.broker.start()
    s.back(within=20)
    s.steady()
    s.over(lost=FIRST, excepted=["latency", "memory"])


def stopped_and_started(s, within, signals=(signal.SIGTERM,)):
    """Stops the gateway and starts it again; the boards are quiet meanwhile."""
    s.prove(lambda: len(s.judge.missing()) > 100, "readings wait")
    s.pause_boards(within + 2)
    s.spend(0.5)
    began = time.monotonic()
    for number in signals:
        s.gateway.process.send_signal(number)
        s.spend(0.01)
    code = s.gateway.process.wait(within)
    s.told["stopped after"] = round(time.monotonic() - began, 1)
    stopped = s.events("service.stopped")[-1]
    assert stopped["readings"] + stopped["inherited"] == sum(
        stopped[key] for key in ("acknowledged", "spooled", "dropped")
    )
    assert code == 0 and "Traceback" not in s.gateway.log.read_text()
    s.start()


@row(
    "F68",
    field="systemd waits for the start, and watches the loop.",
    happens="A socket stands for systemd (NOTIFY_SOCKET, WATCHDOG_USEC); no broker and no port are there; then the "
    "gateway is stopped.",
    promised="READY=1 comes when pool and spool are up, and waits for no port and no broker; WATCHDOG=1 comes while "
    "the loop runs, and not when it does not; STOPPING=1 at the end.",
    fast=True,
    full=20,
)
def test_f68_ready_waits_for_nobody(scene, tmp_path):
    with service_manager(tmp_path) as manager:
        s = scene(start=False, environment={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        s.broker.stop()
        for board in s.boards.values():
            board.unplug()
        s.start()
        assert "READY=1" in heard(manager, 10.0, "READY=1")
        assert s.gateway.stop() == 0
        assert "STOPPING=1" in heard(manager, 2.0, "STOPPING=1")


@row("F68", full=30)
def test_f68_the_watchdog(scene, tmp_path):
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2000000"}
    with service_manager(tmp_path) as manager:
        s = scene(environment=environment)
        assert "WATCHDOG=1" in heard(manager, 5.0, "WATCHDOG=1")
        os.kill(s.pid, signal.SIGSTOP)
        heard(manager, 0.2, "nothing")
        assert "WATCHDOG=1" not in heard(manager, 4.0, "WATCHDOG=1")
        os.kill(s.pid, signal.SIGCONT)
        assert "WATCHDOG=1" in heard(manager, 5.0, "WATCHDOG=1")


def service_manager(folder):
    """A socket that stands for systemd's."""
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(folder / "notify"))
    return manager


def heard(manager, seconds, word):
    """All that comes until `word` has come, or the time is over."""
    deadline, text = time.monotonic() + seconds, ""
    while word not in text and (left := deadline - time.monotonic()) > 0:
        manager.settimeout(left)
        try:
            text += manager.recv(4096).decode() + "\n"
        except TimeoutError:
            break
    return text


@row(
    "F71",
    field="The gateway is out of file descriptors.",
    happens="Its limit is set to what it has open; a board is unplugged and plugged in again, the broker is restarted.",
    promised="No spin (less than a fifth of a core beyond its work); named in the log; back within 5 s of the limit "
    "being raised.",
    full=60,
)
def test_f71_out_of_descriptors(scene):
    s = scene()
    s.steady()
    free = resource.prlimit(s.pid, resource.RLIMIT_NOFILE)
    before = tree.cpu(s.pid) / max(1.0, time.monotonic() - s.steady_from + 1.0)
    with s.fault():
        resource.prlimit(s.pid, resource.RLIMIT_NOFILE, (3, free[1]))
        s.boards["attic"].unplug()
        s.broker.stop()
        s.boards["attic"].plug()
        s.broker.start()
        s.prove(
            lambda: s.until(lambda: "too many" in s.gateway.log.read_text().lower(), "it is named", 10), "none left"
        )
        used, since = tree.cpu(s.pid), time.monotonic()
        s.hold(10)
        spin = (tree.cpu(s.pid) - used) / (time.monotonic() - since)
        resource.prlimit(s.pid, resource.RLIMIT_NOFILE, free)
    s.told["cores"] = round(spin, 2)
    assert spin < before + 0.2, f"it spins: {spin:.2f} of a core, before {before:.2f}"
    s.back(within=5)
    s.over(lost=TORN, excepted=["latency"])

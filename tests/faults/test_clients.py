"""Rows F48 and F52 to F57: as whom the gateway comes to its broker, who else is there, and what is said to it."""

import itertools
import os
import signal
import socket
import subprocess
import sys
import time

from tests.brokers import free_port
from tests.faults import tree
from tests.faults.judge import Judge
from tests.faults.rows import lasting, row
from tests.faults.scene import KEEPS
from tests.street import ROOT, Gateway, configuration

OUTAGE = ("broker.lost", "broker.recovered")


def closest(times: list[float]) -> float:
    """The shortest time between two of them, s."""
    return min((later - earlier for earlier, later in itertools.pairwise(sorted(times))), default=float("inf"))


@row(
    "F48",
    field="The password is changed.",
    happens="mosquitto is restarted with another password; later the new one is put into `password_file`.",
    promised="Told within 5 s, by what to look at; at most one attempt in 10 s; connected within 30 s of the file "
    "being right, with no restart; nothing lost. Where its file hangs that is told within 15 s, and the loop waits for "
    "nothing; another in its place is read once it has hung twice as long, at the latest.",
    full=90,
)
def test_f48_the_password_is_changed(scene, tmp_path):
    accounts, ours = tmp_path / "accounts", tmp_path / "password"

    def set_password(word):
        subprocess.run(["mosquitto_passwd", "-b", "-c", str(accounts), "gw", word], check=True, capture_output=True)

    def write(word):
        ours.write_text(word)
        ours.chmod(0o600)

    set_password("first")
    write("first")
    judged = free_port()
    lines = ("per_listener_settings true", "allow_anonymous true", *KEEPS, f"listener {judged} 127.0.0.1",
             "allow_anonymous false", f"password_file {accounts}")  # fmt: skip
    pause = lasting(10, 3)
    s = scene(
        broker=lines, url=f"mqtt://127.0.0.1:{judged}", mqtt=f'username = "gw"\npassword_file = "{ours}"',
        timers={"refused": pause},
    )  # fmt: skip
    s.steady()
    with s.fault():
        set_password("second")
        s.broker.stop()
        s.broker.start()
        told = s.noticed("broker.refused", 5)
        s.prove("not authorised" in s.broker.log, "mosquitto refuses")
        s.hold(35, ci=8)
        write("second")
    assert "the user name or password is wrong" in told["why"] and "second" not in s.gateway.log.read_text()
    s.back(within=2 * pause + 5)
    refused = [line for line in s.broker.log.splitlines() if "not authorised" in line]
    assert len(refused) <= 2 + lasting(35, 8) / pause, f"{len(refused)} attempts"
    s.over(told=[OUTAGE], faults=["broker"])


@row("F48", full=60)
def test_f48_its_file_hangs(scene, tmp_path):
    ours = tmp_path / "password"
    ours.write_text("word")
    ours.chmod(0o600)
    s = scene(mqtt=f'username = "gw"\npassword_file = "{ours}"')
    s.steady()
    with s.fault():
        ours.unlink()
        os.mkfifo(ours, 0o600)
        s.broker.stop()
        s.broker.start()
        told = s.noticed("broker.refused", 15)
        s.prove("was not read within 5 s" in told["why"], "the file hangs")
        s.hold(20, 2)
        ours.rename(tmp_path / "hangs")
        ours.write_text("word")
        ours.chmod(0o600)
    s.back(within=20)
    s.over(faults=["broker"], excepted=["handles"])  # threads that hang stay


@row(
    "F52",
    field="Two gateways with one id.",
    happens="A copy of the gateway is started with the same `gateway.id`, and stopped a minute later.",
    promised="After three takeovers in a minute both say so, once, and how long they wait: 30 to 45 s, with jitter; "
    "nothing is lost; 50 s after the other has gone the status is clean. What is retained of the other's boards stays, "
    "until it is [taken back](fleet.md#two-of-one-name).",
    full=200,
)
def test_f52_two_gateways_with_one_id(scene, tmp_path):
    wait = lasting(30, 3, 3)
    s = scene(proxy=True, timers={"rival": wait})
    s.steady()
    with s.fault():
        text = configuration(s.broker.port, {"elsewhere": str(tmp_path / "none")})
        other = s.another(tmp_path / "other", text)
        s.until(lambda: s.times("broker.taken_over"), "it is told that two have one id", 60)
        since = time.monotonic()
        s.prove(lambda: "already connected, closing old" in s.broker.log, "they throw each other out")
        s.hold(90, ci=10, fast=10)
        assert other.stop() == 0
    attempts = [at for at in s.proxy.accepted if at > since]
    assert closest(attempts) >= wait - 0.5, f"attempts only {closest(attempts):.1f} s apart"
    s.back(within=2 * wait + 2)
    of_both = {f"gateway/gw/{board}/status" for board in ("elsewhere", *s.boards)}
    assert s.broker.retained("gateway/gw/+/status") == of_both
    s.over(faults=["broker"])
    assert s.times("broker.taken_over") == 1


@row(
    "F53",
    field="The late will: the broker still has the connection of a gateway that was killed.",
    happens="A proxy leaves the broker's side open; the gateway is killed (kill -9) and started again.",
    promised="The client id is the same in every run, so that the old will comes before the new `online`, and the "
    "retained status stays `online`. Lost is at most what came in within `at_risk` + 0.5 s before.",
    full=120,
)
def test_f53_the_late_will(scene):
    keepalive = lasting(30, 4)
    s = scene(proxy=True, timers={"keepalive": keepalive})
    s.steady()
    with s.fault():
        s.proxy.half_open()
        s.gateway.kill()
        s.prove(lambda: tree.sockets_to(os.getpid(), s.broker.port) > 0, "the broker's side is open")
        killed = time.monotonic()
        s.start()
    s.back(within=20)
    risked = {key for key, (_, at) in s.judge.written.sent.items() if s.began - 1.5 <= at <= killed + 20}
    s.steady()
    s.spend(1.5 * keepalive + 2)
    s.judge.listen()
    states = [heard.document["state"] for heard in s.judge.documents["gateway/gw/status"] if heard.at > s.healed]
    assert "offline" not in states[states.index("online") :], f"it stays online: {states}"
    s.over(lost=risked, excepted=["latency"])


@row(
    "F54",
    field="A subscriber is slow, or away.",
    happens="A second subscriber is stopped while readings come; mosquitto keeps 1000 messages for it.",
    promised="The gateway says acknowledged, and is right: the others have all. What that subscriber lacks, it sees as"
    " gaps in `seq`.",
    full=330,
)
def test_f54_a_slow_subscriber(scene, tmp_path):
    lines = ("persistence true", "max_inflight_messages 20", "max_queued_messages 1000")
    s = scene(broker=lines)
    slow = Judge(tmp_path, s.broker.port, "slow")
    s.stack.callback(slow.close)
    s.steady()
    with s.fault():
        os.kill(slow.pid, signal.SIGSTOP)
        s.prove(lambda: tree.state(slow.pid) == "T", "the subscriber is stopped")
        s.hold(300, ci=8)
        os.kill(slow.pid, signal.SIGCONT)
    s.back(within=5)
    s.spend(lasting(5, 3))
    s.over(bystanders=list(s.boards))
    slow.listen()
    gaps = 0
    for documents in slow.order.values():
        seqs = sorted({one["seq"] for one in documents})
        gaps += seqs[-1] - seqs[0] + 1 - len(seqs)
    assert gaps == len(s.judge.readings) - len(slow.readings) > 1000


@row(
    "F55",
    field="More waits than the client's library can hold.",
    happens="70,000 readings come while mosquitto is away.",
    promised="Only a window of them is ever under way; nothing lost, and no more comes twice than was under way at the"
    " break.",
    floods=True,
    full=120,
)
def test_f55_more_than_paho_can_hold(scene):
    s = scene(sensors=12, rate=75, baud=921_600, proxy=True)
    s.steady()
    with s.fault():
        s.broker.stop()
        many = lambda: len(s.judge.written.sent) - len(s.judge.readings) > 70_000  # noqa: E731
        s.prove(lambda: s.until(many, "70,000 readings wait", 90), "70,000 readings wait")
        s.pause_boards(20)  # shorter than the 30 s after which a board is silent, and its port opened anew
        s.broker.start()
    s.back(within=240)  # however long it takes beside other work
    s.over(told=[OUTAGE], faults=["broker"], excepted=["latency"])
    assert s.proxy.most_under_way <= 20
    assert s.told["doubled"] <= 20


@row(
    "F56",
    field="The connection brings rubbish.",
    happens="A proxy says random bytes in the broker's name, then tears a CONNACK in half.",
    promised="Noticed, and replaced within 5 s; no crash; nothing lost.",
    fast=True,
    full=60,
)
def test_f56_rubbish_from_the_broker(scene):
    s = scene(proxy=True)
    s.steady()
    for number in range(int(lasting(10, 3, 1))):
        torn = number == 1
        with s.fault():
            before = len(s.proxy.accepted)
            if torn:
                s.proxy.edit = lambda packet: packet[:2] if packet[0] == 0x20 else packet
                s.proxy.reset()
                s.until(lambda before=before: len(s.proxy.accepted) > before, "a torn CONNACK", 5)
                s.proxy.edit = None
                s.proxy.reset()
            else:
                s.proxy.inject(b"\xf3" + s.dice.randbytes(200))
            s.until(lambda before=before: len(s.proxy.accepted) > before, "the connection is replaced", 5)
            s.prove(True, "another connection is there")
        s.back(within=5)
        s.spend(lasting(10, 0.5, 0))
    s.over()


@row(
    "F57",
    field="The port of the embedded broker is taken.",
    happens="Somebody listens there first; and `listen` names an address of the network, without a password.",
    promised="Exit code 1, and the name of who holds it; the second is refused by `check`.",
    fast=True,
    full=10,
)
def test_f57_the_embedded_port_is_taken(tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        text = configuration(port, {"b": str(tmp_path / "none")}, mqtt=f'listen = "127.0.0.1:{port}"')
        gateway = Gateway(tmp_path, text.replace(f"mqtt://127.0.0.1:{port}", "embedded"))
        assert gateway.process.wait(20) == 1
        failed = [event for event in gateway.events() if event["event"] == "service.failed"]
        assert f"(pid {os.getpid()})" in failed[-1]["error"] and "Traceback" not in gateway.log.read_text()
    open_to_all = text.replace(f"mqtt://127.0.0.1:{port}", "embedded").replace(
        f'"127.0.0.1:{port}"', f'"0.0.0.0:{port}"'
    )
    (tmp_path / "gateway.toml").write_text(open_to_all)
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "check", "-c", str(tmp_path / "gateway.toml")],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 78 and "mqtt.listen" in done.stderr and "password" in done.stderr

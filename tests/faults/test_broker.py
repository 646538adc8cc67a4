"""Rows F36 to F47: the broker, and the network before it."""

import json
import signal
import time

import pytest

from simulators import Board
from tests.faults import tree
from tests.faults.proxy import states
from tests.faults.rows import TIER, lasting, row
from tests.faults.scene import KEEPS
from tests.packets import PINGREQ, PUBACK

PINGRESP = 13
OUTAGE = ("broker.lost", "broker.recovered")
GATEWAY = "gateway/gw/status"


def acknowledged(proxy) -> set[tuple[str, str, int]]:
    """What the broker has answered, as the judge names it."""
    found = [json.loads(payload) for payload in proxy.acknowledged if payload]
    return {(one["board"], one["sensor"], one["count"]) for one in found if "count" in one}


@row(
    "F36",
    field="The broker is restarted.",
    happens="mosquitto gets SIGTERM and is started again 5 s later, 20 times.",
    promised="Back within 5 s of each return; nothing lost; `online`, the boards' status documents and `last` are "
    "published anew on every connection.",
    fast=True,
    full=400,
)
def test_f36_broker_restarted(scene):
    s = scene()
    s.steady()
    restarts = int(lasting(20, 3, 1))
    for number in range(restarts):
        with s.fault():
            s.broker.stop()
            s.prove(lambda: tree.sockets_to(s.pid, s.broker.port) == 0, "nobody listens")
            if number == 0:
                s.noticed("broker.lost", 1)
            s.hold(5, ci=3, fast=1)
            s.broker.start()
        s.back(within=5)
        for topic in (GATEWAY, *(f"gateway/gw/{name}/status" for name in s.boards)):
            anew = lambda topic=topic: s.judge.documents[topic][-1].at > s.healed  # noqa: E731
            s.until(anew, f"{topic} says that it is online again", 2)
            assert s.judge.documents[topic][-1].document["state"] == "online"
        s.spend(lasting(10, 1, 0))
    last = s.over(told=[OUTAGE] if restarts == 1 else (), faults=["broker"])
    assert last["broker"]["reconnects"] == restarts


@row(
    "F37",
    field="The broker is killed and forgets.",
    happens="kill -9, and started again on what it had on its disk.",
    promised="What it had not acknowledged arrives, and the retained documents are there again. What it had "
    "acknowledged for a subscriber that was away is lost by the broker (mosquitto writes its disk every 30 "
    "minutes): no gateway can know.",
    full=60,
)
def test_f37_broker_killed(scene):
    s = scene(proxy=True)
    s.steady()
    with s.fault():
        s.broker.kill()
        s.prove(lambda: s.proxy.until_closed(5), "the connection is gone")
        s.hold(5, ci=3)
        s.broker.start()
    s.back(within=20)
    s.until(lambda: s.judge.last[GATEWAY].at > s.healed, "the document is there again", 5)
    s.spend(lasting(3, 2))
    taken = acknowledged(s.proxy)
    s.judge.listen()
    by_the_broker = s.judge.missing() & taken
    s.told["lost by the broker"] = len(by_the_broker)
    s.over(faults=["broker"], lost=by_the_broker)  # when the status was clean again the judge was not there yet
    assert s.times("broker.lost") == s.times("broker.recovered") == 1


@row(
    "F38",
    field="The broker freezes: TCP accepts, nobody answers.",
    happens="mosquitto is stopped (SIGSTOP) for a minute, then goes on.",
    promised="Said as `stalled` within 15 s; given up after twice the keepalive at most, and told once; back within 20"
    " s of its return; nothing lost.",
    full=120,
)
def test_f38_broker_frozen(scene):
    s = scene(timers={"keepalive": lasting(30, 3, 30)})
    s.steady()
    with s.fault():
        s.broker.signal(signal.SIGSTOP)
        s.prove(lambda: tree.state(s.broker.pid) == "T", "mosquitto is stopped")
        s.hold(75, ci=10)
        s.broker.signal(signal.SIGCONT)
    s.back(within=20)
    s.over(told=[OUTAGE] if TIER != "fast" else (), faults=["broker"] if TIER != "fast" else ())


@row("F38", full=60)
def test_f38_a_stalled_broker_is_told(scene):
    s = scene()
    s.steady()
    with s.fault():
        s.broker.signal(signal.SIGSTOP)
        s.prove(lambda: tree.state(s.broker.pid) == "T", "mosquitto is stopped")
        s.noticed("broker.stalled", 15)
        s.spend(2)  # the faults are looked at once a second
        s.broker.signal(signal.SIGCONT)
    s.back(within=20)
    s.over(told=[("broker.stalled", "broker.moving")])
    assert s.status()["fault_totals"] == {"stalled": 1}, "which no subscriber could see while it lasted"


@row(
    "F40",
    field="Acknowledgements never come, pings do.",
    happens="A proxy lets every PUBACK vanish.",
    promised="After 30 s without any acknowledgement the connection is given up and made anew; nothing lost, and "
    "nothing comes twice but with the same `run` and `seq`.",
    fast=True,
    full=90,
)
def test_f40_acknowledgements_never_come(scene):
    limit = lasting(30, 5, 2)
    s = scene(proxy=True, timers={"unanswered": limit, "stalled": limit / 3, "keepalive": 1})
    s.steady()
    with s.fault():
        s.proxy.eaten = {PUBACK}
        s.noticed("broker.stalled", limit)
        lost = s.noticed("broker.lost", limit + 3)
        s.prove(lambda: s.proxy.vanished > 0 and s.proxy.sent[PINGRESP] > 0, "PUBACKs vanished, pings were answered")
        s.proxy.eaten = set()
    assert f"acknowledged nothing for {limit:.0f} s" in lost["why"], "the connection is given up for that"
    s.back(within=20)
    last = s.over(told=[OUTAGE, ("broker.stalled", "broker.moving")])
    assert last["broker"]["reconnects"] == 1


@row(
    "F41",
    field="A thin or flapping link.",
    happens="1 kB/s and 2 s of delay for a minute; then the connection is reset every 3 s for 2 minutes.",
    promised="Memory stays bounded; at each cut no more comes twice than may be under way; no tight loop of attempts; "
    "nothing lost.",
    full=240,
)
def test_f41_thin_and_flapping_link(scene):
    s = scene(proxy=True)
    s.steady()
    with s.fault():
        s.proxy.rate, s.proxy.delay = 1000.0, 2.0
        s.hold(60, ci=6)
        s.proxy.rate, s.proxy.delay = None, 0.0
        cuts = int(lasting(40, 5))
        before = len(s.proxy.accepted)
        for _ in range(cuts):
            s.proxy.reset()
            s.hold(3, ci=2)
        s.prove(lambda: len(s.proxy.accepted) > before, "connections were cut and made again")
    assert len(s.proxy.accepted) - before <= 2 * cuts + 1, "it tries again and again without a pause"
    s.back(within=20)
    s.over(faults=["broker"])
    assert s.told["doubled"] <= (cuts + 2) * 100


@row(
    "F43",
    field="A poison message: the broker cuts the line at it.",
    happens="mosquitto takes messages up to 4000 bytes, one sensor's message is larger: with `message_size_limit` it "
    "answers 0x95, with `max_packet_size` and MQTT 3.1.1 it cuts the line.",
    promised="What was unanswered at two cuts goes last and alone, behind all others; at the third or fourth cut it is "
    "known. A reading is dropped then, as `refused_by_broker`, with its topic in the event and the status; a document "
    "is shortened, or stays away. All others arrive meanwhile. After three such messages of a sensor in a row its next "
    "one waits, on the disk: a minute, then ever longer.",
    full=60,
)
def test_f43_a_message_that_cuts_the_line(scene):
    s = poisoned(scene, "max_packet_size 4000", "3.1.1")
    s.prove("oversize packet" in s.broker.log, "the line was cut")
    s.until(lambda: s.status("fat").get("dropped"), "what nobody takes is dropped", 20)
    s.steady()
    s.over(dropped=["refused_by_broker"], staying=["refused_by_broker"], excepted=["handles"])
    assert s.status("fat")["dropped"] == {"refused_by_broker": 1}
    assert s.events("broker.refusing")[0]["topic"].startswith("gateway/gw/fat/")


@row("F43", full=60)
@pytest.mark.parametrize("lines", ["message_size_limit 4000", "max_packet_size 4000"])
def test_f43_a_message_that_is_too_large(scene, lines):
    s = poisoned(scene, lines, "5")
    s.steady()
    s.until(lambda: s.status("fat").get("dropped"), "what nobody takes is dropped", 10)
    s.prove(lambda: sum(s.status("fat")["dropped"].values()) == 1, "the message was too large")
    s.over(dropped=["refused_by_broker", "too_large"], staying=["refused_by_broker"])
    assert s.times("broker.lost") == 0


def poisoned(scene, lines, version):
    """A scene with a board `fat`, whose one message is larger than 4000 bytes."""
    fat = Board("json", name="fat", sensors=1, most=1, baud=115_200)
    s = scene(boards=("bench", "attic"), sensors=8, broker=(*KEEPS, lines), mqtt=f'version = "{version}"', start=False)
    s.stack.enter_context(fat)
    tags = ", ".join(f'tag{number} = "{"x" * 250}"' for number in range(20))
    s.text += f'\n[[boards]]\nname = "fat"\nport = "{fat.path}"\ntags = {{ {tags} }}\n'
    s.start()
    with s.fault():
        fat.wait_done()
    s.told["others after"] = round(s.arrive(s.healed, 15, "the others arrive"), 1)
    return s


@row(
    "F44",
    field="The broker states limits.",
    happens="CONNACK says: one message at a time, packets up to 2500 bytes, a ping every 10 s.",
    promised="Never more under way than it takes; `rows` are split to fit; pings as told; nothing lost.",
    fast=True,
    full=60,
)
def test_f44_the_broker_states_limits(scene):
    s = scene(proxy=True, mqtt='payload = "rows"', boards=("bench",), rate=90, start=False)
    with s.fault():
        s.proxy.edit = states(b"\x21\x00\x01" + b"\x27\x00\x00\x09\xc4" + b"\x13\x00\x0a")
        s.start()
        s.steady()
        s.proxy.answer = lambda topic, payload: time.sleep(0.05)  # so that many rows wait, and are sent at once
        s.hold(30, ci=12, fast=1.5)
        s.proxy.answer = lambda topic, payload: None
        s.prove(s.proxy.edited > 0 and not s.times("broker.lost"), "CONNACK states the limits")
    s.back(within=20)
    assert s.proxy.most_under_way == 1, f"{s.proxy.most_under_way} under way, where one is allowed"
    s.over(excepted=["latency"])
    assert 1000 < s.proxy.longest <= 2500
    assert TIER == "fast" or s.proxy.received[PINGREQ] > 0


@row(
    "F45",
    field="The broker cannot retain, or takes only QoS 0.",
    happens="mosquitto with `retain_available false`, with `max_qos 0`; with MQTT 5 and 3.1.1.",
    promised="It works without; the status names what is missing; what went out with QoS 0 is counted as sent, never "
    "as acknowledged.",
    full=30,
)
@pytest.mark.parametrize("version", ["5", "3.1.1"])
@pytest.mark.parametrize("line", ["retain_available false", "max_qos 0"])
def test_f45_the_broker_lacks(scene, line, version):
    s = scene(broker=(*KEEPS, line), mqtt=f'version = "{version}"')
    with s.fault():
        s.steady()
        s.prove(lambda: "broker_lacks" in s.status()["faults"], "the broker lacks it, and it is named")
    last = s.over(staying=["broker_lacks"])
    qos_0 = line == "max_qos 0"
    assert ("QoS 0" if qos_0 else "retained") in last["faults"]["broker_lacks"]["text"]
    assert last["acknowledged" if qos_0 else "sent_unacknowledged"] == 0
    assert last["sent_unacknowledged" if qos_0 else "acknowledged"] == len(s.judge.written.sent)


@row(
    "F46",
    field="An access list denies our topics.",
    happens="mosquitto's acl_file loses the topics of one board, and gets them back.",
    promised="With MQTT 5 a refused message is no acknowledged one: it is kept, and tried again every 60 s; one event "
    "and one status text say which topic and why; the other boards are as before.",
    full=120,
)
def test_f46_denied_by_an_access_list(scene, tmp_path):
    acl = tmp_path / "acl"
    free = "topic readwrite #\n"
    acl.write_text(free)
    denied = lasting(60, 5)
    s = scene(broker=(*KEEPS, f"acl_file {acl}"), timers={"denied": denied})
    s.steady()
    with s.fault():
        acl.write_text("topic deny gateway/gw/attic/#\n" + free)
        s.broker.signal(signal.SIGHUP)
        told = s.noticed("broker.refusing", 5)
        s.prove("Denied PUBLISH" in s.broker.log, "mosquitto denies")
        s.hold(58, ci=8)
        acl.write_text(free)
        s.broker.signal(signal.SIGHUP)
    assert told["topic"].startswith("gateway/gw/attic/") and "access list" in told["why"]
    s.back(within=denied + 5)
    s.over(told=[("broker.refusing", "broker.accepting")], faults=["refused_by_broker"], bystanders=["bench", "cellar"])


@row(
    "F47",
    field="A quota, and other PUBACKs that fail.",
    happens="A proxy answers one board's messages with 0x97, 0x83, 0x90, 0x99, 0x10 in the broker's place.",
    promised="0x97 and 0x83: kept, and tried again every 5 s; 0x90 and 0x99: dropped as `refused_by_broker`; 0x10 "
    "(nobody listens) is success. The other boards are as before.",
    full=40,
)
@pytest.mark.parametrize("reason", [0x97, 0x83, 0x90, 0x99, 0x10])
def test_f47_failing_answers(scene, reason):
    s = scene(proxy=True)
    s.steady()

    def refuse(topic, payload):
        return reason if topic.startswith("gateway/gw/attic/T1/") else None

    with s.fault():
        s.proxy.answer = refuse
        s.hold(10, ci=5)
        s.prove(lambda: s.proxy.answered > 0, "messages were refused")
        s.proxy.answer = lambda topic, payload: None
    s.back(within=10)
    if reason == 0x10:
        lost = sum(1 for key in s.judge.missing() if key[:2] == ("attic", "T1"))
        s.over(lost=lost, bystanders=["bench", "cellar"])
        assert s.times("broker.refusing") == 0 and lost > 0
    else:
        told = [("broker.refusing", "broker.accepting")]
        gone = ["refused_by_broker"] if reason in (0x90, 0x99) else []
        s.over(told=told, faults=["refused_by_broker"], bystanders=["bench", "cellar"], dropped=gone)
        assert bool(s.judge.missing()) == bool(gone)

"""`gateway bench street`: what it counts is what came through, what it takes is the gateway's, and nothing is left."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from statistics import fmean, pstdev

import pytest

from gateway.bench import tree
from gateway.bench.brokers import Broker
from gateway.bench.carriers import configuration
from gateway.bench.count import Count, shares
from gateway.bench.ear import Packets
from gateway.bench.heard import lines as lines_of
from gateway.compute.formula import feature, normalized
from gateway.config import problems

from .benches import bench, relatives
from .street import until

SMALL = """
from gateway.bench import street
street.PLACES, street.SECONDS, street.MOST = (street.Place("reading", 0, (0.0, 200.0)),), 0.5, 2000
"""


@pytest.mark.slow
def test_what_is_counted_without_others(tmp_path):
    """Full speed and a pace without mosquitto: all arrive, at the pace, with a cost, latencies, memory; and a hint."""
    without = "from gateway.bench import brokers\nbrokers.PLACES = ''\n"
    with bench(tmp_path, "street", "--json", "--rounds", "1", "--boards", "2", changed=without + SMALL) as process:
        out, err = process.communicate(timeout=90)
    assert (process.returncode, err) == (0, "")
    document = json.loads(out)
    assert (document["broker"], document["beside"], document["lost"]) == ("embedded", None, 0)
    assert "mosquitto_pub is not installed" in document["hint"]
    full, paced = document["rows"]
    assert (full["rate"], paced["rate"]) == (None, 200.0)
    assert paced["sent"] == paced["received"] == 100
    assert full["sent"] == full["received"] > 500
    assert 20 < paced["readings_per_s"] <= 210
    for row in document["rows"]:
        assert (row["carrier"], row["payload"], row["boards"]) == ("gateway", "reading", 2)
        arrived(row)
        assert row["times_mosquitto_pub"] is None
        assert row["memory_bytes"] > 20e6
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_what_runs_beside_it(tmp_path):
    """Rows, and mosquitto_pub in the same rounds: all arrive of both, and each round's ratios are told."""
    places = SMALL + 'street.PLACES = (street.Place("rows", 0, (0.0,)), street.Place("reading", 3, (200.0,)))\n'
    with bench(tmp_path, "street", "--json", "--rounds", "2", "--boards", "2", changed=places) as process:
        out, err = process.communicate(timeout=90)
    assert (process.returncode, err) == (0, "")
    document = json.loads(out)
    assert (document["broker"], document["beside"], document["hint"]) == ("mosquitto", "mosquitto_pub", None)
    named = [(row["carrier"], row["payload"], row["boards"], row["rate"]) for row in document["rows"]]
    assert named == [
        ("gateway", "rows", 2, None), ("mosquitto_pub", "line", 2, None),
        ("gateway", "reading", 3, 200.0), ("mosquitto_pub", "line", 3, 200.0),
    ]  # fmt: skip
    for row in document["rows"]:
        arrived(row)
    rows, lines, paced, beside = document["rows"]
    assert 4000 <= lines["sent"] < 5000
    assert rows["times_mosquitto_pub"]["readings_per_s"] > 0.1
    assert paced["times_mosquitto_pub"]["cpu"] > 1
    assert (lines["times_mosquitto_pub"], beside["times_mosquitto_pub"]) == (None, None)
    assert not list(tmp_path.iterdir())


def arrived(row):
    """A row of something that was sent, and came as it should."""
    assert row["sent"] == row["received"] > 0
    assert (row["lost"], row["duplicates"], row["out_of_order"], row["wrong"]) == (0, 0, 0, 0)
    assert 0 < row["latency_ms"]["p50"] <= row["latency_ms"]["p99"] <= row["latency_ms"]["p999"] < 10_000
    assert row["cpu_s_per_100000"] > 0


@pytest.mark.slow
def test_a_lost_reading_is_lost(tmp_path):
    """The subscriber counts for itself: what does not come, or comes wrong, is told, with where; the command fails."""
    changed = """
    from gateway.bench import whole
    whole.QUIET = 0.5
    heard, missed = whole.Street.heard, []
    def deaf(self, topic, payload):
        if topic.endswith(b"/features") and self.count.arrived == 20 and not missed:
            missed.append(payload)
        elif topic.endswith(b"/features") and self.count.arrived == 25:
            heard(self, topic, payload.replace(b'"feature":', b'"feature":1'))
        else:
            heard(self, topic, payload)
    whole.Street.heard = deaf
    """
    places = SMALL + 'street.PLACES = (street.Place("reading", 0, (200.0,)),)\nstreet.mosquitto_pub = lambda: None\n'
    with bench(
        tmp_path, "street", "--json", "--rounds", "1", "--boards", "1", changed=places + textwrap.dedent(changed)
    ) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert json.loads(out)["lost"] == 1
    assert err.splitlines() == [
        "gateway: 1 of 100 readings are lost at 200 readings/s (gateway, reading, 1 boards)",
        "gateway: 1 of 100 readings have a wrong feature at 200 readings/s (gateway, reading, 1 boards)",
    ]


def test_a_gateway_that_dies_is_told(tmp_path):
    """No figures when the gateway ends in the middle: one sentence with its last words."""
    with bench(tmp_path, "street", "--rounds", "100", "--boards", "1", changed=SMALL) as process:
        pid = until(
            lambda: next((p for p, line in relatives(tmp_path).items() if " run -c " in line), 0), "it runs", 30
        )
        os.kill(pid, signal.SIGKILL)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert "the measurement failed: gateway has ended by itself: " in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_ctrl_c_ends_it(tmp_path):
    """Ctrl-C: exit code 130, no traceback, no file and no process left."""
    with bench(tmp_path, "street", "--rounds", "100", "--boards", "1", changed=SMALL) as process:
        until(lambda: any(" run -c " in line for line in relatives(tmp_path).values()), "the gateway runs", 30)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_killed_it_leaves_no_process(tmp_path):
    """kill -9: boards, gateway and broker end by themselves."""
    with bench(tmp_path, "street", "--rounds", "100", "--boards", "1", changed=SMALL) as process:
        until(lambda: any(" run -c " in line for line in relatives(tmp_path).values()), "the gateway runs", 30)
        process.kill()


# parts


def message(seq, value, board="b1", **more):
    """A features message, as far as it is looked at: right where its window is this reading alone."""
    founding = {"normalized": normalized(value, 20, 80), "feature": feature(value, 20, 80)}
    rolling = {"n": 1, "mean": value, "std": 0.0, "min": value, "max": value}
    return json.dumps(
        {"board": board, "sensor": "s", "seq": seq, "value": value, **founding, **rolling, **more},
        separators=(",", ":"),
    ).encode()


def test_readings_are_counted_by_phases():
    """What was written before a phase belongs to the one before; what comes twice counts once; a gap is no reading."""
    count = Count()
    count.take(b"", message(1, 5.0), 5.1)
    count.begin(10.0)
    for payload in (message(2, 9.9), message(3, 10.0), message(5, 10.5), message(3, 10.0)):
        count.take(b"", payload, 11.0)
    count.take(b"", message(1, 10.75, "b2"), 12.0)
    count.look()
    assert (count.received, count.duplicates, count.last, count.boards) == (3, 1, 12.0, 2)
    assert list(count.took) == [1.0, 0.5, 1.25]
    assert (count.disordered, count.wrong, count.replayed) == (0, 0, 0)


def test_rows_are_readings():
    """A message of rows counts as each of its readings, and each row is looked at."""
    documents = [json.loads(message(seq, 10.0 + seq)) for seq in (1, 2, 3)]
    documents[1]["feature"] += 0.0001
    keys = [key for key in documents[0] if key not in ("board", "sensor")]
    rows = [[document[key] for key in keys] for document in documents]
    count = Count()
    count.begin(10.0)
    count.take(
        b"",
        json.dumps({"board": "b1", "sensor": "s", "columns": keys, "rows": rows}, separators=(",", ":")).encode(),
        14.0,
    )
    assert (count.arrived, count.received, list(count.took)) == (3, 3, [3.0, 2.0, 1.0])
    count.look()
    assert count.wrong == 1


def test_order_is_kept_within_live_and_within_replayed():
    """A reading behind a later one is out of order, unless one of the two had been on the disk."""
    count = Count()
    count.begin(0.0)
    for seq, replayed in ((1, False), (4, False), (2, True), (3, True), (6, False), (5, False)):
        count.take(b"", message(seq, 10.0 + seq, **({"replayed": True} if replayed else {})), 20.0)
    count.look()
    assert (count.received, count.disordered, count.replayed, count.wrong) == (6, 1, 2, 0)
    lines = Count(lines_of)
    lines.begin(0.0)
    for board, value in (("b1", 1.0), ("b2", 5.0), ("b1", 2.0), ("b1", 1.5), ("b1", 2.0)):
        lines.take(f"gateway/bench/{board}/line".encode(), b"%.6f" % value, 20.0)
    assert (lines.received, lines.disordered, lines.boards) == (5, 1, 2)


@pytest.mark.parametrize(
    ("key", "change"),
    [("normalized", 1e-4), ("feature", -1e-4), ("n", 1), ("mean", 1e-6), ("std", 1e-6), ("min", 1e-6), ("max", -1e-6)],
)
def test_a_feature_that_is_not_right_is_seen(key, change):
    """One step too many in any feature is wrong, in windows of several readings too; a message without one as well."""
    values = [50.0, 50.25, 50.25, 52.0]
    windows = [values[: k + 1] for k in range(4)]
    made = [
        {"n": len(w), "mean": fmean(w), "std": pstdev(w), "min": min(w), "max": max(w)}
        for w in (*windows[:3], values[1:])
    ]
    payloads = [message(k + 1, value, **one) for k, (value, one) in enumerate(zip(values, made, strict=True))]

    def wrong(last):
        count = Count()
        count.begin(0.0)
        for payload in (*payloads[:3], last):
            count.take(b"", payload, 60.0)
        count.look()
        return count.wrong

    document = json.loads(payloads[3])
    assert wrong(payloads[3]) == 0
    assert wrong(json.dumps(document | {key: document[key] + change}).encode()) == 1
    del document[key]
    assert wrong(json.dumps(document).encode()) == 1
    assert wrong(b"no message") == 1


def test_shares_are_by_nearest_rank():
    """Of 1,000 latencies the 500th, the 990th and the 999th; of none, none."""
    assert shares([k / 1000 for k in range(1, 1001)]) == {"p50": 500.0, "p99": 990.0, "p999": 999.0}
    assert shares([]) == {"p50": None, "p99": None, "p999": None}


def test_packets_cut_anywhere():
    """Messages of both qualities and any length come whole, whatever the pieces; those of QoS 1 are acknowledged."""
    sent = [(b"a/b", b"x" * size, size % 2) for size in (0, 1, 100, 127, 128, 20_000)]
    stream = b"\x20\x02\x00\x00\x90\x03\x00\x01\x01"
    for number, (topic, payload, qos) in enumerate(sent):
        body = len(topic).to_bytes(2, "big") + topic + (number.to_bytes(2, "big") if qos else b"") + payload
        size, rest = b"", len(body)
        while rest > 127:
            size, rest = size + bytes([rest & 127 | 128]), rest >> 7
        stream += bytes([0x30 | qos << 1]) + size + bytes([rest]) + body
    for step in (1, 7, 1000, len(stream)):
        packets, messages, answers = Packets(), [], b""
        for at in range(0, len(stream), step):
            made, due = packets.feed(stream[at : at + step])
            messages, answers = messages + made, answers + due
        assert packets.subscribed
        assert messages == [(topic, payload) for topic, payload, _ in sent]
        assert answers == b"".join(b"\x40\x02" + k.to_bytes(2, "big") for k, one in enumerate(sent) if one[2])


def test_the_configuration_is_right(tmp_path):
    """The gateway has nothing against it."""
    for version in ("5", "3.1.1"):
        assert problems(configuration(Broker("any", 1883, 1, version), tmp_path / 'a "b"', 3), tmp_path) == []


def test_a_family_is_measured():
    """A child's time is its parent's family's, also when it has ended; so is the memory."""
    busy = "import time\nwhile time.process_time() < 0.2: pass"  # longer than what this machine needs for a start
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}]); input()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as process:
        try:
            until(
                lambda: tree.cpu(process.pid) > 0.1 and tree.family(process.pid) == [process.pid], "the child ended", 30
            )
            assert tree.pss(process.pid) > 1e6
        finally:
            process.kill()

"""`gateway bench street`: what it counts is what came through, what it takes is the gateway's, and nothing is left."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from gateway.bench import tree
from gateway.bench.brokers import Broker
from gateway.bench.count import Count, shares
from gateway.bench.ear import Packets
from gateway.bench.whole import configuration
from gateway.config import problems

from .benches import bench, relatives
from .street import until

SMALL = "from gateway.bench import street\nstreet.RATES, street.SECONDS = (0.0, 200.0), 0.5\n"


@pytest.mark.slow
@pytest.mark.parametrize("broker", ["mosquitto", "embedded"])
def test_what_is_counted(tmp_path, broker):
    """Full speed and a pace: all arrive, at the pace that was asked for, with a cost, latencies and memory."""
    without = "from gateway.bench import brokers\nbrokers.PLACES = ''\n" if broker == "embedded" else ""
    with bench(tmp_path, "street", "--json", "--rounds", "1", "--boards", "2", changed=SMALL + without) as process:
        out, err = process.communicate(timeout=90)
    assert (process.returncode, err) == (0, "")
    document = json.loads(out)
    assert (document["broker"], document["boards"], document["lost"]) == (broker, 2, 0)
    full, paced = document["rows"]
    assert (full["rate"], paced["rate"]) == (None, 200.0)
    assert paced["sent"] == paced["received"] == 100
    assert full["sent"] == full["received"] > 500
    assert 20 < paced["readings_per_s"] <= 210
    for row in document["rows"]:
        assert (row["lost"], row["duplicates"]) == (0, 0)
        assert 0 < row["latency_ms"]["p50"] <= row["latency_ms"]["p99"] <= row["latency_ms"]["p999"] < 10_000
        assert row["memory_bytes"] > 20e6
        assert row["cpu_s_per_100000"] > 0
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_lost_reading_is_lost(tmp_path):
    """The subscriber counts for itself: one message that it does not get is told, with where, and fails the command."""
    changed = """
    from gateway.bench import whole
    whole.QUIET = 0.5
    heard, missed = whole.Street.heard, []
    def deaf(self, topic, payload):
        if topic.endswith(b"/features") and self.count.received == 20 and not missed:
            missed.append(payload)
        else:
            heard(self, topic, payload)
    whole.Street.heard = deaf
    """
    small = "from gateway.bench import street\nstreet.RATES, street.SECONDS = (200.0,), 0.5\n"
    with bench(
        tmp_path, "street", "--json", "--rounds", "1", "--boards", "1", changed=small + textwrap.dedent(changed)
    ) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert json.loads(out)["lost"] == 1
    assert err == "gateway: 1 of 100 readings are lost at 200 readings/s\n"


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


def message(seq, value, board="b1"):
    """A features message, as far as it is looked at."""
    return json.dumps(
        {"gateway": "bench", "board": board, "sensor": "temperature", "run": "r", "seq": seq, "value": value, "n": 1},
        separators=(",", ":"),
    ).encode()


def test_readings_are_counted_by_phases():
    """What was written before a phase belongs to the one before; what comes twice counts once; a gap is no reading."""
    count = Count()
    count.take(message(1, 5.0), 5.1)
    count.begin(10.0)
    for payload in (message(2, 9.9), message(3, 10.0), message(5, 10.5), message(3, 10.0), b'{"no": "reading"}'):
        count.take(payload, 11.0)
    count.take(message(1, 10.75, "b2"), 12.0)
    assert (count.received, count.duplicates, count.last) == (3, 1, 12.0)
    assert list(count.took) == [1.0, 0.5, 1.25]
    assert count.boards == {b"b1", b"b2"}


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
    script = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'sum(range(10**7))']); input()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as process:
        try:
            until(
                lambda: tree.cpu(process.pid) > 0.1 and tree.family(process.pid) == [process.pid], "the child ended", 30
            )
            assert tree.pss(process.pid) > 1e6
        finally:
            process.kill()

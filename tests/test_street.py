"""The whole street with real parts: boards on pseudo-terminals, `gateway run`, mosquitto, and a judge."""

import math
import os
import random
import signal
import time
from collections import defaultdict

import pytest

from simulators import Board
from tests.faults.tree import alive, opened

from .street import Gateway, Judge, configuration, running, until


def check_sequences(judge: Judge) -> None:
    """Within each sensor and run: from 1, without a gap, without a duplicate, in order."""
    sequences = defaultdict(list)
    for row in judge.features:
        sequences[row["board"], row["sensor"], row["run"]].append(row["seq"])
    assert sequences
    for key, seqs in sequences.items():
        assert seqs == list(range(1, len(seqs) + 1)), key


def check_ledger(judge: Judge) -> dict:
    """The sums of section "Promises" hold in every gateway document that came; gives the last one."""
    documents = [document for topic, document in judge.history if topic == "gateway/gw/status"]
    assert documents
    for d in documents:
        refused, refused_values = sum(d["refused"].values()), sum(d["refused_values"].values())
        assert d["frames"] == d["decoded"] + d["noise"] + refused
        assert d["values"] == d["readings"] + refused_values
        out = d["acknowledged"] + d["sent_unacknowledged"] + d["in_flight"] + d["spooled"] + d["condensed"]
        assert d["readings"] + d["inherited"] == out + sum(d["dropped"].values())
        assert d["balanced"] is True
    return documents[-1]


def founding(value: float) -> tuple[float, float]:
    """The two formulas by plain Python, scale [20, 80]."""
    part = (value - 20) / 60
    return round(part, 4), round(math.sqrt(abs(part)) * math.log(abs(value) + 1), 4)


def random_values(count: int) -> list[str]:
    """Numbers as boards print them, and the hard halves of the last rounded digit."""
    dice = random.Random(count)
    halves = [20 + 60 * (tick + 0.5) / 10_000 for tick in range(0, 10_000, 7)]
    near = [math.nextafter(half, way) for half in halves for way in (-math.inf, math.inf)]
    spread = [dice.uniform(-300, 1500) for _ in range(count - 3 * len(halves))]
    values = [*halves, *near, *spread]
    dice.shuffle(values)
    return [repr(value) for value in values]


@pytest.mark.parametrize("count", [6_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_every_value_comes_through_right(tmp_path, mosquitto, judge, count):
    """Random values and hard halves: each arrives once, in order, with both features as plain Python has them."""
    values = random_values(count)
    lines = [b"a banner\r\n", *(f"{value}\r\n".encode() for value in values)]
    with Board(lines=lines, pace="none") as board:
        patient = '[spool]\nat_risk = "60s"'  # on a busy machine some would come by way of the disk, behind newer ones
        text = configuration(mosquitto.port, {"b": board.path}, patient, each='format = "plain"')
        with running(tmp_path, text) as gateway:
            until(lambda: len(judge.features) >= count, "all readings", 90)
            assert gateway.stop() == 0
    until(lambda: judge.documents["gateway/gw/status"]["state"] == "offline", "the last document")
    check_sequences(judge)
    rows = judge.of("b", "temperature")
    assert [row["value"] for row in rows] == [float(value) for value in values]
    assert [(row["normalized"], row["feature"]) for row in rows] == [founding(row["value"]) for row in rows]
    last = check_ledger(judge)
    assert (last["reason"], last["acknowledged"], last["in_flight"]) == ("stopped", count, 0)
    assert not judge.unexpected


@pytest.mark.slow
def test_a_killed_worker_loses_nothing(tmp_path, mosquitto, judge):
    """Workers killed by hand in full flow: no reading is missing, none comes twice."""
    with Board(kind="plain", sensors=4, pace="none", lines=None, most=15_000) as board:
        with running(tmp_path, configuration(mosquitto.port, {"b": board.path})) as gateway:
            until(lambda: len(judge.features) > 2000, "readings flow")
            killed = 0
            while not board.done:
                for pid in gateway.workers()[:1]:
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
                seen = len(judge.features)
                until(lambda seen=seen: len(judge.features) > seen + 500 or board.done, "readings flow again")
            sent = 4 * 15_000
            until(lambda: len(judge.features) >= sent, "all readings", 60)
            assert gateway.stop() == 0
    assert killed >= 3
    seqs = {row["seq"] for row in judge.of("b", "S1")}
    assert seqs == set(range(1, 15_001))
    for kind in (True, None):  # what was at risk while a worker was missed comes from the disk
        came = [row["seq"] for row in judge.of("b", "S1") if row.get("replayed") is kind]
        assert came == sorted(came)
    assert len(judge.features) == sent
    until(lambda: judge.documents["gateway/gw/status"]["state"] == "offline", "the last document")
    assert check_ledger(judge)["pool"]["replaced"] >= 3


def test_a_board_that_comes_back_under_another_number(tmp_path, mosquitto, judge):
    """Unplugged in mid-line, plugged in again as another device: read again within 2 s, and no half line is a value."""
    with Board(kind="plain", sensors=1, rate=50, name="b") as board:
        with running(tmp_path, configuration(mosquitto.port, {"b": board.path}, each='format = "plain"')) as gateway:
            until(lambda: len(judge.features) > 20, "readings flow")
            before = os.path.realpath(board.path)
            board.unplug()
            status = "gateway/gw/b/status"
            until(lambda: judge.documents[status]["state"] == "offline", "the status says offline", 2.0)
            until(lambda: before not in opened(gateway.process.pid, before), "the descriptor is given back", 1.0)
            seen = len(judge.features)
            board.plug()
            plugged = time.monotonic()
            until(lambda: len(judge.features) > seen, "readings come again", 2.0)
            assert time.monotonic() - plugged < 2.0
            until(lambda: judge.documents[status]["state"] == "online", "the status says online", 2.5)
            assert judge.documents[status]["reopened"] == 1
            assert gateway.stop() == 0
    assert all(15 < row["value"] < 120 for row in judge.features)
    check_sequences(judge)


@pytest.mark.slow
@pytest.mark.parametrize("mosquitto", [["persistence true"]], indirect=True)  # or it forgets the judge's session
def test_a_broker_that_goes_and_comes(tmp_path, mosquitto, judge):
    """The broker is ended and started again under load: every reading arrives, the documents are put out anew."""
    with Board(kind="kv", sensors=2, rate=200, most=1000) as board:
        with running(tmp_path, configuration(mosquitto.port, {"b": board.path})) as gateway:
            until(lambda: len(judge.features) > 100, "readings flow")
            mosquitto.stop()
            until(lambda: any(e["event"] == "broker.lost" for e in gateway.events()), "the loss is told")
            mosquitto.start()
            until(lambda: board.done, "the board has said all", 30)
            keys = lambda: {(row["sensor"], row["seq"]) for row in judge.features}  # noqa: E731
            until(lambda: len(keys()) >= 2000, "all readings", 30)
            assert gateway.stop() == 0
    assert keys() == {(sensor, seq) for sensor in ("T1", "T2") for seq in range(1, 1001)}
    assert any(e["event"] == "broker.recovered" for e in gateway.events())


def test_a_stop_says_goodbye(tmp_path, mosquitto, judge):
    """SIGTERM: exit 0 at once, `offline` and `stopped` from the gateway and its boards, and no will afterwards."""
    with Board(kind="json", sensors=2, rate=100) as board:
        with running(tmp_path, configuration(mosquitto.port, {"b": board.path})) as gateway:
            until(lambda: judge.features, "readings flow")
            began = time.monotonic()
            assert gateway.stop() == 0
            assert time.monotonic() - began < 5
    until(lambda: judge.documents["gateway/gw/status"]["state"] == "offline", "the last document")
    assert judge.documents["gateway/gw/status"]["reason"] == "stopped"
    assert judge.documents["gateway/gw/b/status"]["state"] == "offline"
    last = check_ledger(judge)
    assert last["acknowledged"] == len(judge.features) == last["readings"]


def test_a_killed_gateway_is_told_by_its_will(tmp_path, mosquitto, judge):
    """kill -9: the broker says `offline`, `lost`, in a document of the same shape; the workers are gone within 1 s."""
    with Board(kind="csv", sensors=2, rate=100) as board:
        with running(tmp_path, configuration(mosquitto.port, {"b": board.path})) as gateway:
            until(lambda: judge.features, "readings flow")
            online = judge.documents["gateway/gw/status"]
            workers = until(gateway.workers, "workers")
            gateway.process.kill()
            gateway.process.wait(5)
            until(lambda: judge.documents["gateway/gw/status"]["reason"] == "lost", "the will")
            until(lambda: not any(map(alive, workers)), "the workers are gone", 1.0)
    assert judge.documents["gateway/gw/status"].keys() == online.keys()


@pytest.mark.slow
def test_two_gateways_with_one_id(tmp_path, mosquitto, judge):
    """They throw each other out; after the third time the log and the status say why, in a sentence."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    text = configuration(mosquitto.port, {"b": str(tmp_path / "none")})
    with running(tmp_path / "a", text) as first, running(tmp_path / "b", text) as second:

        def told(gateway: Gateway) -> bool:
            return any(event["event"] == "broker.taken_over" for event in gateway.events())

        until(lambda: told(first) or told(second), "two gateways have one id", 40)
        first.stop()
        second.stop()


def test_rows(tmp_path, mosquitto, judge):
    """payload = "rows": the same readings, several a message, columns named once."""
    with Board(kind="plain", sensors=1, pace="none", most=5000) as board:
        text = configuration(mosquitto.port, {"b": board.path}, mqtt='payload = "rows"', each='format = "plain"')
        with running(tmp_path, text) as gateway:
            until(lambda: sum(len(m["rows"]) for m in judge.features) >= 5000, "all readings", 30)
            assert gateway.stop() == 0
    seqs = [dict(zip(m["columns"], row, strict=True))["seq"] for m in judge.features for row in m["rows"]]
    assert seqs == list(range(1, 5001))
    assert len(judge.features) < 2500

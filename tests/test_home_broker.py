"""What Home Assistant would find at a real mosquitto: while the gateway runs, is reloaded, killed and renamed."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from simulators import Board

from .brokers import Mosquitto
from .street import Judge, configuration, running, until

GATEWAY = "device/gateway-gw/config"
BENCH = "device/gateway-gw/bench/config"
QUICK = '[features]\nuse = ["mean"]\n'


@pytest.fixture
def listener(mosquitto):
    """An independent subscriber to all discovery, under two prefixes."""
    one = Judge(mosquitto.port, "+/device/#")
    yield one
    one.close()


def publish(port, topic, payload):
    command = ["mosquitto_pub", "-p", str(port), "-q", "1", "-t", topic, "-s"]
    subprocess.run([*command, "-r"] if topic.endswith("config") else command, input=payload, check=True, timeout=10)


def announced(listener, topic, prefix="homeassistant"):
    """The components of a message, by their ids."""
    return listener.documents.get(f"{prefix}/{topic}", {}).get("components", {})


def sensors(listener):
    """The sensors of the board, by the names of their values."""
    return {one["name"] for key, one in announced(listener, BENCH).items() if key.endswith("--value") and "name" in one}


def reload(gateway, text):
    seen = len([event for event in gateway.events() if event["event"] == "config.reloaded"])
    gateway.file.write_text(text)
    gateway.process.send_signal(signal.SIGHUP)
    until(
        lambda: len([event for event in gateway.events() if event["event"] == "config.reloaded"]) > seen, "it is read"
    )


def remembered(folder: Path):
    return json.loads((folder / "state/announced").read_text())


@pytest.mark.slow
def test_what_speaks_is_announced_and_put_right_and_home_assistants_birth_is_answered(tmp_path, mosquitto, listener):
    """A board is there at once, its sensors as they have spoken, once for all; what others write there goes."""
    with Board(kind="kv", sensors=3, rate=20, name="bench") as board:
        with running(tmp_path, configuration(mosquitto.port, {"bench": board.path}, QUICK)) as gateway:
            until(lambda: sensors(listener) == {"T1", "T2", "T3"}, "all sensors are announced", 15)
            assert announced(listener, GATEWAY)["status"]["device_class"] == "connectivity"
            times = [topic for topic, _ in listener.history].count(f"homeassistant/{BENCH}")
            assert times == 2  # without sensors, and with all three
            right = listener.documents[f"homeassistant/{BENCH}"]
            publish(mosquitto.port, f"homeassistant/{BENCH}", b'{"device": {"identifiers": ["evil"]}}')
            until(lambda: listener.documents[f"homeassistant/{BENCH}"] != right, "it was written over")
            until(lambda: listener.documents[f"homeassistant/{BENCH}"] == right, "it is right again", 5)
            (event,) = [one for one in gateway.events() if one["event"] == "discovery.overwritten"]
            assert (event["topic"], event["emptied"]) == (f"homeassistant/{BENCH}", False)
            before = len(listener.history)
            publish(mosquitto.port, "homeassistant/status", b"offline")
            publish(mosquitto.port, "homeassistant/status", b"online")
            until(lambda: len(listener.history) == before + 2, "both are announced again", 8)
            assert gateway.stop() == 0
    assert (tmp_path / "state/announced").stat().st_mode & 0o777 == 0o600
    assert sorted(remembered(tmp_path)["topics"]) == [f"homeassistant/{BENCH}", f"homeassistant/{GATEWAY}"]
    assert len(listener.documents) == 2  # what is retained stays: the gateway's state says that it is off


@pytest.mark.slow
def test_a_broker_that_does_not_let_us_announce(tmp_path):
    """It is told, with the topic; readings flow; and it is over when nothing is to be announced any more."""
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite gateway/#\n")
    broker = Mosquitto(tmp_path, [f"acl_file {acl}"])
    broker.start()
    judge = Judge(broker.port)
    try:
        with Board(kind="kv", sensors=1, rate=20, name="bench") as board:
            with running(tmp_path, configuration(broker.port, {"bench": board.path}, QUICK)) as gateway:
                status = lambda: judge.documents.get("gateway/gw/status", {}).get("faults", {"": 0})  # noqa: E731
                until(lambda: "homeassistant/device" in str(status().get("refused_by_broker")), "it is told", 20)
                until(lambda: len(judge.of("bench", "T1")) > 20, "readings come")
                off = 'discovery_prefix = ""'
                reload(gateway, configuration(broker.port, {"bench": board.path}, QUICK, mqtt=off))
                until(lambda: not status(), "it is over", 20)
                until(lambda: remembered(tmp_path)["topics"] == [], "and nothing is left to be cleared")
                assert gateway.stop() == 0
    finally:
        judge.close()
        broker.kill()


@pytest.mark.slow
def test_a_board_that_leaves_and_a_prefix_that_changes_leave_nothing_behind(tmp_path, mosquitto, listener):
    """Under way, by a reload; between two runs; and when the run before was killed."""
    with Board(kind="kv", sensors=1, rate=20, name="a") as a, Board(kind="kv", sensors=1, rate=20, name="b") as b:
        both = configuration(mosquitto.port, {"bench": a.path, "attic": b.path}, QUICK)
        with running(tmp_path, both) as gateway:
            until(lambda: sensors(listener) and len(listener.documents) == 3, "all is announced", 15)
            reload(gateway, configuration(mosquitto.port, {"bench": a.path}, QUICK))
            until(lambda: len(listener.documents) == 2, "the board has gone", 15)
            reload(gateway, configuration(mosquitto.port, {"bench": a.path}, QUICK, mqtt='discovery_prefix = ""'))
            until(lambda: not listener.documents, "all has gone", 15)
            reload(gateway, both)
            until(lambda: len(listener.documents) == 3, "and is back", 15)
            until(lambda: len(remembered(tmp_path)["topics"]) == 3, "that is remembered")
            gateway.kill()
        other = configuration(mosquitto.port, {"bench": a.path}, QUICK, mqtt='discovery_prefix = "ha"')
        with running(tmp_path, other) as gateway:
            until(lambda: set(listener.documents) == {f"ha/{GATEWAY}", f"ha/{BENCH}"}, "all is where it belongs", 15)
            assert list(announced(listener, BENCH, "ha"))[3:]  # the sensor of before, although it may not have spoken
            assert gateway.stop() == 0
        with running(tmp_path, other.replace('"gw"', '"new"')) as gateway:
            until(lambda: {topic.split("/")[2] for topic in listener.documents} == {"gateway-new"}, "a new name", 15)
            assert gateway.stop() == 0


@pytest.mark.slow
def test_a_sensor_that_is_called_otherwise_takes_its_place(tmp_path, mosquitto, listener):
    """The old name's entities are said to be no more, in so many words."""
    with Board(kind="kv", sensors=2, rate=20, name="bench") as board:
        text = configuration(mosquitto.port, {"bench": board.path}, QUICK)
        with running(tmp_path, text) as gateway:
            until(lambda: sensors(listener) == {"T1", "T2"}, "both are announced", 15)
            reload(gateway, text + '[[sensors]]\nmatch = "bench/T1"\nname = "boiler"\n')
            until(lambda: sensors(listener) == {"boiler", "T2"}, "one has another name", 20)
            found = announced(listener, BENCH)
            assert {key for key, one in found.items() if list(one) == ["platform"]} == {
                f"T1--{key}" for key in ("value", "normalized", "feature", "mean", "quality")
            }
            assert gateway.stop() == 0


@pytest.mark.slow
def test_what_a_killed_run_said_of_a_board_that_is_not_there_is_put_right(tmp_path, mosquitto):
    """It says online for ever else, and Home Assistant shows its last value as if it were new."""
    judge = Judge(mosquitto.port)
    (tmp_path / "state").mkdir(mode=0o700)
    known = {"version": 1, "topics": [], "boards": {"usb-9": [["T1", "T1", "°C", "", False, 20_000, ["mean"]]]}}
    (tmp_path / "state/announced").write_text(json.dumps(known))
    publish(mosquitto.port, "gateway/gw/usb-9/status", b'{"board": "usb-9", "state": "online"}')
    with running(tmp_path, configuration(mosquitto.port, {"usb": "auto"})) as gateway:
        until(lambda: judge.documents.get("gateway/gw/status", {}).get("state") == "online", "the gateway is online")
        told = [(topic.split("/")[2], document["state"]) for topic, document in judge.history]
        assert told[:3] == [("usb-9", "online"), ("usb-9", "offline"), ("status", "online")]
        assert gateway.stop() == 0
    judge.close()


@pytest.mark.slow
@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"version": 1, "boards": 7}', None])
def test_a_file_that_is_no_good_is_no_trouble(tmp_path, mosquitto, listener, text):
    """It is started without, and written anew; a link in its place is not followed."""
    state, other = tmp_path / "state", tmp_path / "other"
    state.mkdir(mode=0o700)
    other.write_text("theirs")
    if text is None:
        (state / "announced").symlink_to(other)
        (state / "announced.new").symlink_to(other)
    else:
        (state / "announced").write_bytes(text)
    with Board(kind="kv", sensors=1, rate=20, name="bench") as board:
        with running(tmp_path, configuration(mosquitto.port, {"bench": board.path}, QUICK)) as gateway:
            until(lambda: sensors(listener) == {"T1"}, "it is announced", 15)
            assert gateway.stop() == 0
    assert other.read_text() == "theirs"
    if text is not None:
        assert remembered(tmp_path)["boards"]["bench"]

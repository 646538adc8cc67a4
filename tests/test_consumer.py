"""docs/examples/consumer.py at a real broker: a group of processes has each reading once, though one is killed."""

import asyncio
import contextlib
import json
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import hypothesis
import hypothesis.strategies as st
import paho.mqtt.client as mqtt
import pytest

from .brokers import FakeBroker, Mosquitto
from .packets import CONNECT, SUBACK, SUBSCRIBE, WELCOME_5, packet, read_packet
from .street import ROOT, until
from .test_subscribe import module

CONSUMER = ROOT / "docs" / "examples" / "consumer.py"
consumer = module("consumer")


def reading(seq, **more):
    """A reading as a gateway writes it."""
    return {
        "gateway": "g", "board": "b", "sensor": "S1", "run": "r", "seq": seq, "time": "2026-11-29T23:33:19.990Z",
        "value": 20.5, "unit": "°C", "n": 1, "quality": "ok", **more,
    }  # fmt: skip


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=3), inside, max_size=3),
    max_leaves=5,
)


@hypothesis.given(st.dictionaries(st.sampled_from([*reading(1), "condensed", "rows", "columns"]), JSON))
def test_whatever_is_written_fits_the_table(changed):
    """Of a message with anything in any field there are rows that the database takes, or none."""
    with closing(consumer.opened(":memory:")) as database:
        for payload in (json.dumps(reading(1) | changed).encode(), json.dumps(changed).encode()):
            database.executemany(
                "INSERT OR IGNORE INTO readings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", consumer.rows(payload)
            )


def test_one_reading_and_rows_are_taken_alike():
    """A message of rows gives a row a reading; what is no message gives none."""
    (row,) = consumer.rows(json.dumps(reading(7, condensed=2)).encode())
    assert row == ("g", "b", "S1", "r", 7, "2026-11-29T23:33:19.990Z", 20.5, "ok", 2)
    head = {key: value for key, value in reading(1).items() if key not in ("seq", "value")}
    message = head | {"columns": ["seq", "value"], "rows": [[1, 20.5], [2, 21.5]]}
    assert [one[4:7:2] for one in consumer.rows(json.dumps(message).encode())] == [(1, 20.5), (2, 21.5)]
    for rubbish in (b"", b"[" * 100_000, b"\xff", b"[]", b"null", b'{"seq": 1}', b'{"rows": 1, "columns": 2}'):
        assert consumer.rows(rubbish) == []


@contextlib.contextmanager
def member(folder, number, port):
    """A process of the group."""
    command = [sys.executable, CONSUMER, folder / "readings.db", str(number), "127.0.0.1", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        assert b"Success" in process.stderr.readline()
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def numbers(folder):
    """What is in the database."""
    with closing(sqlite3.connect(folder / "readings.db", timeout=60)) as database:
        return sorted(seq for (seq,) in database.execute("SELECT seq FROM readings"))


class Sender(threading.Thread):
    """Sends readings by QoS 1 until it is told to stop; every tenth twice. sent: how many the broker has."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.sent, self.stopping = port, 0, threading.Event()

    def run(self):
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        while not self.stopping.is_set():
            first = self.sent + 1
            waits = [
                client.publish("gateway/g/b/S1/features", json.dumps(reading(seq)), qos=1)
                for seq in range(first, first + 20)
                for _ in range(1 + (seq % 10 == 0))
            ]
            for one in waits:
                one.wait_for_publish()
            self.sent += 20
        client.disconnect()
        client.loop_stop()


def test_each_reading_once_though_one_is_killed(tmp_path, mosquitto):
    """Two share the work; one is killed while readings come and is started again: none is missing, none twice."""
    with member(tmp_path, 1, mosquitto.port), member(tmp_path, 2, mosquitto.port) as second:
        sender = Sender(mosquitto.port)
        sender.start()
        until(lambda: numbers(tmp_path)[-1:] > [200], "both are at it")
        second.kill()
        second.wait()
        at = sender.sent
        until(lambda: sender.sent > at + 200, "it goes on without")
        with member(tmp_path, 2, mosquitto.port):
            at = sender.sent
            until(lambda: sender.sent > at + 200, "it goes on with both")
            sender.stopping.set()
            sender.join()
            until(lambda: numbers(tmp_path) == list(range(1, sender.sent + 1)), "all are there", 30)
    for number in (1, 2):
        assert f"Sending PUBLISH to readings-{number} " in mosquitto.log


@pytest.mark.parametrize(
    ("number", "topic"), [(1, "$share/readings/gateway/+/+/+/features"), ("guard", "readings/guard")]
)
def test_a_refused_subscription_is_told(tmp_path, number, topic):
    """It does not wait for what never comes: a sentence says which, why and what to do, and it ends by exit code 1."""

    async def refuse(reader, writer):
        assert (await read_packet(reader))[0] == CONNECT
        writer.write(WELCOME_5)
        kind, _, body = await read_packet(reader)
        assert kind == SUBSCRIBE
        writer.write(packet(SUBACK, 0, body[:2] + b"\0" + b"\x01" * (number == "guard") + b"\x87"))
        await reader.read()

    async def ended():
        async with FakeBroker(script=refuse) as fake:
            command = CONSUMER, tmp_path / "readings.db", str(number), "127.0.0.1", str(fake.port)
            process = await asyncio.create_subprocess_exec(sys.executable, *command, stderr=subprocess.PIPE)
            return (await asyncio.wait_for(process.communicate(), 60))[1], process.returncode

    said, code = asyncio.run(ended())
    sentence = f"the broker refuses the subscription to {topic}: Not authorized; let this user read it there"
    assert (said.decode().splitlines()[1:], code) == ([sentence], 1)


@pytest.mark.slow
def test_an_outage_of_the_broker_is_outlasted(tmp_path, mosquitto):
    """The broker goes and comes back while a member listens: it is taken again, and readings go on."""
    with member(tmp_path, 1, mosquitto.port):
        for _ in range(2):
            sender = Sender(mosquitto.port)
            sender.start()
            until(lambda: numbers(tmp_path)[-1:] >= [100], "readings", 30)
            sender.stopping.set()
            sender.join()
            until(lambda most=sender.sent: numbers(tmp_path) == list(range(1, most + 1)), "all are there", 30)
            mosquitto.stop()
            with closing(sqlite3.connect(tmp_path / "readings.db", timeout=60)) as database, database:
                database.execute("DELETE FROM readings")
            mosquitto.start()
            until(lambda: mosquitto.log.count("as readings-1 ") >= 2, "it is back", 30)


@pytest.fixture
def keeping(tmp_path):
    """A mosquitto that keeps sessions and what waits in them."""
    broker = Mosquitto(tmp_path, ["persistence true"])
    broker.start()
    yield broker
    broker.kill()


def sent(port, first, count):
    """Sends readings by QoS 1; the broker has them when this returns."""
    lines = "".join(json.dumps(reading(seq)) + "\n" for seq in range(first, first + count))
    command = ["mosquitto_pub", "-p", str(port), "-q", "1", "-t", "gateway/g/b/S1/features", "-l"]
    subprocess.run(command, input=lines.encode(), check=True)


@pytest.mark.slow
def test_a_restarted_broker_loses_none(tmp_path, keeping):
    """The broker is restarted, also while a member is away, and gets readings before one is back: none is lost."""
    with member(tmp_path, 1, keeping.port), member(tmp_path, "guard", keeping.port):
        with member(tmp_path, 2, keeping.port):
            sent(keeping.port, 1, 200)
            until(lambda: len(numbers(tmp_path)) == 200, "all are written")
        sent(keeping.port, 201, 200)  # half of it is for who is away
        keeping.stop()
        keeping.start()
        sent(keeping.port, 401, 200)
        with member(tmp_path, 2, keeping.port):
            sender = Sender(keeping.port)
            sender.sent = 600
            sender.start()
            until(lambda: sender.sent > 800, "readings come")
            keeping.stop()
            keeping.start()
            until(lambda at=sender.sent: sender.sent > at + 200, "it goes on", 30)
            sender.stopping.set()
            sender.join()
            until(lambda: numbers(tmp_path) == list(range(1, sender.sent + 1)), "all are written", 30)


def test_the_guard_writes_what_comes_at_first(tmp_path, keeping, monkeypatch):
    """It writes until the members are back, and nothing that comes later, until its broker was away again."""
    monkeypatch.setattr(consumer, "BACK", 0.5)
    monkeypatch.setattr(consumer, "PAUSE", 0.05)
    guards = []

    def run():
        with closing(consumer.opened(tmp_path / "readings.db")) as database:
            guards.append(consumer.Member(database, "guard"))
            guards[0].run("127.0.0.1", keeping.port)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        until(lambda: guards and guards[0].mark, "it is connected")
        sent(keeping.port, 1, 10)
        until(lambda: not guards[0].writing, "the members are back")
        sent(keeping.port, 11, 10)
        heard = "Received PUBACK from readings-guard "
        until(lambda: keeping.log.count(heard) >= 21, "it has had them, and its mark")
        assert numbers(tmp_path) == list(range(1, 11))
        keeping.stop()
        keeping.start()
        sent(keeping.port, 21, 10)
        until(lambda: numbers(tmp_path) == [*range(1, 11), *range(21, 31)], "what came before it was back")
    finally:
        guards[0].stopping = True
        thread.join()

"""The page of a running gateway: real boards, a real broker, `gateway run`; what it says is what the status says."""

import asyncio
import os
import signal
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest

from gateway.ingest.capture.lines import read, read_header
from gateway.web.metric_names import BOARD, GATEWAY, Metric
from simulators import Board

from .brokers import free_port
from .exposition import parsed
from .faults import tree
from .street import ROOT, configuration, running, until
from .webs import Answer, Stream, ask

pytestmark = pytest.mark.slow


def get(port: int, path: str) -> Answer:
    """One answer; status 0 while nobody listens."""
    try:
        return asyncio.run(ask(port, path))
    except OSError:
        return Answer(0, {}, b"")


def listening(port: int, more: str = "") -> str:
    """The table."""
    return f'[web]\nlisten = "127.0.0.1:{port}"\n{more}'


def metrics(port: int) -> dict:
    """One scrape."""
    return parsed(get(port, "/metrics").body.decode())


def test_counters_are_those_of_the_status_document(tmp_path, mosquitto, judge):
    """When the boards have said their last, every counter of a scrape is that of the documents which then go out."""
    port = free_port()
    with Board(kind="kv", sensors=2, rate=100, name="a") as a, Board(kind="json", sensors=2, rate=50, name="b") as b:
        text = configuration(mosquitto.port, {"a": a.path, "b/é": b.path}, extra=listening(port))
        with running(tmp_path, text) as gateway:
            until(lambda: get(port, "/healthz").status == 200, "the page is there", 30)
            until(lambda: len(judge.features) > 300 and len(judge.sensors) == 4, "readings flow", 30)
            for one in (a, b):
                one.stop()
                one.wait_done()
            found = until(lambda: settled(port), "all is acknowledged, and nothing comes any more", 30)
            assert gateway.stop() == 0
    document = until(lambda: (d := judge.documents["gateway/gw/status"])["reason"] == "stopped" and d, "its last words")
    assert document["readings"] > 300
    compared = 0
    for metric in (one for one in GATEWAY if one.kind == "counter"):
        compared += equal(found, metric, document, frozenset())
    for name, topic in (("a", "a"), ("b/é", "b%2Fé")):
        board, labels = judge.documents[f"gateway/gw/{topic}/status"], frozenset({("board", name)})
        for metric in (one for one in BOARD if one.kind == "counter"):
            compared += equal(found, metric, board, labels)
        for sensor, told in board["sensors"].items():
            known = labels | {("sensor", sensor)}
            assert found["gateway_sensor_readings_total", known] == told["readings"]
            newest = judge.of(name, sensor)[-1]["value"]
            assert found["gateway_sensor_value", known | {("unit", "°C")}] == newest
    assert compared > 40


def settled(port: int) -> dict:
    """A scrape, once all is acknowledged and another one says the same; {} before."""
    first, second = metrics(port), metrics(port)
    in_all = first["gateway_readings_total", frozenset()]
    counters = [{key: n for key, n in found.items() if key[0].endswith("_total")} for found in (first, second)]
    done = in_all == first["gateway_readings_acknowledged_total", frozenset()] and counters[0] == counters[1]
    return second if done else {}


def equal(found: dict, metric: Metric, document: dict, labels: frozenset) -> int:
    """How many numbers of a document were compared with the scrape's."""
    value = document
    for key in metric.place:
        value = value.get(key, {})  # there is no cluster
    numbers = value if isinstance(value, dict) else {None: value}
    for reason, number in numbers.items():
        known = labels | ({("reason", reason)} if reason else set())
        assert found[metric.name, known] == number, (metric, reason)
    return len(numbers)


def test_a_page_sees_boards_as_they_are(tmp_path, mosquitto, judge):
    """Values come within a second, the hour holds them, a capture replays; with `kill -9` of the gateway all ends."""
    port = free_port()
    with Board(kind="kv", sensors=1, rate=20, name="a") as a:
        with running(tmp_path, configuration(mosquitto.port, {"a": a.path}, extra=listening(port))) as gateway:
            until(lambda: get(port, "/healthz").status == 200, "the page is there", 30)
            until(lambda: len(judge.features) > 20, "readings flow", 30)
            sensor, values = asyncio.run(seen(port))
            assert (sensor["board"], sensor["sensor"]) == ("a", "T1")
            published = {(row["value"], row["mean"]) for row in judge.of("a", "T1")}
            assert {(row[2], row[4]["mean"]) for row in values} <= published | {
                (row["value"], row["mean"]) for row in until(lambda: judge.of("a", "T1"), "the last ones")
            }
            hour = get(port, f"/history/{sensor['id']}").body
            assert b'"low":[' in hour and b"null]" not in hour
            first, *lines = get(port, "/capture/a").body.splitlines()
            assert read_header(first).board == "a"
            assert b"T1" in b"".join(read(line).data for line in lines)
            (tmp_path / "a.jsonl").write_bytes(get(port, "/capture/a").body)
            words = [sys.executable, "-m", "gateway", "replay", str(tmp_path / "a.jsonl"), "--json"]
            replayed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
            assert replayed.returncode == 0 and '"sensor": "T1"' in replayed.stdout.replace('":"', '": "')
            page = next(pid for pid in tree.family(gateway.process.pid) if comm(pid) == "gateway-web")
            gateway.kill()
            until(lambda: not tree.alive(page), "the page's process ends with it", 5)


async def seen(port: int) -> tuple[dict, list]:
    """A sensor that a page is told of, and three of its values."""
    page = await Stream.open(port)
    try:
        _, sensors = await page.next("sensors")
        rows = [(await page.next("values"))[1]["values"][0] for _ in range(3)]
        return sensors["sensors"][0], rows
    finally:
        page.close()


def comm(pid: int) -> str:
    """What a process is called."""
    return Path(f"/proc/{pid}/comm").read_text().strip()


def test_a_reload_starts_moves_and_ends_the_page(tmp_path, mosquitto, judge):
    """[web] counts at once; the boards do not notice; another token ends what was allowed before."""
    first, second = free_port(), free_port()
    (tmp_path / "token").write_text("0123456789abcdef\n")
    (tmp_path / "token").chmod(0o600)
    with Board(kind="kv", sensors=1, rate=50, name="a") as a:
        text = configuration(mosquitto.port, {"a": a.path})
        with running(tmp_path, text) as gateway:
            until(lambda: len(judge.features) > 20, "readings flow", 30)
            assert not [pid for pid in tree.family(gateway.process.pid) if comm(pid) == "gateway-web"]

            def reload(more: str) -> None:
                gateway.file.write_text(text + more)
                gateway.process.send_signal(signal.SIGHUP)

            reload(listening(first))
            until(lambda: get(first, "/readyz").status == 200, "it is there", 30)
            reload(listening(second, 'token_file = "token"\n'))
            until(lambda: get(second, "/readyz").status == 401, "it has moved, and asks for a token", 30)
            assert get(first, "/").status == 0
            old = next(pid for pid in tree.family(gateway.process.pid) if comm(pid) == "gateway-web")
            (tmp_path / "token").write_text("fedcba9876543210fedcba\n")
            gateway.process.send_signal(signal.SIGHUP)
            until(lambda: not tree.alive(old), "another token is another process", 30)
            until(lambda: get(second, "/healthz").status == 200, "it is there again", 30)
            reload("")
            until(lambda: get(second, "/").status == 0, "it has gone", 30)
            assert not [event for event in gateway.events() if event["event"] == "web.lost"]
            assert gateway.stop() == 0
    rows = judge.of("a", "T1")
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))


def test_a_port_that_is_taken_keeps_nothing_from_starting(tmp_path, mosquitto, judge):
    """The boards are read all the same; the fault `web` says who has the port."""
    with Board(kind="kv", sensors=1, rate=50, name="a") as a:
        text = configuration(mosquitto.port, {"a": a.path}, extra=listening(mosquitto.port))
        with running(tmp_path, text) as gateway:
            until(lambda: len(judge.features) > 20, "readings flow", 30)
            topic = "gateway/gw/status"
            fault = until(lambda: judge.documents.get(topic, {}).get("faults", {}).get("web"), "it is told", 20)
            assert f"web.listen: 127.0.0.1:{mosquitto.port} is taken by mosquitto (pid" in fault["text"]
            assert gateway.stop() == 0


def test_a_board_that_leaves_is_gone_from_the_page(tmp_path, mosquitto, judge):
    """A reload without a board takes its sensors from an open page."""
    port = free_port()
    with Board(kind="kv", sensors=1, rate=50, name="a") as a, Board(kind="kv", sensors=1, rate=50, name="b") as b:
        text = configuration(mosquitto.port, {"a": a.path, "b": b.path}, extra=listening(port))
        with running(tmp_path, text) as gateway:
            until(lambda: get(port, "/healthz").status == 200, "the page is there", 30)
            until(lambda: len(judge.sensors) == 2, "both are read", 30)

            async def left() -> tuple[dict, list[int]]:
                page = await Stream.open(port)
                known: dict[int, str] = {}
                while set(known.values()) != {"a", "b"}:
                    known |= {one["id"]: one["board"] for one in (await page.next("sensors"))[1]["sensors"]}
                text = configuration(mosquitto.port, {"a": a.path}, extra=listening(port))
                gateway.file.write_text(text)
                gateway.process.send_signal(signal.SIGHUP)
                _, gone = await page.next("gone")
                while "b" not in (await page.next("documents"))[1]["left"]:
                    pass
                page.close()
                return known, gone["ids"]

            known, gone = asyncio.run(left())
            assert [known[id] for id in gone] == ["b"]
            assert get(port, f"/capture/{urllib.parse.quote('b')}").status == 404
            assert os.path.exists(b.path)
            assert gateway.stop() == 0

"""Rows F82, F83, F84 and F92: what others leave where the gateway looks, and what it leaves itself."""

import contextlib
import json
import os
import pickle
import random
import re
import signal
import sqlite3
import subprocess
import sys
import unicodedata
from pathlib import Path

from tests.faults.disks import FILE, spooled
from tests.faults.rows import row
from tests.street import ROOT, until

HOSTILE = ["a/+/#", "$SYS", "..", "../../other/status", "\0", "x" * 70_000, "\x1b[2J", "status", "", "\u202e"]
EVERY = 4.0  # s between two times that all documents are published, in these tests


def publish(port: int, topic: str, payload: str | bytes) -> None:
    """A retained message of somebody else."""
    data = payload if isinstance(payload, bytes) else payload.encode()
    command = ["mosquitto_pub", "-p", str(port), "-q", "1", "-r", "-t", topic, "-s"]
    subprocess.run(command, input=data, check=True, timeout=10)


def retained(port: int) -> dict[str, str]:
    """All that the broker has retained."""
    done = subprocess.run(
        ["mosquitto_sub", "-p", str(port), "-t", "#", "-v", "--retained-only", "-W", "1"],
        capture_output=True, text=True, errors="replace", timeout=20,
    )  # fmt: skip
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)


@row(
    "F82",
    field="Somebody writes our retained topics.",
    happens="Retained, in the gateway's name: a false `offline` of it and of a board, a false alarm, a false "
    "discovery, 1 MB, no JSON; and commands, as they might be called.",
    promised="Put right within 30 s, by what is published anew then; nothing that comes by MQTT commands the gateway.",
    full=60,
)
def test_f82_told_of_others(scene):
    s = written_over(scene)
    s.over(bystanders=list(s.boards))
    said = {event["topic"] for event in s.gateway.events() if event["event"] == "retained.overwritten"}
    assert "gateway/gw/status" in said  # the first; those that follow within ten seconds are counted in a later line


@row("F82", full=60)
def test_f82_put_right(scene):
    s = written_over(scene)
    s.over(bystanders=list(s.boards))
    assert not s.times("board.offline") and not s.times("broker.lost") and not s.times("config.reloaded")


WATCHED = '[[sensors]]\nmatch = "*"\nalarm = { above = 1e6 }'
ALARM = "gateway/gw/bench/T1/alarm"


def written_over(scene):
    """A scene whose documents others have written over, and that are right again."""
    own = ["gateway/gw/+/+/features", ALARM, "gateway/gw/bench/status", "gateway/gw/cellar/status", "gateway/gw/status"]
    s = scene(topics=[*own], timers={"documents": EVERY}, boards=("bench", "cellar"), rate=90, extra=WATCHED)
    s.steady()
    port = s.broker.port
    right = retained(port)
    with s.fault():
        for topic in ("gateway/gw/status", "gateway/gw/bench/status"):
            publish(port, topic, right[topic].replace('"online"', '"offline"', 1))
        publish(port, ALARM, '{"state": "above", "since": "2026-11-24T05:48:46.123Z", "value": 1e9}')
        for topic in ("gateway/gw/bench/T1/last", "gateway/gw/bench/command", "gateway/gw/cellar/T1/set"):
            publish(port, topic, s.dice.choice([random.Random(s.seed).randbytes(1 << 20), "[" * 100_000]))
        publish(port, "gateway/gw/set", '{"command": "stop"}')
        s.until(lambda: "offline" in states(s, "gateway/gw/status"), "a false document was there", 5)
        s.prove("offline" in states(s, "gateway/gw/bench/status"), "and one of a board")
        online = lambda: all(s.status(board).get("state") == "online" for board in ("", "bench"))  # noqa: E731
        s.until(online, "both are right again", EVERY + 2)
        s.prove("above" in states(s, ALARM), "a false alarm was there")
        s.until(lambda: s.judge.documents[ALARM][-1].document["state"] is None, "the alarm is right again", EVERY + 2)
    s.back(within=2)
    now = retained(port)
    assert all('"online"' in now[topic] for topic in ("gateway/gw/status", "gateway/gw/bench/status"))
    return s


@row("F82", full=30)
def test_f82_a_false_discovery(scene):
    s = scene(topics=["gateway/gw/+/+/features", "gateway/gw/+/status", "gateway/gw/status"], rate=80)
    s.steady()
    port, topic = s.broker.port, "homeassistant/device/gateway-gw/bench/config"
    s.until(lambda: "--T1--value" in retained(port).get(topic, ""), "it is announced", 20)
    right = retained(port)
    with s.fault():
        publish(port, topic, s.dice.choice([random.Random(s.seed).randbytes(1 << 20), "{}", right[topic] + "\n"]))
        publish(port, topic.replace("bench", "ghost"), right[topic])
        s.prove("ghost" in "".join(retained(port)), "false ones are there")
        s.until(lambda: retained(port)[topic] == right[topic], "it is right again", 10)
        s.until(lambda: "ghost" not in "".join(retained(port)), "and what is not ours is gone", 30)
    said = [event["topic"] for event in s.gateway.events() if event["event"] == "discovery.overwritten"]
    assert sorted(said) == [topic, topic.replace("bench", "ghost")]
    s.back(within=20)
    assert s.gateway.stop() == 0


def states(s, topic: str) -> set[str]:
    """The states of all documents that were published there."""
    return {one.document["state"] for one in s.judge.documents[topic]}


class Bomb:
    """What runs when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self):
        return os.mkdir, (str(self.canary),)


@row(
    "F83",
    field="Planted state.",
    happens="Between two runs the spool is given rows with hostile names of boards, sensors, runs and features, a "
    "pickle as a block, in plain and in place of its source, 20 MB of zeros, numbers of rows that are not so.",
    promised="Nothing of it is unpickled (an audit hook listens) or run; names are as safe as those of a live board "
    "(F76); what is no block is dropped as `spool_corrupt` or set aside; the boards go on.",
    full=60,
)
def test_f83_planted_state(scene, tmp_path):
    s, state, canary, found = scene(), tmp_path / "state", tmp_path / "canary", tmp_path / "unpickled"
    s.steady()
    with s.fault():
        s.broker.stop()
        s.hold(5, ci=4)
        assert s.gateway.stop(10) == 0
        s.prove(spooled(state) > 100, "readings are on the disk")
        plant(state / FILE, pickle.dumps(Bomb(canary)))
        s.broker.start()
        s._environment = {"GATEWAY_UNPICKLED": str(found)}
        s.start()
    s.back(within=20)
    s.until(lambda: s.status()["spooled"] == 0, "what could be read is sent", 30)
    for topic in {*s.judge.topics, *retained(s.broker.port)}:
        levels = topic.split("/")
        if levels[0] == "homeassistant":
            assert re.fullmatch(r"homeassistant/device/gateway-gw(/[\w-]+)?/config", topic, re.ASCII), topic
            continue
        assert levels[:2] == ["gateway", "gw"] and 3 <= len(levels) <= 5, topic
        assert not any(unicodedata.category(char) == "Cc" or char in "+#" for char in topic), topic
        assert all(0 < len(level.encode()) <= 64 and not level.startswith("$") for level in levels), topic
    last = s.status()
    assert last["balanced"] and last["state"] == "online"
    assert not s.judge.refused
    assert s.gateway.stop(10) == 0
    assert not canary.exists()
    classes = set(found.read_text().split())
    s.told |= {"unpickled": len(classes), "inherited": last["inherited"], "dropped": sum(last["dropped"].values())}
    s.report()
    assert all(name.startswith(("gateway.compute.", "array.", "numpy.", "_codecs.")) for name in classes), classes


def plant(file: Path, bomb: bytes) -> None:
    """Rows that a stranger has written."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as db:
        row = db.execute(
            "SELECT l.name, s.text, b.rows, b.wall, b.mono, b.data FROM blocks b JOIN sources s ON s.id = b.source "
            "JOIN lanes l ON l.id = b.lane ORDER BY b.id LIMIT 1"
        ).fetchone()
        name, text, rows, wall, mono, data = row
        number = db.execute("SELECT max(id) FROM blocks").fetchone()[0]

        def add(name, text, rows, data):
            nonlocal number
            number += 1
            db.execute("INSERT OR IGNORE INTO lanes (name) VALUES (?)", (name,))
            (lane,) = db.execute("SELECT id FROM lanes WHERE name = ?", (name,)).fetchone()
            db.execute("INSERT OR IGNORE INTO sources (lane, text) VALUES (?, ?)", (lane, text))
            (source,) = db.execute("SELECT id FROM sources WHERE text = ?", (text,)).fetchone()
            db.execute(
                "INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?)", (number, lane, source, rows, wall, mono, data)
            )

        source = json.loads(text)
        for board in HOSTILE:
            for sensor in (HOSTILE[0], board):
                hostile = {**source, "board": board, "sensor": sensor}
                add(json.dumps([board, sensor]), json.dumps(hostile), rows, data)
        for odd in ({"run": '","x":1'}, {"run": "\ud800"}, {"keys": ["a"]}, {"unit": "\0"}, {"tags": [["board", "x"]]}):
            add(name, json.dumps({**source, **odd}), rows, data)
        for block in (bomb, bytes(20_000_000), data[:-3], data + bomb, b""):
            add(name, text, rows, block)
        add(name, text, 4096, data)
        add(name, "[" * 100_000, rows, data)
        db.execute("INSERT INTO lanes (name) VALUES ('no lane')")
        db.execute("INSERT INTO sources (lane, text) VALUES (1, ?)", (bomb.decode("latin-1"),))


PLANTED = "import os\nos.makedirs({canary!r}, exist_ok=True)\n"
OWN = "import pathlib\npathlib.Path({imported!r}).touch()\n\ndef same(times, values, new):\n    return values[-new:]\n"


@row(
    "F84",
    field="Code from where it should not come.",
    happens="In the working directory lie modules with the names of what the gateway and its features import; the "
    "file of a feature can be written by all.",
    promised="None of them is imported, by `check`, by `run` or by what they start; `check` warns of the file, with "
    "the command that mends it.",
    fast=True,
    full=20,
)
def test_f84_the_working_directory(tmp_path):
    here, there, canary = tmp_path / "here", tmp_path / "there", tmp_path / "canary"
    for folder in (here, there):
        folder.mkdir(mode=0o755)
    for name in ("own", "numpy", "paho", "structlog", "serial", "sitecustomize", "pickle", "secrets", "random"):
        (here / f"{name}.py").write_text(PLANTED.format(canary=str(canary)))
    imported = tmp_path / "imported"
    (there / "own.py").write_text(OWN.format(imported=str(imported)))
    (there / "own.py").chmod(0o646)
    file = there / "gateway.toml"
    file.write_text(
        f'[gateway]\nid = "gw"\nstate_dir = "{tmp_path / "state"}"\n[mqtt]\nurl = "mqtt://127.0.0.1:1"\n'
        '[features]\ncustom = ["own:same"]\n[[boards]]\nname = "bench"\nport = "/dev/ttyX0"\n'
    )
    program = [sys.executable, "-m", "gateway"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    checked = subprocess.run(
        [*program, "check", "-c", str(file)], cwd=here, env=environment, capture_output=True, text=True, timeout=60
    )
    assert checked.returncode == 0, checked.stderr
    assert "tried     own:same" in checked.stdout
    assert f'others can write "{there / "own.py"}"' in checked.stdout and "chmod go-w" in checked.stdout
    imported.unlink()
    log = tmp_path / "log"
    with log.open("wb") as out:
        running = subprocess.Popen(
            [*program, "run", "-c", str(file)], cwd=here, env=environment, stdout=out, stderr=out
        )
    try:
        until(lambda: "broker.refused" in log.read_text(), "it runs", 20)
        until(imported.exists, "what it starts has imported the feature", 20)
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0
    finally:
        if running.poll() is None:
            running.kill()
            running.wait()
    assert not canary.exists(), log.read_text()


@row(
    "F92",
    field="A renamed board: ghosts stay retained.",
    happens="A board is renamed, and the file is read again; another is, between two runs; the gateway is.",
    promised="The old name's retained documents of this gateway are cleared, and what it published of its sensors, "
    "their alarms too; all that is retained is of boards that there are.",
    full=30,
)
def test_f92_renamed_under_way(scene):
    s = scene()
    s.steady()
    with s.fault():
        reload(s, "attic", "loft")
        s.until(lambda: "gateway/gw/loft/status" in retained(s.broker.port), "the new name is there", 10)
        s.prove(s.events("config.reloaded")[0]["gone"] == ["attic"], "it was renamed")
        s.until(lambda: "gateway/gw/attic/status" not in retained(s.broker.port), "the old document is gone", 10)
    assert s.gateway.stop() == 0


@row("F92", full=30)
def test_f92_ghosts(scene):
    s = scene(extra=WATCHED)
    s.steady()
    s.until(lambda: {"alarm", "last", "status"} <= leaves(s, "bench"), "it is told of", 20)
    reload(s, "attic", "loft")
    s.until(lambda: "gateway/gw/loft/status" in retained(s.broker.port), "the new name is there", 10)
    s.gateway.stop()
    s.text = s.text.replace('name = "bench"', 'name = "desk"').replace('name = "attic"', 'name = "loft"')
    s.start()
    s.until(lambda: "gateway/gw/desk/status" in retained(s.broker.port), "the new name is there", 20)
    s.until(lambda: not leaves(s, "bench") | leaves(s, "attic"), "the old ones are gone", 20)
    s.until(lambda: {"alarm", "last", "status"} <= leaves(s, "desk"), "the new one is told of", 20)


@row("F92", full=30)
def test_f92_another_gateway(scene):
    s = scene(extra=WATCHED)
    s.steady()
    s.gateway.stop()
    s.text = s.text.replace('id = "gw"', 'id = "other"')
    s.start()
    under = lambda name: [one for one in retained(s.broker.port) if one.startswith(f"gateway/{name}/")]  # noqa: E731
    s.until(lambda: len(under("other")) > 3, "the new name is there", 20)
    s.until(lambda: not under("gw"), "nothing is left of the old one", 20)


def leaves(s, board: str) -> set[str]:
    """The last levels of what is retained of a board."""
    return {one.split("/")[-1] for one in retained(s.broker.port) if one.startswith(f"gateway/gw/{board}/")}


def reload(s, old: str, new: str) -> None:
    """A board gets another name while the gateway runs."""
    s.gateway.file.write_text(s.text.replace(f'name = "{old}"', f'name = "{new}"'))
    s.gateway.process.send_signal(signal.SIGHUP)
    s.until(lambda: s.events("config.reloaded"), "it is read", 10)

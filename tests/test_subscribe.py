"""The examples of docs/subscribe.md, at a gateway that runs; those whose programs have to be fetched are slow."""

import importlib.util
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
import venv

import hypothesis
import hypothesis.strategies as st
import pytest

from simulators import Board

from .brokers import free_port
from .street import ROOT, configuration, running, until

EXAMPLES = ROOT / "docs" / "examples"
PAGE = (ROOT / "docs" / "subscribe.md").read_text()


def module(name):
    """An example as a module."""
    found = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    made = importlib.util.module_from_spec(found)
    found.loader.exec_module(made)
    return made


subscribe = module("subscribe")


@pytest.fixture
def board():
    """One that says 20 lines a second, of two sensors."""
    with Board(kind="kv", sensors=2, rate=20) as one:
        yield one


@pytest.fixture
def gateway(tmp_path, mosquitto, board):
    """A gateway that reads it, with an alarm that is always on."""
    alarm = '[[sensors]]\nmatch = "*"\nalarm = { above = -300 }\n'
    with running(tmp_path, configuration(mosquitto.port, {"hall": board.path}, alarm)) as one:
        yield one


@hypothesis.given(st.lists(st.tuples(st.integers(4, 40), st.integers(0, 3)), max_size=60))
def test_each_number_is_taken_once(taken):
    """In whatever order numbers come, one is taken that is not accounted for yet; what lies between them is missing."""
    seen, known = subscribe.Seen(), set()
    for seq, condensed in taken:
        new = seq not in known
        assert seen.take(seq, condensed) is new
        known |= set(range(seq - condensed, seq + 1)) if new else set()
    assert seen.missing == (max(known) - min(known) + 1 - len(known) if known else 0)
    assert all(one[1] + 1 < two[0] for one, two in zip(seen.ranges, seen.ranges[1:], strict=False))


def test_one_reading_and_rows_are_taken_alike():
    """A message of rows gives a reading a row; a row that has come by itself is left out, as is what is no message."""
    once = subscribe.Once()
    alone = {"gateway": "g", "board": "b", "sensor": "s", "run": "r", "seq": 2, "value": 21.5}
    rows = {key: alone[key] for key in ("gateway", "board", "sensor", "run")}
    rows |= {"columns": ["seq", "value"], "rows": [[1, 21.0], [2, 21.5], [3, 22.0]]}
    assert once.of(json.dumps(alone).encode()) == [alone]
    assert [one["value"] for one in once.of(json.dumps(rows).encode())] == [21.0, 22.0]
    assert once.twice == 1
    for rubbish in (b"", b"[" * 100_000, b"\xff", b"[]", b"null", b'{"seq": 1}', b'{"rows": 1, "columns": 2}'):
        assert once.of(rubbish) == []


def test_without_a_broker_it_says_so():
    """subscribe.py ends with a sentence that says where no broker is, also for a name that nobody knows."""
    for host, port in (("127.0.0.1", str(free_port())), ("nobody.invalid", "1883")):
        command = [sys.executable, EXAMPLES / "subscribe.py", host, port]
        said = subprocess.run(command, capture_output=True, text=True)
        assert (said.returncode, said.stdout) == (1, "")
        assert re.fullmatch(rf"no broker at {host}:{port} \(.+\): say where one is, .+\n", said.stderr)


def test_what_a_terminal_shows(mosquitto, gateway):
    """The lines of mosquitto_sub print what they promise; `jq`, where one is behind a bar, is left to the reader."""
    lines = [line.split("|")[0] for line in re.findall(r"^mosquitto_sub.*$", PAGE, re.MULTILINE)]
    assert len(lines) == 4
    for line in lines:
        words = shlex.split(line, comments=True)
        until(lambda words=words: _printed(words, mosquitto.port), line, 60)


def _printed(words, port):
    """The first payload that such a command prints, behind its topic where it has -v, as a document."""
    command = [*words, "-h", "127.0.0.1", "-p", str(port), *([] if "-C" in words else ["-C", "1"])]
    said = subprocess.run([*command, *([] if "-W" in words else ["-W", "5"])], capture_output=True, text=True)
    return json.loads(said.stdout[said.stdout.index("{") :].splitlines()[0]) if said.stdout else None


@pytest.mark.parametrize("payload", ["reading", pytest.param("rows", marks=pytest.mark.slow)])
def test_each_reading_once_over_a_kill(tmp_path, mosquitto, board, payload):
    """subscribe.py has every reading that was sent, once, though the gateway is killed and started again."""
    text = configuration(mosquitto.port, {"hall": board.path}, mqtt=f'payload = "{payload}"')
    with (tmp_path / "day.jsonl").open("wb") as day:
        program = subprocess.Popen(
            [sys.executable, EXAMPLES / "subscribe.py", "127.0.0.1", str(mosquitto.port)],
            stdout=day,
            stderr=subprocess.PIPE,
        )
    try:
        runs = set()
        for _ in range(2):
            with running(tmp_path, text):
                until(lambda old=runs: _of_another_run(_day(tmp_path), old, 60), "readings of this run", 40)
            runs |= {one["run"] for one in _day(tmp_path)}
    finally:
        program.send_signal(signal.SIGINT)
        said = json.loads(program.communicate(timeout=10)[1])
    found = [(one["sensor"], one["run"], one["seq"]) for one in _day(tmp_path)]
    assert len(found) == len(set(found)) and len(runs) == 2
    assert said["missing"] == {}
    for sensor, run in {key[:2] for key in found}:
        numbers = sorted(seq for *key, seq in found if key == [sensor, run])
        assert numbers == list(range(1, len(numbers) + 1))


def _day(folder):
    """What subscribe.py has written; its last line may be under way."""
    text = (folder / "day.jsonl").read_text()
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def _of_another_run(day, runs, count):
    return sum(one["run"] not in runs for one in day) >= count


def test_what_telegraf_is_told_to_read_is_there(mosquitto, judge, gateway):
    """Its tags, strings and time are keys of a message, and the time is of the shape that it names."""
    table = tomllib.loads((EXAMPLES / "telegraf.conf").read_text())["inputs"]["mqtt_consumer"][0]
    message = until(lambda: judge.features, "a message")[0]
    assert {*table["tag_keys"], table["json_time_key"], "quality", "run"} <= set(message)
    assert set(table["json_string_fields"]) <= {"quality", "run", "alarm"}
    assert table["json_time_format"] == "2006-01-02T15:04:05Z07:00"  # Go takes fractions of a second without a word
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", message["time"])
    assert [level for level in table["topics"][0].split("/") if level != "+"] == ["gateway", "features"]


@pytest.mark.slow
@pytest.mark.outside
def test_a_day_as_a_picture(tmp_path, mosquitto, gateway):
    """plot_day.py draws what subscribe.py has written, with pandas and matplotlib as they are today."""
    with (tmp_path / "day.jsonl").open("wb") as day:
        command = [sys.executable, EXAMPLES / "subscribe.py", "127.0.0.1", str(mosquitto.port)]
        program = subprocess.Popen(command, stdout=day, stderr=subprocess.DEVNULL)
    try:
        until(lambda: len(_day(tmp_path)) > 100, "some readings")
    finally:
        program.send_signal(signal.SIGINT)
        program.wait(10)
    venv.create(tmp_path / "own", with_pip=True)
    python = tmp_path / "own" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "pandas", "matplotlib"], check=True)
    picture = tmp_path / "day.png"
    command = [python, "-W", "error", EXAMPLES / "plot_day.py", tmp_path / "day.jsonl", picture]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size > 20_000
    assert "hall T1" in said and "hall T2" in said


@pytest.mark.slow
@pytest.mark.outside
@pytest.mark.timeout(400)
def test_node_red(tmp_path, mosquitto, judge, gateway):
    """The flow, imported into a Node-RED of today, gives each value under flow/<board>/<sensor>, once."""
    npm = shutil.which("npm")
    assert npm is not None, "npm is missing: .ci/setup test installs it"
    subprocess.run(
        [npm, "install", "--prefix", tmp_path, "--no-audit", "--no-fund", "--silent", "node-red"],
        check=True, timeout=300, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    flow = json.loads((EXAMPLES / "node-red.json").read_text())
    (broker,) = [node for node in flow if node["type"] == "mqtt-broker"]
    broker |= {"broker": "127.0.0.1", "port": str(mosquitto.port)}
    (tmp_path / "flows.json").write_text(json.dumps(flow))
    settings = f'uiHost: "127.0.0.1", uiPort: {free_port()}, flowFile: "flows.json", telemetry: {{enabled: false}}'
    (tmp_path / "settings.js").write_text(f"module.exports = {{{settings}}}\n")
    values, log = [], tmp_path / "node-red.log"
    client = judge._client
    client.message_callback_add("flow/#", lambda client, data, message: values.append((message.topic, message.payload)))
    client.subscribe("flow/#", qos=1)
    with log.open("wb") as out:
        command = ["node", tmp_path / "node_modules" / "node-red" / "red.js", "--userDir", tmp_path]
        program = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        until(lambda: len(values) > 100 or program.poll() is not None, "values from the flow", 60)
        assert program.poll() is None, log.read_text()
    finally:
        program.terminate()
        program.wait(20)
    assert {topic for topic, _ in values} == {"flow/hall/T1", "flow/hall/T2"}
    heard = [one["value"] for one in judge.of("hall", "T1")]
    ours = [float(payload) for topic, payload in values if topic == "flow/hall/T1"]
    first = next(at for at in range(len(heard)) if heard[at : at + len(ours)] == ours)
    assert ours == heard[first : first + len(ours)], "each once, in order"

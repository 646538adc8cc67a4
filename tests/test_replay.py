"""`gateway replay`: what it prints is what a live run publishes, at any speed; and files that are none."""

import datetime
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulators import Board
from simulators.modbus import Unit, modbus_line

from .street import ROOT, Gateway, Judge, configuration, until

HEAD = {"capture": 1, "board": "b", "started": "2026-11-24T05:48:46Z", "whole": True}
FEATURES = """
[features]
window = "400ms"
use = ["mean", "std", "min", "max", "range", "median", "slope", "rate", "ewma", "zscore"]
"""


def replay(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""
    command = [sys.executable, "-m", "gateway", "replay", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def messages(*arguments: object) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The messages of a replay, and its summary."""
    *lines, last = replay(*arguments, "--json").stdout.splitlines()
    return [json.loads(line) for line in lines], json.loads(last)["summary"]


def capture(folder: Path, *lines: dict[str, Any], **head: Any) -> Path:
    """A capture of these lines."""
    file = folder / "capture.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in ({**HEAD, **head}, *lines)))
    return file


def said(*texts: str, every: float = 1.0) -> list[dict[str, Any]]:
    """Lines of a capture: a text each."""
    return [{"at": i * every, "text": text} for i, text in enumerate(texts)]


def wall(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


def check_alike(live: dict[str, Any], again: dict[str, Any]) -> None:
    """Two messages of one reading are the same but for who sent it; the file keeps times to the nanosecond."""
    assert live.keys() == again.keys()
    assert wall(live["time"]) == pytest.approx(wall(again["time"]), abs=0.002)
    for key in live.keys() - {"gateway", "run", "time"}:
        if isinstance(live[key], float):
            assert again[key] == pytest.approx(live[key], rel=1e-6, abs=1e-9), key
        else:
            assert again[key] == live[key], key


@pytest.mark.slow
def test_a_replay_is_the_live_run(tmp_path, mosquitto):
    """What the broker got of a board that boots, is garbled and unplugged is what its capture gives, field by field."""
    judge, file = Judge(mosquitto.port), tmp_path / "capture.jsonl"
    text = configuration(
        mosquitto.port, {}, FEATURES + '[[sensors]]\nmatch = "b/T2"\nevery = "100ms"\nwindow = 7\nspike = 3\n'
    )
    dice = random.Random(1)
    values = [dice.choice(["999", f"{dice.uniform(20, 70):.2f}", "21.5"]) for _ in range(30_000)]
    with Board("kv", sensors=3, rate=100, name="b", values=values) as board:
        text += f'[[boards]]\nname = "b"\nport = "{board.path}"\nsettle = "300ms"\n'
        text += 'range = [-40, 60]\nout_of_range = "drop"\nstuck = "20ms"\n[spool]\nat_risk = "5s"\n'
        gateway = Gateway(tmp_path, text, program=("tests.taped", str(file)))
        try:
            until(lambda: len(judge.of("b", "T1")) > 100, "readings flow")
            board.fault("garble", 5)
            seen = len(judge.of("b", "T1"))
            until(lambda: len(judge.of("b", "T1")) > seen + 50, "readings flow")
            board.fault("unplug", 0.3)
            seen = len(judge.of("b", "T1"))
            until(lambda: len(judge.of("b", "T1")) > seen + 100, "readings flow again")
            assert gateway.stop() == 0
        finally:
            gateway.kill()
            judge.close()
    until(lambda: judge.documents["gateway/gw/b/status"]["state"] == "offline", "the last document")
    again, summary = messages(file, "-c", gateway.file)
    assert {row["sensor"] for row in again} == {"T1", "T2", "T3"}
    for sensor in ("T1", "T2", "T3"):
        live, replayed = judge.of("b", sensor), [row for row in again if row["sensor"] == sensor]
        assert [row["seq"] for row in replayed] == [row["seq"] for row in live]
        for one, other in zip(live, replayed, strict=True):
            check_alike(one, other)
    assert any("condensed" in row for row in again) and summary["reopened"] == 1
    document = judge.documents["gateway/gw/b/status"]
    for key in ("bytes", "frames", "decoded", "noise", "refused", "values", "refused_values", "readings", "dropped"):
        assert summary[key] == document[key], key
    faster, _ = messages(file, "-c", gateway.file, "--speed", "20")
    for one, other in zip(again, faster, strict=True):
        check_alike(one, other)


@pytest.mark.slow
def test_a_replay_is_the_live_conversation(tmp_path, mosquitto):
    """What the broker got of units that answer, are late, refuse or are dead is what their line's capture gives."""
    judge, file = Judge(mosquitto.port), tmp_path / "capture.jsonl"
    units = {number: Unit(input={1: 200 + number, 2: 500}) for number in (1, 2, 3, 4)}
    units[2].dead, units[4].late = True, 0.15
    with modbus_line(units, echo=True, pieces=4) as line:
        text = (
            configuration(mosquitto.port, {}, FEATURES)
            + f"""
[[boards]]
name = "bus"
port = "{line.path}"
baud = 9600
format = "modbus"
every = "100ms"
timeout = "400ms"
units = [{{ id = 1, name = "a" }}, {{ id = 2, name = "b" }}, {{ id = 3, name = "c" }}, {{ id = 4, name = "d" }}]
registers = [
    {{ name = "t", kind = "input", at = 1, factor = 0.1 }},
    {{ name = "hum", kind = "input", at = 2, factor = 0.1, unit = "%" }},
]
also = ["hum"]
[spool]
at_risk = "5s"
"""
        )
        gateway = Gateway(tmp_path, text, program=("tests.taped", str(file)))
        try:
            until(lambda: len(judge.of("bus-a", "t")) > 20, "readings flow", 40)
            units[3].exception = 2
            seen = len(judge.of("bus-a", "t"))
            until(lambda: len(judge.of("bus-a", "t")) > seen + 10, "readings flow", 40)
            units[3].exception, units[2].dead, units[1].input[1] = 0, False, 215
            until(lambda: judge.of("bus-b", "t") and len(judge.of("bus-c", "t")) > 20, "all answer", 40)
            assert gateway.stop() == 0
        finally:
            gateway.kill()
            judge.close()
    until(lambda: judge.documents["gateway/gw/bus-d/status"]["state"] == "offline", "the last document", 40)
    lines = [json.loads(one) for one in replay(file, "-c", gateway.file, "--json").stdout.splitlines()]
    summaries = {one["summary"]["board"]: one["summary"] for one in lines if "summary" in one}
    again = [one for one in lines if "summary" not in one]
    assert {(row["board"], row["sensor"]) for row in again} == {(f"bus-{n}", s) for n in "abcd" for s in ("t", "hum")}
    for board, sensor in sorted({(row["board"], row["sensor"]) for row in again}):
        live = judge.of(board, sensor)
        replayed = [row for row in again if (row["board"], row["sensor"]) == (board, sensor)]
        assert [row["seq"] for row in replayed] == [row["seq"] for row in live]
        for one, other in zip(live, replayed, strict=True):
            check_alike(one, other)
    for board, summary in summaries.items():
        document = judge.documents[f"gateway/gw/{board}/status"]
        for key in ("bytes", "frames", "decoded", "noise", "refused", "values", "refused_values", "readings"):
            assert summary[key] == document[key], (board, key)
    assert summaries["bus-b"]["refused"]["timeout"] and summaries["bus-c"]["refused"]["exception"]
    faster = [
        json.loads(one) for one in replay(file, "-c", gateway.file, "--json", "--speed", "20").stdout.splitlines()
    ]
    for one, other in zip(lines, faster, strict=True):
        if "summary" in one:
            assert one == other
        else:
            check_alike(one, other)


@pytest.mark.slow
def test_a_conversation_without_its_configuration(tmp_path):
    """Text answers are read as though the board spoke by itself; what was sent is no data. Modbus needs its table."""
    file = capture(
        tmp_path,
        {"at": 0.3, "sent": "R\r"},
        {"at": 0.4, "text": "21.5\r"},
        {"at": 1.3, "sent": "R\r"},
        {"at": 1.4, "text": "22.5\r"},
        asked=True,
    )
    rows, summary = messages(file, "--format", "plain")
    assert [row["value"] for row in rows] == [21.5, 22.5] and (summary["sent"], summary["chunks"]) == (2, 2)
    config = tmp_path / "gateway.toml"
    table = '[[boards]]\nname = "b"\nport = "/dev/x"\n'
    config.write_text(table + 'format = "plain"\nask = { question = "T\\r" }\n')
    rows, summary = messages(file, "-c", config)
    assert (rows, summary["sent"], summary["sent_unknown"], summary["noise"]) == ([], 2, 2, 2)
    assert "2 of 2 that was sent is nothing that this configuration asks" in replay(file, "-c", config).stderr
    config.write_text(table + 'format = "modbus"\nunit_id = 1\nregisters = [{ name = "t", at = 1 }]\n')
    file = capture(tmp_path, {"at": 1, "hex": "01030200c97966"})
    assert "take it with `gateway record b -c FILE`" in replay(file, "-c", config, code=2).stderr


def test_times_are_the_captures(tmp_path):
    """Windows, settling, rates and silences are by the capture's clock: an hour takes no time."""
    file = capture(tmp_path, *said(*["21.0\r\n"] * 5, "27.0\r\n", every=720))
    file2 = tmp_path / "gateway.toml"
    file2.write_text(
        '[[boards]]\nname = "b"\nport = "/dev/x"\nsettle = "60s"\n[features]\nwindow = "40m"\nuse = ["rate", "mean"]\n'
    )
    rows, summary = messages(file, "-c", file2)
    assert [row["time"] for row in rows][::4] == ["2026-11-24T06:00:46.000Z", "2026-11-24T06:48:46.000Z"]
    assert [row["n"] for row in rows] == [1, 2, 3, 4, 4]  # of (t - 40 min, t]; what came while it settled is noise
    assert rows[-1]["rate"] == pytest.approx(6 / 720, rel=1e-12) and rows[-1]["mean"] == 22.5
    assert (summary["noise"], summary["silences"], summary["seconds"]) == (
        1,
        2,
        3600.0,
    )  # after two, 12 minutes are its usual pause


@pytest.mark.parametrize(("whole", "readings"), [(True, ["1", "2"]), (False, ["2"])])
def test_a_first_line_counts_where_the_capture_is_whole(tmp_path, whole, readings):
    """What may be half a line is noise, unless the capture says that it is none."""
    file = capture(tmp_path, *said("1\n2\n"), whole=whole)
    assert [f"{row['value']:g}" for row in messages(file, "--format", "plain")[0]] == readings


def test_what_happened_to_the_port_counts(tmp_path):
    """After a loss half a line is noise; a line beside another program's, or after lost bytes, is not believed."""
    file = capture(
        tmp_path,
        {"at": 0, "text": "1\n2"},
        {"at": 1, "event": "lost", "why": "unplugged"},
        {"at": 2, "event": "opened"},
        {"at": 3, "text": "3\n4\n"},
        {"at": 4, "event": "shared", "why": "cat (pid 7)"},
        {"at": 5, "text": "5\n"},
        {"at": 6, "event": "alone"},
        {"at": 7, "text": "6\n"},
        {"at": 8, "event": "overrun"},
        {"at": 8.5, "text": "7\n"},
        {"at": 9.5, "hex": "380a"},
    )
    rows, summary = messages(file, "--format", "plain")
    assert [row["value"] for row in rows] == [1, 4, 6, 8]
    assert (summary["refused"], summary["noise"]) == ({"shared": 1, "overrun": 1}, 2)


def test_columns_for_people(tmp_path):
    """Without --json a reading is a line of columns, in the order of arrival; the summary is on standard error."""
    file = capture(tmp_path, *said("T1:21.5,T2:30\r\n", "T1:22,T2:nan\r\n"))
    done = replay(file, "--format", "kv")
    assert [line.split()[1:4] for line in done.stdout.splitlines()] == [
        ["T1", "21.5", "°C"], ["T2", "30", "°C"], ["T1", "22", "°C"],
    ]  # fmt: skip
    assert "3 readings of 2 sensors in 1 s, format kv; 2 frames: 2 decoded" in done.stderr
    assert "values refused: 1 not_finite" in done.stderr


def test_a_speed_is_kept(tmp_path):
    """At --speed 10 a second takes a tenth: no reading is shown before its time."""
    file = capture(tmp_path, *said("1\n", "2\n", every=4.0))
    command = [
        sys.executable,
        "-u",
        "-m",
        "gateway",
        "replay",
        str(file),
        "--format",
        "plain",
        "--speed",
        "10",
        "--json",
    ]
    code = "import sys, time\nfor line in sys.stdin: print(time.monotonic())"
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        clock = subprocess.run([sys.executable, "-c", code], stdin=process.stdout, capture_output=True, timeout=60)
    first, second, _summary = map(float, clock.stdout.split())
    assert 0.35 < second - first < 3.0


@pytest.mark.slow
def test_a_board_of_the_configuration(tmp_path):
    """The table is that of the capture's board, or of --board; with several and none that fits, they are named."""
    config = tmp_path / "gateway.toml"
    tables = '[[boards]]\nname = "{}"\nport = "/dev/{}"\nformat = "csv"\ncolumns = ["{}", "p"]\n'
    config.write_text(tables.format("bench", "a", "air") + tables.format("roof", "b", "sky"))
    file = capture(tmp_path, *said("1.5,2\n"), board="bench")
    assert messages(file, "-c", config)[0][0]["sensor"] == "air"
    row = messages(file, "-c", config, "--board", "roof")[0][0]
    assert (row["board"], row["sensor"]) == ("roof", "sky")
    file = capture(tmp_path, *said("1.5,2\n"), board="rof")
    done = replay(file, "-c", config, code=2)
    assert "has no board \"rof\"; did you mean 'roof'?" in done.stderr
    config.write_text(tables.format("bench", "a", "air"))
    assert messages(file, "-c", config)[0][0]["board"] == "bench"
    assert messages(file, "-c", config, "--format", "plain")[1]["format"] == "plain"
    for more in ((), ("-c", config)):
        assert "did you mean 'csv'?" in replay(file, "--format", "cvs", *more, code=78).stderr
        assert "boards[0].pattern" in replay(file, "--format", "regex", *more, code=78).stderr
    assert replay(file, "-c", tmp_path / "none.toml", code=78).stderr.startswith(f'"{tmp_path}/none.toml": there is no')


@pytest.mark.slow
def test_features_of_the_users_own(tmp_path):
    """They are asked in processes of their own, as in a live run: each message has what they answer."""
    (tmp_path / "own.py").write_text("def double(times, values, new):\n    return 2 * values[-new:]\n")
    config = tmp_path / "gateway.toml"
    config.write_text(
        '[[boards]]\nname = "b"\nport = "/dev/x"\nformat = "plain"\n'
        '[features]\ncustom = ["own:double"]\ndeadline = "9s"\n'
    )
    rows, _ = messages(capture(tmp_path, *said("1\n", "2\n")), "-c", config)
    assert [row["double"] for row in rows] == [2, 4]


def test_a_torn_last_line(tmp_path):
    """What a power cut has left of the last line is left out, and counted."""
    file = capture(tmp_path, *said("1\n", "2\n", "3\n"))
    file.write_bytes(file.read_bytes()[:-9])
    rows, summary = messages(file, "--format", "plain")
    assert [row["value"] for row in rows] == [1, 2]
    assert summary["torn_lines"] == 1
    assert "its last line was torn" in replay(file).stderr


def test_a_damaged_line_is_named(tmp_path):
    """A line in the middle that does not hold is told by its number, in one sentence; what came before it is shown."""
    file = capture(tmp_path, *said("1\n", "2\n", "3\n"))
    lines = file.read_text().splitlines()
    lines[2] = lines[2].replace("1.0", "NaN")
    file.write_text("\n".join(lines) + "\n")
    done = replay(file, code=1)
    assert done.stderr == f"gateway: line 3 of {file} is not JSON; mend it, or take it out\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is no capture: its first line is not JSON"),
        (b"21.5\n", "is no capture: its first line is no JSON object"),
        (b"\0" * 2_000_000, "is no capture: its first line is longer than 1000000 bytes"),
        (b'{"capture": 2}\n', "is no capture: its first line is of version 2 of captures, which a newer gateway reads"),
    ],
    ids=["empty", "something else", "huge", "newer"],
)
def test_what_is_no_capture(tmp_path, data, sentence):
    """A file that is none ends with one sentence, however long it is."""
    file = tmp_path / "c.jsonl"
    file.write_bytes(data)
    assert replay(file, code=1).stderr == f"gateway: {file} {sentence}\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "sentence"), [("/", "is a directory"), ("/none", "no such file"), ("/dev/zero", "longer")]
)
def test_what_cannot_be_read(file, sentence):
    """A path that leads to no file, or to one without an end, is told in one sentence too."""
    done = replay(file, code=1)
    assert sentence in done.stderr and done.stderr.count("\n") == 1

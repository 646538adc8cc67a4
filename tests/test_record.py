"""`gateway record`, a real process on real pseudo-terminals: what a port says is in the file, come what may."""

import json
import os
import pty
import signal
import subprocess
import sys

import pytest

from simulators import Board
from simulators.answering import SILENT, Answering
from simulators.modbus import Unit, modbus_line
from tests.recorders import recording

from . import test_formats
from .replays import messages, replay
from .street import ROOT, until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_port_is_recorded(tmp_path, number):
    """Every byte is there with its time, in lines that a person can read; a signal ends it well."""
    with Board() as board, recording(tmp_path, path := board.path, "--json", "--baud", "9600") as recorder:
        until(recorder.marks, "the port is open")
        for text in (b"21.5 \xc2\xb0C\r\n", b"\xff\x00\n", b"22.5\r\n"):
            seen = recorder.data()
            board.write(text)
            until(lambda seen=seen, text=text: recorder.data() == seen + text, "it is in the file")
        code, out = recorder.end(number)
    assert code == 0
    header, *lines = recorder.file.read_text().splitlines()
    assert json.loads(header).items() >= {"baud": 9600, "port": path, "whole": False}.items()
    assert [tuple(json.loads(line).items())[1] for line in lines] == [
        ("event", "opened"), ("text", "21.5 °C\r\n"), ("hex", "ff000a"), ("text", "22.5\r\n"), ("event", "lost"),
    ]  # fmt: skip
    times = [json.loads(line)["at"] for line in lines]
    assert times == sorted(times) and times[1] < times[2] < times[3]
    document = json.loads(out)
    assert (document["bytes"], document["lost"], document["ended"]) == (len("21.5 °C\r\n".encode()) + 9, 0, "told")


@pytest.mark.slow
def test_a_board_that_is_asked_is_recorded(tmp_path):
    """Its table says so: it is asked at its pace, what was sent is in the file too, and the replay has its answers."""
    config = tmp_path / "gateway.toml"
    with Answering({b"C,0\r": b"*OK\r", b"R\r": b"25.104\r*OK\r"}.__getitem__) as board:
        config.write_text(f'[[boards]]\nname = "tank"\nport = "{board.path}"\npreset = "ezo-rtd-ask"\n')
        with recording(tmp_path, "tank", "-c", config, "--json") as recorder:
            until(lambda: recorder.data().count(b"25.104") == 3, "it has answered")
            code, out = recorder.end()
    heard = recorder.heard()
    asked = [one.data for one in heard if one.sent]
    assert asked == board.questions[: len(asked)] and asked[:3] == [b"C,0\r", b"R\r", b"R\r"]
    assert (code, json.loads(out)["sent"]) == (0, len(asked))
    assert '"sent": "R\\r"}' in recorder.file.read_text()
    rows, summary = messages(recorder.file, "-c", config)
    assert [row["value"] for row in rows] == [25.104] * 3 and not summary["refused"]


@pytest.mark.slow
@pytest.mark.parametrize("word", ["bus", "bus-b"])
def test_a_line_is_recorded(tmp_path, word):
    """All units of a port are asked, whichever is named; what is wrong with one is said, and the file is the line's."""
    config = tmp_path / "gateway.toml"
    units = {1: Unit(input={1: 201}), 2: Unit(input={1: 202}), 3: Unit(dead=True)}
    with modbus_line(units) as line:
        config.write_text(
            f'[[boards]]\nname = "bus"\nport = "{line.path}"\nbaud = 9600\nformat = "modbus"\nevery = "50ms"\n'
            'timeout = "100ms"\nunits = [{ id = 1, name = "a" }, { id = 2, name = "b" }, { id = 3, name = "c" }]\n'
            'registers = [{ name = "t", kind = "input", at = 1, factor = 0.1 }]\n'
        )
        with recording(tmp_path, word, "-c", config) as recorder:
            until(lambda: "bus-c: unit 3 does not answer" in recorder.said.read_text(), "it is said", 20)
            assert recorder.end()[0] == 0
    lines = [json.loads(one) for one in replay(recorder.file, "-c", config, "--json").stdout.splitlines()]
    assert {(one["board"], one["value"]) for one in lines if "value" in one} == {("bus-a", 20.1), ("bus-b", 20.2)}
    refused = {one["summary"]["board"]: set(one["summary"]["refused"]) for one in lines if "summary" in one}
    assert refused == {"bus-a": set(), "bus-b": set(), "bus-c": {"timeout"}}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "ended"), [(("--for", "400ms"), "for"), (("--for", "0.4"), "for"), (("--bytes", "4kB"), "bytes")]
)
def test_it_ends_by_itself(tmp_path, limit, ended):
    """After its time, or when the file is large enough."""
    with Board("plain", rate=200) as board, recording(tmp_path, board.path, "--json", *limit) as recorder:
        out, _ = recorder.process.communicate(timeout=20)
    assert recorder.process.returncode == 0
    assert json.loads(out)["ended"] == ended
    if ended == "bytes":
        assert 4000 <= recorder.file.stat().st_size < 8000


def test_a_kill_takes_nothing_along(tmp_path):
    """After kill -9 the file can be read, and has all that was seen in it before."""
    with Board("plain", rate=200) as board, recording(tmp_path, board.path) as recorder:
        until(lambda: len(recorder.data()) > 500, "it speaks")
        before = recorder.data()
        recorder.process.kill()
        recorder.process.wait(5)
    assert recorder.data().startswith(before)


def test_a_kill_between_question_and_answer(tmp_path):
    """After kill -9 the conversation so far is replayed; a question that had no answer yet is none that was missed."""
    config = tmp_path / "gateway.toml"
    with Answering(lambda question: b"25.104\r") as board:
        config.write_text(
            f'[[boards]]\nname = "b"\nport = "{board.path}"\nformat = "plain"\n'
            'ask = { question = "R\\r", every = "100ms", timeout = "30s" }\n'
        )
        with recording(tmp_path, "b", "-c", config) as recorder:
            until(lambda: recorder.data().count(b"\r") >= 3, "it has answered")
            board.trouble(*[SILENT] * 50)
            until(lambda: recorder.heard()[-1].sent, "it was asked, and says nothing")
            recorder.process.kill()
            recorder.process.wait(5)
    rows, summary = messages(recorder.file, "-c", config)
    assert len(rows) >= 3 and {row["value"] for row in rows} == {25.104}
    assert not summary["refused"] and summary["sent"] == len(rows) + 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["nobody", "-c", "{config}"], 2, 'has no board "nobody"; there are "bench", "every"; a port is given as'),
        (["bensh", "-c", "{config}"], 2, "did you mean 'bench'?"),
        (["every", "-c", "{config}"], 2, 'has the port "auto": give its path'),
        (["bench", "-c", "{config}x"], 78, "there is no such file"),
        (["/dev/null", "--for", "soon"], 2, "--for: a duration such as"),
        (["/dev/null", "--bytes", "1"], 2, "--bytes: a size such as"),
        (["/dev/null", "--serial", "9N1"], 2, "--serial: data bits"),
        (["socket://u:secret@host:1"], 2, "the port: host and port"),
        (["/dev/null", "-o", "{config}"], 1, "is there already and stays as it is"),
        (["/dev/null", "-o", "/proc/no/c"], 1, "cannot be written"),
        (["/dev/null", "--for", "100ms", "-o", "{new}"], 1, "/dev/null is no serial port"),
        (["/dev/none", "--for", "100ms", "-o", "{new}"], 1, "/dev/none is not there"),
    ],
)
def test_what_cannot_be_recorded(tmp_path, arguments, code, sentence):
    """Each ends in one sentence that says what is wrong and what to do; nothing is left behind."""
    config = tmp_path / "gateway.toml"
    config.write_text('[[boards]]\nname = "bench"\nport = "/dev/null"\n[[boards]]\nname = "every"\nport = "auto"\n')
    command = [one.format(config=config, new=tmp_path / "new.jsonl") for one in arguments]
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "record", *command], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == code
    assert sentence in done.stderr and "Traceback" not in done.stderr and "secret" not in done.stderr
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.slow
def test_progress_on_a_terminal(tmp_path):
    """On a terminal it shows how far it is, on one line that it writes over."""
    main, other = pty.openpty()
    with Board("plain", rate=100) as board:
        command = [
            sys.executable,
            "-m",
            "gateway",
            "record",
            board.path,
            "-o",
            str(tmp_path / "c.jsonl"),
            "--for",
            "2s",
        ]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=other) as process:
            process.wait(20)
    os.close(other)
    shown = os.read(main, 100_000)
    os.close(main)
    assert shown.count(b"\r\x1b[K") >= 3 and b"Ctrl-C ends it" in shown
    assert b"\n" not in shown.rstrip()


def test_a_recording_becomes_a_golden_test(tmp_path):
    """Recorded, replayed, and put beside its expected readings: the golden tests take the folder as it is."""
    values = [f"{20 + i / 4:.2f}" for i in range(40)]
    with (
        Board("csv", sensors=2, rate=200, values=values, most=20) as board,
        recording(tmp_path, board.path) as recorder,
    ):
        board.wait_done()
        until(lambda: recorder.data().count(b"\n") >= 20, "all is in the file")
        assert recorder.end()[0] == 0
    rows, summary = messages(recorder.file, "--format", "csv")
    assert [row["value"] for row in rows] == [float(value) for value in values]
    case = tmp_path / "bench"
    case.mkdir()
    recorder.file.rename(case / "capture.jsonl")
    (case / "board.toml").write_text('name = "bench"\nport = "/dev/ttyUSB0"\nformat = "csv"\n')
    noise = [{"noise": line.decode()} for line in test_formats.captured(case)[0].split(b"\r\n")[: summary["noise"]]]
    readings = [{key: row[key] for key in ("sensor", "value", "unit")} for row in rows]
    (case / "expected.jsonl").write_text("".join(json.dumps(one) + "\n" for one in [*noise, *readings]))
    test_formats.test_golden(case, tmp_path)
    test_formats.test_finds_its_feet_again(case, tmp_path)
    (case / "expected.jsonl").write_text(json.dumps(readings[0]) + "\n")
    with pytest.raises(AssertionError):
        test_formats.test_golden(case, tmp_path)

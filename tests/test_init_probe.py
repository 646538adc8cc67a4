"""`gateway init --probe`: a first configuration with what is on the ports that are there."""

import json
import os
import subprocess
import sys

import pytest

from gateway.commands.first import Listening, first
from gateway.config import load, problems
from gateway.ingest.identity import Holder, SerialPort
from simulators import Board
from simulators.modbus import Unit, modbus_line

from .street import ROOT, configuration, running, until


@pytest.fixture
def there(monkeypatch):
    """The ports that there are: [(path, description, holder)]."""
    ports = []
    monkeypatch.setattr(
        "gateway.commands.first.serial_ports",
        lambda: [SerialPort(path, path, what, True, holder, None) for path, what, holder in ports],
    )
    return ports


@pytest.mark.slow
def test_what_is_found_is_written(tmp_path, there):
    """A board that speaks gets its rate and format; one that is silent, held or gone its place, and why it is empty.
    `check` has nothing to say of it.
    """
    target = tmp_path / "gateway.toml"
    with Board(kind="kv", baud=9600, rate=5.0) as speaks, Board(lines=iter(())) as silent:
        paths = speaks.path, silent.path
        there += [
            (speaks.path, "an Uno", None), (silent.path, "silent", None),
            ("/dev/ttyX0", "held", Holder(17, "minicom")), ("/dev/ttyX1", "gone", None),
        ]  # fmt: skip
        assert first(str(target), listening=Listening(5.0)) == 0
        assert silent.read() == speaks.read() == b"", "nothing is written to a board"
    text = target.read_text()
    assert problems(text) == []
    assert [(board.port.path, board.port.baud, board.format) for board in load(target).boards] == [
        (paths[0], 9600, "kv"), (paths[1], 115_200, "auto"), ("/dev/ttyX0", 115_200, "auto"),
        ("/dev/ttyX1", 115_200, "auto"),
    ]  # fmt: skip
    assert "# an Uno\n# found by listening: kv, 9600 baud\n[[boards]]" in text
    assert "# silent\n# it said nothing; `gateway probe PORT --ask` asks it\n[[boards]]" in text
    assert "# not listened to, as minicom (pid 17) has it open\n" in text
    assert "# not listened to: /dev/ttyX1 is not there" in text


@pytest.mark.slow
def test_units_that_answer_are_written(tmp_path, there):
    """With `ask` a line of Modbus gets its tables, a unit each, which are good as they stand."""
    units = {1: Unit(input={1: 305, 2: 546}), 3: Unit(input={1: 215, 2: 600}), 4: Unit(holding={0: 231, 1: 7})}
    target = tmp_path / "gateway.toml"
    with modbus_line(units, baud=9600) as line:
        there.append((line.path, "an adapter", None))
        assert first(str(target), listening=Listening(ask=True)) == 0
    name = os.path.basename(line.path)
    assert [board.name for board in load(target).boards] == [f"{name}-1", f"{name}-3", f"{name}-2-4"]
    assert "# found by asking: xy-md02, 9600 baud; modbus, 9600 baud\n" in target.read_text()


def test_what_is_written_runs(tmp_path, there, mosquitto, judge, capsys):
    """The tables, with the broker's address, are read by `run` as they stand; --json says what was found."""
    with Board(kind="csv", baud=57_600, rate=10.0) as board:
        there.append((board.path, "a board", None))
        assert first("-", as_json=True, listening=Listening(15.0)) == 0
        document = json.loads(capsys.readouterr().out)
        assert document["probed"] == {board.path: "found by listening: csv, 57600 baud"}
        text = document["text"]
        text = text[text.index("# a board\n") :]
        with running(tmp_path, configuration(mosquitto.port, {}, text)) as gateway:
            until(lambda: judge.features, "readings", 30)
            assert gateway.stop() == 0


def test_a_file_that_is_there_stays(tmp_path, there, capsys):
    """It is said at once, before any port is opened."""
    target = tmp_path / "gateway.toml"
    target.write_text("mine")
    with Board(kind="kv", baud=9600) as board:
        there.append((board.path, "a board", None))
        assert first(str(target), listening=Listening(10.0)) == 1
        assert not board.has_reader and not board.had_reader
    assert target.read_text() == "mine"
    assert "is there already and stays as it is" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--ask"], ["--for", "3"]])
def test_wrong_use(option, tmp_path):
    """What only a probe needs is refused without one."""
    command = [sys.executable, "-m", "gateway", "init", "-o", str(tmp_path / "g.toml"), *option]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])
    assert "go with --probe" in done.stderr

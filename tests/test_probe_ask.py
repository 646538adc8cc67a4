"""`gateway probe --ask` on pseudo-terminals: Modbus lines at their own rate, boards of text, and unknown ports."""

import json
import os
import pty
import socketserver
import subprocess
import sys
import threading
import tomllib

import pytest

from gateway.commands.answers import outcome
from gateway.config import load, problems
from gateway.ingest.finding.probing import Found
from simulators import Board
from simulators.answering import Answering
from simulators.modbus import Unit, answer, modbus_line
from tests.asked_rig import reading
from tests.street import ROOT
from tests.test_probe import probed

METER = Unit(input={1: 305, 2: 546})  # an XY-MD02


@pytest.mark.slow
@pytest.mark.parametrize("baud", [9600, 19_200, 115_200])
def test_a_modbus_board_is_found(baud):
    """Unit 1 on a line that carries one rate alone: that rate, its preset, values, and a table that is good.

    How long that takes is held without a clock (test_survey.py): here one late answer costs another round.
    """
    with modbus_line({1: METER}, baud=baud) as line:
        code, found, _, said = probed(line.path, "--ask")
        path = line.path
    assert (code, said) == (0, "")
    assert (found["format"], found["baud"], found["serial"], found["preset"]) == ("modbus", baud, "8N1", "xy-md02")
    assert found["samples"] == [{"sensor": "temperature", "value": 30.5, "unit": "°C", "count": None, "unit_id": 1}]
    assert problems(found["table"]) == []
    assert tomllib.loads(found["table"])["boards"] == [
        {"name": path.rsplit("/", 1)[1], "port": path, "baud": baud, "preset": "xy-md02", "unit_id": 1}
    ]


@pytest.mark.slow
async def test_the_tables_of_several_units_work_unchanged(tmp_path):
    """Units of two kinds on one line: two tables on one port, by which the gateway reads them as they stand."""
    units = {1: METER, 2: Unit(holding={0: 231, 1: 7}), 4: METER}
    with modbus_line(units, baud=19_200) as line:
        code, found, _, _ = probed(line.path, "--ask", "--units", "4")
        assert code == 0
        file = tmp_path / "gateway.toml"
        file.write_text(found["table"])
        boards = load(file).boards
        name = line.path.rsplit("/", 1)[1]
        assert [board.name for board in boards] == [f"{name}-1", f"{name}-4", f"{name}-2"]
        async with reading(*boards) as rig:
            for board in boards:
                await rig.more(board.name, 1)
            assert {rig.values(board.name)[0] for board in boards} == {30.5, 23.1}


@pytest.mark.slow
def test_registers_of_no_preset_are_shown_with_guesses():
    """For people: what each register gave, what of it could be a temperature, and that this is a guess."""
    with modbus_line({1: Unit(input={0: 215, 1: 3})}, baud=9600) as line:
        done = subprocess.run(
            [sys.executable, "-m", "gateway", "probe", line.path, "--ask", "--units", "1"],
            cwd=ROOT, capture_output=True, text=True, timeout=40,
        )  # fmt: skip
    assert done.returncode == 0
    assert "input     0    215  int16 × 0.1: could be 21.5 °C\n" in done.stdout
    assert "input     1      3\n" in done.stdout
    assert "is a guess" in done.stdout
    assert problems(done.stdout[done.stdout.index("[[boards]]") :]) == []


@pytest.mark.slow
def test_a_unit_without_a_temperature_is_told_of():
    """Registers that hold none give no table, and what to do is said."""
    with modbus_line({1: Unit(holding={0: 1, 1: 2})}, baud=9600) as line:
        code, found, _, _ = probed(line.path, "--ask", "--units", "1")
    assert (code, found["table"], found["units"][0]["registers"]) == (
        1, None, [{"kind": "holding", "at": 0, "raw": 1}, {"kind": "holding", "at": 1, "raw": 2}],
    )  # fmt: skip


@pytest.mark.slow
def test_a_board_that_is_asked_by_text_is_found():
    """An EZO-RTD at a given rate, that has heard questions of others before: its preset, and a table that is good."""

    def ezo(question):
        return {b"R\r": b"25.104\r*OK\r", b"C,0\r": b"*OK\r"}.get(question, b"*ER\r")

    with Answering(ezo, baud=9600) as board:
        code, found, _, _ = probed(board.path, "--ask", "--baud", "9600", within=75.0)
    assert (code, found["preset"], found["baud"]) == (0, "ezo-rtd-ask", 9600)
    assert {one["value"] for one in found["samples"]} == {25.104}
    assert problems(found["table"]) == []


@pytest.mark.slow
@pytest.mark.parametrize("said", [b"", b"\x07\x99what?"])
def test_silence_and_garbage_are_said_to_be_unknown(said):
    """Nothing is made up: what was asked is said, and what came."""
    with Answering(lambda question: said, cut=lambda written: (written, b"")) as board:
        done = subprocess.run(
            [sys.executable, "-m", "gateway", "probe", board.path, "--ask", "--for", "4", "--baud", "9600"],
            cwd=ROOT, capture_output=True, text=True, timeout=40,
        )  # fmt: skip
    assert done.returncode == 1
    assert "nothing answered: neither Modbus units 1 to 8, nor a board that is asked by text" in done.stdout
    assert ("what came at 9600 baud 8N1 was no answer: 07 99 77 68 61 74 3f" in done.stdout) is bool(said)
    assert "[[boards]]\n" not in done.stdout


@pytest.mark.parametrize("text", [b"ERR 01\r\n", b'-113,"Undefined header"\n', b"?\r\n> "])
def test_what_is_said_in_text_is_shown_as_text(text):
    """A question that is no board's own, and is answered in text: that text with its rate, and what to do; no hex."""
    unasked = {(9600, "8N1"): b"\x00\x9f\xfe" * 3, (115_200, "8N1"): 2 * text}
    said, known = outcome(Found("/dev/ttyX", 9600, "8N1", None, unasked=unasked), 8, as_json=False)
    shown = repr((2 * text).decode())[1:-1]
    assert not known
    assert f'what came at 115200 baud 8N1 was no answer, but is text: "{shown}"\nand something at 1 other' in said
    assert '"Boards that must be asked" in docs/formats.md' in said
    assert "9600 baud" not in said and "nothing came;" not in said


@pytest.mark.parametrize("unasked, hint", [(None, True), ({}, False)])
def test_what_was_asked_is_not_told_to_ask(unasked, hint):
    """Where nothing came, --ask is named to those alone who have not asked."""
    said, _ = outcome(Found("/dev/ttyX", 9600, "8N1", None, unasked=unasked), 8, as_json=False)
    assert "nothing came; does the board run" in said
    assert ("`gateway probe PORT --ask` asks some" in said) is hint


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--ask",)])
def test_nothing_is_written_without_the_flag_or_where_somebody_speaks(options):
    """Without --ask a silent board gets not a byte; with it, a board that speaks gets none either and is found."""
    with Board(kind="csv", baud=9600, rate=5.0) if options else Board(lines=iter(())) as board:
        code, found, _, _ = probed(board.path, "--for", "8" if options else "3", *options)
        assert board.read() == b""
    assert (code, found["format"]) == ((0, "csv") if options else (1, None))


@pytest.mark.slow
def test_a_unit_behind_a_serial_server():
    """A server has a rate of its own: none is said, and the table needs none."""

    class Server(socketserver.BaseRequestHandler):
        def handle(self):
            while question := self.request.recv(64):
                self.request.sendall(answer({1: METER}, question))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Server) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"socket://127.0.0.1:{server.server_address[1]}"
        code, found, _, _ = probed(url, "--ask", "--units", "1")
        server.shutdown()
    assert (code, found["baud"], found["preset"]) == (0, None, "xy-md02")
    assert problems(found["table"]) == []
    assert "baud" not in found["table"]


@pytest.mark.slow
def test_progress_is_shown_on_a_terminal():
    """On a terminal each step is told as it begins."""
    master, slave = pty.openpty()
    with modbus_line({1: METER}, baud=9600) as line:
        done = subprocess.run(
            [sys.executable, "-m", "gateway", "probe", line.path, "--ask", "--units", "1"],
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=slave, timeout=40,
        )  # fmt: skip
    os.close(slave)
    told = os.read(master, 4096).decode()
    os.close(master)
    assert done.returncode == 0
    assert "asking Modbus unit 1 at 9600 baud 8N1" in told


def test_units_without_asking_is_wrong_use():
    """--units says of whom to ask, and without --ask nobody is asked."""
    command = [sys.executable, "-m", "gateway", "probe", "/dev/ttyX", "--units", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert json.dumps(done.stderr).count("\\n") == 1

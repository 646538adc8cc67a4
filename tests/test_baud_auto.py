"""`baud = "auto"` in a gateway that runs: the rate is found, told, remembered, and found again when it has changed."""

import json
import subprocess
import sys

import pytest

from gateway import remembered
from gateway.config import load, problems
from simulators import Board

from .street import ROOT, configuration, running, until
from .test_street import check_ledger, check_sequences

AUTO = 'baud = "auto"'
STRUCT = (
    'format = "struct"\nframing = "fixed"\nsize = 4\nmagic = "aa"\nfields = [{ name = "t", at = 1, type = "u8" }]\n'
)
UNASKED = (
    'boards[0].baud: "auto" is found by listening, and this board says nothing unless it is asked; give the rate, '
    "`gateway probe PORT --ask` finds it"
)
SUM = 'crc = { name = "CRC-8/MAXIM-DOW", at = -1, over = [0, -1] }'
TOO_LONG = 'boards[0].baud: "auto" needs frames of at most 3200 bytes, and these have 3201; give the rate'
FOOLED = 'boards[0].baud: "auto" cannot tell frames by "XOR-8" alone; give magic, or the rate'
UNCHECKED = 'boards[0].baud: "auto" needs frames that can be told from garbage by a checksum; give crc, or the rate'


def told(gateway, name):
    return [event for event in gateway.events() if event["event"] == name]


@pytest.mark.slow
def test_a_rate_is_found_and_found_again(tmp_path, mosquitto, judge):
    """A board at 19200 baud, and at 9600 after a while: its readings come, the log and the status say the rate and
    how often it has changed, and the ledger balances all the while.
    """
    with Board("kv", baud=19_200, rate=20.0, sensors=2) as board:
        with running(tmp_path, configuration(mosquitto.port, {"b": board.path}, each=AUTO)) as gateway:
            until(lambda: len(judge.of("b", "T1")) > 10, "readings at the first rate", 30)
            assert [event["baud"] for event in told(gateway, "board.tuned")] == [19_200]
            until(lambda: judge.documents["gateway/gw/b/status"]["baud"] == 19_200, "the status has the rate")
            board.fault("baud", 9600)
            until(lambda: told(gateway, "board.seeking"), "the change is noticed", 40)
            until(lambda: len(told(gateway, "board.tuned")) == 2, "the new rate is found", 30)
            before = len(judge.of("b", "T1"))
            until(lambda: len(judge.of("b", "T1")) > before + 10, "readings at the new rate", 20)
            status = until(
                lambda: (found := judge.documents["gateway/gw/b/status"])["baud"] == 9600 and found, "the status has it"
            )
            assert (status["retuned"], status["state"]) == (1, "online")
            until(lambda: not judge.documents["gateway/gw/b/status"]["faults"], "all faults are over", 20)
            assert gateway.stop() == 0
    until(lambda: judge.documents["gateway/gw/status"]["state"] == "offline", "the last document")
    assert check_ledger(judge)["noise"] > 0
    check_sequences(judge)
    sent = {row["value"] for row in judge.of("b", "T1")}
    assert len(sent) > 2 and max(abs(value) for value in sent) < 200, "no garbage was taken for a reading"
    assert json.loads((tmp_path / "state/rates").read_text()) == {"b": 9600}


def test_a_restart_begins_with_the_remembered_rate(tmp_path, mosquitto, judge):
    """After a restart not a line is heard at another rate: all that the board wrote since is read."""
    with Board("csv", baud=57_600, rate=20.0) as board:
        text = configuration(mosquitto.port, {"b": board.path}, each=AUTO)
        with running(tmp_path, text) as gateway:
            until(lambda: judge.features, "readings", 30)
            assert gateway.stop() == 0
        damaged = board.written.damaged
        before = len(judge.features)
        with running(tmp_path, text) as gateway:
            until(lambda: len(judge.features) > before + 10, "readings again", 30)
            assert gateway.stop() == 0
        assert board.written.damaged == damaged


@pytest.mark.slow
def test_a_binary_board_is_found_by_its_checksum(tmp_path, mosquitto, judge):
    """Frames are looked for at each rate, and garbage is none."""
    from simulators.kinds import KINDS

    with Board("fixed", baud=38_400, rate=50.0) as board:
        text = configuration(mosquitto.port, {"b": board.path}, each=f"{AUTO}\n{KINDS['fixed'].needs}")
        with running(tmp_path, text) as gateway:
            until(lambda: len(judge.of("b", "T1")) > 10, "readings", 60)
            assert [event["baud"] for event in told(gateway, "board.tuned")] == [38_400]
            assert gateway.stop() == 0


@pytest.mark.parametrize(
    ("keys", "refused"),
    [
        ("", None),
        ('format = "csv"', None),
        ('format = "regex"\npattern = \'(?P<value>\\S+) C\'', None),
        (STRUCT + SUM, None),
        (STRUCT, UNCHECKED),
        (STRUCT + 'crc = "XOR-8"', None),
        (STRUCT.replace('magic = "aa"\n', "") + 'crc = "XOR-8"', FOOLED),
        (STRUCT.replace('magic = "aa"\n', "") + 'crc = { name = "XOR-8" }', FOOLED),
        (STRUCT.replace('magic = "aa"\n', "") + SUM, None),
        (STRUCT.replace("size = 4", "size = 3200") + SUM, None),
        (STRUCT.replace("size = 4", "size = 3201") + SUM, TOO_LONG),
        ('format = "modbus"\nunit_id = 1\nregisters = [{ name = "t", at = 1 }]', UNASKED),
        ('format = "plain"\nask = { question = "R\\r" }', UNASKED),
    ],
)  # fmt: skip
def test_check_takes_it_where_garbage_can_be_told(keys, refused):
    """Any text, and binary frames with a checksum; what cannot be told from garbage is refused in one sentence."""
    text = f'[[boards]]\nname = "b"\nport = "/dev/ttyX0"\n{AUTO}\n{keys}\n'
    assert problems(text) == ([refused] if refused else [])


def test_a_serial_server_has_its_own_rate():
    """Nothing here can change it."""
    text = f'[[boards]]\nname = "b"\nport = "socket://127.0.0.1:4000"\n{AUTO}\n'
    assert problems(text) == [
        'boards[0].baud: "auto" cannot be of a serial server, which has its own rate; take baud out'
    ]


def test_check_and_record_say_auto(tmp_path):
    """The plan says that the rate is found; a capture is of one rate, so `record` asks for it."""
    file = tmp_path / "gateway.toml"
    file.write_text(f'[gateway]\nid = "g"\n[[boards]]\nname = "b"\nport = "/dev/ttyX0"\n{AUTO}\n')
    assert load(file).boards[0].port.baud == 0
    command = [sys.executable, "-m", "gateway", "check", "-c", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "/dev/ttyX0, auto 8N1, " in done.stdout
    command = [sys.executable, "-m", "gateway", "record", "b", "-c", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert 'the board "b" has baud = "auto", and a capture is of one rate: give that with --baud' in done.stderr


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"b": "x", "c": 3, "d": true, "e": 9600}', "[" * 100_000])
def test_what_is_remembered_is_never_believed_blindly(tmp_path, text):
    """A file that somebody else has written gives rates that there are, or nothing."""
    (tmp_path / "rates").write_text(text)
    assert remembered.rates(tmp_path) in ({}, {"e": 9600})
    assert remembered.rates(tmp_path / "nowhere") == {}

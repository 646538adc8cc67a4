"""`gateway probe` on boards that talk, that are silent, that talk rubbish, and on ports that cannot be had."""

import json
import re
import subprocess
import sys
import time
import tomllib
from itertools import repeat

import pytest

from gateway.config import preset, problems
from gateway.config.presets import NONE
from simulators import Board
from tests.street import ROOT


def probed(path, *options, within=30.0):
    """(exit code, document, seconds, what was said on standard error)."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "probe", path, "--json", *options],
        cwd=ROOT, capture_output=True, text=True, timeout=within,
    )  # fmt: skip
    took = time.monotonic() - began
    return done.returncode, json.loads(done.stdout) if done.stdout else None, took, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "format", "baud"),
    [
        ("plain", "plain", 9600), ("csv", "csv", 115_200), ("csv-de", "csv", 19_200), ("kv", "kv", 57_600),
        ("json", "json", 4800), ("json-one", "json", 38_400), ("plain-label", "plain", 1200), ("nmea", "nmea", 4800),
        ("regex", "regex", 9600), ("block", "block", 9600),
    ],
)  # fmt: skip
def test_a_board_is_found(kind, format, baud):
    """With no option: its rate, its format, samples with units, and a table that `check` accepts."""
    with Board(kind=kind, baud=baud, rate=5.0, sensors=3) as board:
        path = board.path
        code, found, took, said = probed(path)
    assert (code, said) == (0, "")
    assert (found["format"], found["baud"], found["serial"], found["preset"]) == (format, baud, "8N1", None)
    assert found["confidence"] > 0.8
    assert 3 <= len(found["samples"]) <= 10
    assert {one["unit"] for one in found["samples"]} == {"°C"}
    assert took < 10
    assert problems(found["table"]) == []
    table = tomllib.loads(found["table"])["boards"][0]
    assert (table["port"], table["baud"], table["format"]) == (path, baud, format)


@pytest.mark.slow
def test_a_known_board_is_named():
    """A board of which there is a preset is told with its name, and its table needs no more."""
    known = preset("emontx4", NONE)
    with Board(lines=repeat(known.samples[0].data), baud=115_200, rate=5.0) as board:
        code, found, _, said = probed(board.path)
    assert (code, said) == (0, "")
    assert (found["preset"], found["format"]) == ("emontx4", "kv")
    assert {(one["sensor"], one["count"]) for one in found["samples"]} == {("T1", 12), ("T2", 12)}
    assert problems(found["table"]) == []
    assert 'preset = "emontx4"' in found["table"]


@pytest.mark.slow
def test_a_rate_that_is_given_is_the_only_one():
    """Listened to at the wrong rate only, a board is not found, and what came is said."""
    with Board(kind="csv", baud=9600, rate=20.0) as board:
        code, found, _, _ = probed(board.path, "--baud", "115200", "--for", "1")
    assert code == 1
    assert (found["format"], found["table"], list(found["heard"])) == (None, None, ["115200"])
    assert found["heard"]["115200"]["text"] < 0.9


@pytest.mark.slow
@pytest.mark.parametrize("rubbish", [bytes(range(128, 256)) * 4, b"\x00" * 200, b"no value in here, only words\r\n"])
def test_rubbish_is_said_to_be_unknown(rubbish):
    """It says that it does not know, and what it saw; it makes nothing up."""
    with Board(lines=repeat(rubbish), rate=10.0, baud=115_200) as board:
        path = board.path
        done = subprocess.run(
            [sys.executable, "-m", "gateway", "probe", board.path, "--for", "3"],
            cwd=ROOT, capture_output=True, text=True, timeout=30,
        )  # fmt: skip
    assert done.returncode == 1
    assert "no format is known that reads this" in done.stdout
    assert re.search(r"at \d+ baud \d+ bytes, \d+ % of them text", done.stdout)
    assert "[[boards]]\n" not in done.stdout
    assert f"`gateway record {path} --baud " in done.stdout and "docs/formats.md" in done.stdout
    assert re.search('format = "(regex|struct)"', done.stdout)


@pytest.mark.slow
def test_numbers_that_say_nothing_are_said_to_be_a_guess():
    """Of rows without a word it says that they may be something else; of named ones it does not."""
    for kind, told in (("csv", True), ("kv", False)):
        with Board(kind=kind, baud=9600, rate=5.0) as board:
            done = subprocess.run(
                [sys.executable, "-m", "gateway", "probe", board.path, "--baud", "9600"],
                cwd=ROOT, capture_output=True, text=True, timeout=30,
            )  # fmt: skip
        assert ("nothing in these lines says that its numbers are temperatures" in done.stdout) is told


@pytest.mark.slow
def test_silence_is_said():
    """Nothing comes: it says so, and what may be the cause."""
    with Board() as board:
        code, found, took, _ = probed(board.path, "--for", "1")
        assert board.read() == b"", "nothing is written to a board"
    assert (code, found["heard"], found["confidence"]) == (1, {}, 0.0)
    assert took < 20, "it listens no longer than it was told to, and starts and ends"


@pytest.mark.slow
def test_a_port_that_is_not_there_or_held(tmp_path):
    """One sentence on standard error, and exit code 1."""
    code, found, _, said = probed(str(tmp_path / "ttyX"))
    assert (code, found) == (1, None)
    assert said.startswith("gateway: ") and said.count("\n") == 1
    with Board(kind="csv") as board, subprocess.Popen(
        [sys.executable, "-m", "gateway", "probe", board.path, "--baud", "9600", "--for", "20"],
        cwd=ROOT, stdout=subprocess.DEVNULL,
    ) as holder:  # fmt: skip
        try:
            board.wait_reader(10)
            code, _, _, said = probed(board.path)
        finally:
            holder.terminate()
    assert code == 1
    assert f"pid {holder.pid}" in said


def test_the_table_works_unchanged(tmp_path):
    """What probe prints, in a configuration of its own, is checked and read by `run` as it stands."""
    with Board(kind="kv", baud=9600, rate=5.0) as board:
        _, found, _, _ = probed(board.path)
        file = tmp_path / "gateway.toml"
        file.write_text(found["table"])
        done = subprocess.run(
            [sys.executable, "-m", "gateway", "check", "-c", str(file), "--json"],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0
    assert json.loads(done.stdout)["ok"] is True

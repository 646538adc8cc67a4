"""`gateway replay`: times, counts and speed are the capture's, boards and features the configuration's."""

import subprocess
import sys

import pytest

from tests.replays import capture, messages, replay, said

from .street import ROOT


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


def test_a_capture_has_its_alarms(tmp_path):
    """Readings are marked as in a live run, by the capture's clock; those by which an alarm begins or ends are sent."""
    file = capture(tmp_path, *said(*(f"{value}\n" for value in (20, 72, 72, 72, 69, 20)), every=60))
    config = tmp_path / "gateway.toml"
    config.write_text(
        '[mqtt]\nevery = "1d"\n[[boards]]\nname = "b"\nport = "/dev/x"\n'
        '[[sensors]]\nmatch = "*"\nalarm = { above = 71, clear = 2, for = "2m" }\n'
    )
    rows, summary = messages(file, "-c", config)
    assert [(row["seq"], row.get("alarm")) for row in rows] == [(1, None), (4, "above"), (5, None)]
    assert summary["condensed"] == 3


@pytest.mark.slow
def test_what_is_no_reading_neither_begins_nor_ends_an_alarm(tmp_path):
    """NaN, a board's mark for no value, and what is dropped as out of range; one that is flagged counts as measured."""
    lines = ("72", "nan", "-127", "1e9", "72", "20", "900", "20")
    file = capture(tmp_path, *said(*(f"{value}\n" for value in lines), every=30))
    config, told = tmp_path / "gateway.toml", []
    for what in ("drop", "flag"):
        config.write_text(
            '[[boards]]\nname = "b"\nport = "/dev/x"\nformat = "plain"\nnone = [-127]\nrange = [0, 800]\n'
            f'out_of_range = "{what}"\n[[sensors]]\nmatch = "*"\nalarm = {{ above = 71, for = "2m" }}\n'
            '[[sensors]]\nmatch = "*"\nalarm = { above = 71, for = "1m" }\n'
        )
        rows, _ = messages(file, "-c", config)
        told.append([(row["value"], row.get("alarm")) for row in rows])
    assert told == [
        [(72, None), (72, "above"), (20, None), (20, None)],
        [(72, None), (1e9, "above"), (72, "above"), (20, None), (900, None), (20, None)],
    ]


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

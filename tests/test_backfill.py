"""`gateway backfill`, run as its users run it: rows equal to a replay's messages, each once, whatever happens."""

import contextlib
import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .backfills import check_alike, here, processes, rows, table
from .replays import HEAD, messages, replay, said
from .street import ROOT

pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
import pyarrow.parquet as pq

from gateway.backfill.ahead import ahead
from gateway.backfill.crew import Crew, Hand
from gateway.backfill.mark import marked
from gateway.backfill.setting import by
from gateway.backfill.summary import Progress, Summary
from gateway.backfill.table import Part, Parts, Row, batch, days, place
from gateway.backfill.worker import worked
from gateway.cli import run
from gateway.compute.archive import Archive
from gateway.ingest.capture.file import CaptureError
from gateway.ingest.capture.lines import Header
from gateway.model import Plan, Sample

give = Hand.give

CONFIG = """
[gateway]
id = "g"
[[boards]]
name = "b"
port = "/dev/x"
format = "csv"
columns = ["air", "water"]
range = [-10, 30]
[[sensors]]
match = "b/water"
name = "bath"
offset = 0.5
use = ["median", "slope", "ewma"]
alarm = { above = 22, clear = 1 }
[features]
window = "20s"
use = ["mean", "std", "min", "max", "rate"]
"""
LINES = [f"{20 + k % 7 / 10},{19 + k % 50 / 10}\r\n" for k in range(600)]


@pytest.fixture
def backfill(monkeypatch):
    """The command in this process; gives what it says on standard error."""
    return lambda *arguments, code=0: here(monkeypatch, *arguments, code=code)[1]


@pytest.fixture
def summary(monkeypatch):
    """The same; gives what `--json` says."""
    return lambda *arguments, code=0: json.loads(here(monkeypatch, *arguments, "--json", code=code)[0])


def capture(file, *lines, **head):
    """A capture of these lines."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(one) + "\n" for one in ({**HEAD, **head}, *lines)))
    return file


def configuration(folder, text=CONFIG):
    """A file with it."""
    file = folder / "gateway.toml"
    file.write_text(text)
    return file


def test_rows_are_the_messages_of_a_replay(tmp_path, summary):
    """Values, features, quality, n, alarm and time; over midnight too; noise and refused lines are in the ledger."""
    config, out = configuration(tmp_path), tmp_path / "out"
    lines = said(*LINES[:200], "nonsense\r\n", "999,20\r\n", "\r\n", "21,22,23,24\r\n", *LINES[200:], every=0.5)
    file = capture(tmp_path / "c.jsonl", *lines, started="2026-11-24T23:58:00Z")
    told = summary(file, "-o", out, "-c", config)
    expected, account = messages(file, "-c", config)
    found = rows(out)
    assert len(found) == len(expected) == told["rows"] == told["readings"]
    for message in expected:
        check_alike(found[message["board"], message["sensor"], message["seq"]], message)
    for key in ("frames", "decoded", "noise", "refused", "values", "refused_values", "readings"):
        assert told[key] == told["files"][0]["boards"]["b"][key] == account[key]
    assert told["frames"] == told["decoded"] + told["noise"] + sum(told["refused"].values())
    assert {message.get("alarm") for message in expected} == {None, "above"}
    assert sorted(one.name for one in out.glob("day=*")) == ["day=2026-11-24", "day=2026-11-25"]


def test_the_columns_are_what_the_page_says(tmp_path, backfill):
    """Types, units of time, nulls for what has no value; and the folders say day and board."""
    out = tmp_path / "out"
    backfill(capture(tmp_path / "c.jsonl", *said(*LINES[:3])), "-o", out, "-c", configuration(tmp_path))
    found = table(out)
    assert [str(field.type).partition("<")[0] for field in found.schema] == [
        "dictionary", "dictionary", "dictionary", "int64", "timestamp[ms, tz=UTC]", "double", "dictionary",
        "dictionary", "int64", "int64", *["double"] * 10, "dictionary", "date32[day]", "string",
    ]  # fmt: skip
    assert found.schema.names[10:20] == [
        "normalized", "feature", "mean", "std", "min", "max", "rate", "median", "slope", "ewma",
    ]  # fmt: skip
    first = rows(out)["b", "air", 1]
    assert (first["rate"], first["median"], first["alarm"], first["count"], first["gateway"]) == (None,) * 4 + ("g",)


def test_a_window_goes_on_over_files(tmp_path, backfill):
    """Where a capture begins at the end of the one before, rows are those of one long capture; after a pause, time has
    passed.
    """
    config, lines = configuration(tmp_path), said(*LINES)
    whole = capture(tmp_path / "whole.jsonl", *lines)
    parts = tmp_path / "parts"
    for number, first in enumerate((0, 150, 400)):
        last, seconds = (150, 400, 600)[number], 46 + first
        some = [{**one, "at": one["at"] - first} for one in lines[first:last]]
        started = f"2026-11-24T05:{48 + seconds // 60}:{seconds % 60:02d}Z"
        capture(parts / f"{9 - number}.jsonl", *some, started=started)  # their names say nothing
    backfill(whole, "-o", tmp_path / "one", "-c", config)
    backfill(parts, "-o", tmp_path / "three", "-c", config)
    one, three = rows(tmp_path / "one"), rows(tmp_path / "three")
    assert one.keys() == three.keys()
    for key, row in one.items():
        for name, value in row.items():
            alike = isinstance(value, float) and three[key][name] == pytest.approx(value, rel=1e-12)
            assert alike or three[key][name] == value, (key, name)


def test_it_goes_on_with_what_is_new(tmp_path, backfill, summary):
    """A second backfill reads what came since; what was done is left out, copies too; a capture that grew is told."""
    config, out, folder = configuration(tmp_path), tmp_path / "out", tmp_path / "captures"
    lines = said(*LINES[:50])
    first = capture(folder / "1.jsonl", *lines)
    capture(folder / "copy.jsonl", *lines)
    assert (summary(folder, "-o", out, "-c", config)["captures"], len(rows(out))) == (1, 100)
    capture(folder / "2.jsonl", *lines, started="2026-11-24T05:50:00Z")
    told = summary(folder, "-o", out, "-c", config)
    assert (told["captures"], told["skipped"], len(told["copies"]), len(rows(out))) == (1, 1, 1, 200)
    with first.open("a") as file:
        file.write(json.dumps({"at": 60.0, "text": "1,2\r\n"}) + "\n")
    assert "has grown since it was read" in backfill(folder, "-o", out, "-c", config, code=1)
    assert len(rows(out)) == 200


def test_what_cannot_be_done_is_said_and_the_rest_is_done(tmp_path, summary):
    """A damaged capture ends its board's chain before it, and goes on once it is mended; others do not mind."""
    config = configuration(tmp_path, CONFIG + '[[boards]]\nname="k"\nport="/dev/y"\n')
    out, folder = tmp_path / "out", tmp_path / "c"
    good = said(*LINES[:20])
    capture(folder / "1.jsonl", *good)
    bad = capture(folder / "2.jsonl", *good, {"at": 1.0, "text": "back in time"}, started="2026-11-24T06:00:00Z")
    capture(folder / "3.jsonl", *good, started="2026-11-24T07:00:00Z")
    capture(folder / "k.jsonl", *said("21.5\n"), board="k")
    capture(folder / "z.jsonl", *said("21.5\n"), board="z")
    (folder / "no.jsonl").write_text("{}\n")
    told = summary(folder, "-o", out, "-c", config, code=1)
    whys = " ".join(one["why"] for one in told["failed"])
    assert (told["captures"], len(told["failed"])) == (2, 3)
    for part in ("line 22", "goes back in time", 'has no board "z"', "is no capture"):
        assert part in whys
    assert {(key[0], row["time"].hour) for key, row in rows(out).items()} == {("b", 5), ("k", 5)}
    bad.write_text("".join(bad.read_text().splitlines(keepends=True)[:-1]))
    told = summary(folder, "-o", out, "-c", config, code=1)
    assert (told["captures"], len(told["failed"]), len(rows(out))) == (2, 2, 121)


def test_sentences(tmp_path, backfill):
    """What cannot be: another's folder, an older capture, another configuration, no captures' folder."""
    config, out, folder = configuration(tmp_path), tmp_path / "out", tmp_path / "c"
    capture(folder / "1.jsonl", *said(*LINES[:90]))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thing").touch()
    assert "is not empty" in backfill(folder, "-o", tmp_path / "full", code=1)
    assert "there is no" in backfill(folder, "-o", out, "-c", tmp_path / "none.toml", code=78)
    backfill(folder, "-o", out, "-c", config)
    config.write_text(CONFIG.replace("20s", "30s"))
    capture(folder / "2.jsonl", *said(*LINES[:9]), started="2026-11-24T05:40:00Z")
    assert "was begun with another configuration" in backfill(folder, "-o", out, "-c", config, code=1)
    config.write_text(CONFIG)
    assert "before the end of what is done" in backfill(folder, "-o", out, "-c", config, code=1)
    assert len(rows(out)) == 180


def test_features_of_the_users_own(tmp_path, backfill):
    """They are columns; one that misses leaves nulls, is told, and is no success."""
    (tmp_path / "own.py").write_text(
        "def double(times, values, new):\n    return 2 * values[-new:]\n"
        "def odd(times, values, new):\n    if values[-1] > 23: raise ValueError('hot')\n"
        "    return {'odd': values[-new:]}\n"
    )
    config = configuration(tmp_path, CONFIG + 'custom = ["own:double", "own:odd"]\n')
    out = tmp_path / "out"
    done = backfill(capture(tmp_path / "c.jsonl", *said(*LINES[:50])), "-o", out, "-c", config, code=1)
    assert "own:odd raised ValueError at line 4 of own.py: hot; 1 of its calls have no value" in done
    found = rows(out)
    assert all(row["double"] == 2 * row["value"] for row in found.values())
    assert {(key[1], row["odd"] is None) for key, row in found.items()} == {("air", False), ("bath", True)}


def test_calls_that_are_made_again_count_once(tmp_path, monkeypatch, summary):
    """Where a part is done again up to a capture that does not hold, what its features did not give is counted once;
    of that capture nothing is."""
    monkeypatch.setattr("gateway.alone.MOST_WAITING", 5)
    (tmp_path / "own.py").write_text(
        "def odd(times, values, new):\n    if values[-1] > 22: raise ValueError('hot')\n    return values[-new:]\n"
    )
    config = configuration(tmp_path, CONFIG + 'custom = ["own:odd"]\n')
    folder, out = tmp_path / "c", tmp_path / "out"
    capture(folder / "1.jsonl", *said(*["21,23\r\n"] * 9))
    bad = capture(folder / "2.jsonl", *said(*["21,23\r\n"] * 9), {}, started="2026-11-24T06:00:00Z")
    told = summary(folder, "-o", out, "-c", config, code=1)
    assert (told["captures"], told["rows"], told["missed"]["own:odd"]["calls"]) == (1, 18, 1)
    bad.write_text(bad.read_text().replace("{}\n", ""))
    told = summary(folder, "-o", out, "-c", config, code=1)
    assert (told["captures"], told["rows"], told["missed"]["own:odd"]["calls"]) == (1, 18, 1)
    capture(folder / "3.jsonl", *said(*["21,23\r\n"] * 9), {}, started="2026-11-24T07:00:00Z")
    told = summary(folder, "-o", out, "-c", config, code=1)
    assert (told["captures"], told["missed"]) == (0, {})


def test_boards_that_are_asked(tmp_path, summary):
    """All of a line's, each answer with its question: what a replay prints."""
    golden = ROOT / "tests/golden/modbus-line"
    config, out = configuration(tmp_path, "[[boards]]\n" + (golden / "board.toml").read_text()), tmp_path / "out"
    told = summary(golden / "capture.jsonl", "-o", out, "-c", config)
    *lines, last = replay(golden / "capture.jsonl", "-c", config, "--json").stdout.splitlines()
    expected = [one for one in map(json.loads, lines) if "summary" not in one]
    found = rows(out)
    assert len(found) == len(expected) > 0
    for message in expected:
        check_alike(found[message["board"], message["sensor"], message["seq"]], message)
    account = json.loads(last)["summary"]
    again = told["files"][0]["boards"][account["board"]]
    assert {key: again[key] for key in again if key in account} == {
        key: account[key] for key in again if key in account
    }


@pytest.mark.parametrize("name", ["007", "a/b=c é 100%"])
def test_a_board_of_any_name(tmp_path, backfill, name):
    """Whoever reads the folders gets the name as it was."""
    config = configuration(tmp_path, f'[[boards]]\nname = "{name}"\nport = "/dev/x"\n')
    backfill(capture(tmp_path / "c.jsonl", *said("21.5\n"), board=name), "-o", tmp_path / "out", "-c", config)
    assert table(tmp_path / "out")["board"].to_pylist() == [name]


def test_boards_that_are_called_as_files_of_ours(tmp_path, summary):
    """What is kept of one board lies nowhere where what is kept of another does."""
    names = ("lock", "x", "x.json", "x.new", "x.lock", "x.parts")
    boards = "".join(f'[[boards]]\nname = "{name}"\nport = "/dev/{name}"\n' for name in names)
    for name in names:
        capture(tmp_path / "c" / f"{name}.jsonl", *said("21.5\n"), board=name)
    told = summary(tmp_path / "c", "-o", tmp_path / "out", "-c", configuration(tmp_path, boards))
    assert (told["captures"], told["failed"]) == (len(names), [])
    assert {key[0] for key in rows(tmp_path / "out")} == {*names}


@pytest.mark.slow
def test_processes_do_the_same(tmp_path, monkeypatch):
    """By workers of their own, several at once, rows and account are those of one process."""
    config, folder = configuration(tmp_path, '[[boards]]\nname = "b"\nport = "auto"\n'), tmp_path / "c"
    for board in ("b1", "b2", "b3"):
        for hour in (5, 6):
            capture(folder / f"{board}-{hour}.jsonl", *said(*LINES), board=board, started=f"2026-11-24T0{hour}:00:00Z")
    told = processes(folder, "-o", tmp_path / "many", "-c", config, "--workers", 3)
    here(monkeypatch, folder, "-o", tmp_path / "one", "-c", config)
    assert (told["captures"], told["readings"], told["failed"]) == (6, 6 * 1200, [])
    assert files(tmp_path / "many") == files(tmp_path / "one")


def files(root):
    """What there is of Parquet, byte by byte."""
    return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("part-*")}


@pytest.mark.slow
def test_one_port_is_read_ahead_where_a_core_is_left_over(tmp_path, monkeypatch):
    """By a process that reads and one that computes, rows, account and sentences are those of one process; so it is
    where a capture does not hold.
    """
    asked = []
    monkeypatch.setattr(
        "gateway.backfill.crew.Hand.give", lambda hand, task: asked.append(task["ahead"]) or give(hand, task)
    )
    folder = archives(tmp_path / "c", boards="x")
    for name in ("whole", "broken"):
        if name == "broken":
            with (folder / "x2.jsonl").open("a") as file:
                file.write("{}\n")
        arguments = folder, "--json", "-o"
        out, beside = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(beside):
            code = run(["backfill", *map(str, arguments), str(tmp_path / f"two-{name}"), "--workers", "2"])
        one = here(monkeypatch, *arguments, tmp_path / f"one-{name}", code=code)
        assert code == (name == "broken")
        assert beside.getvalue() == one[1]
        two, single = json.loads(out.getvalue()), json.loads(one[0])
        for told in (two, single):
            del told["output"], told["seconds"], told["readings_per_s"]
        assert two == single
        assert files(tmp_path / f"two-{name}") == files(tmp_path / f"one-{name}") != {}
    assert asked == [True, True]


@pytest.mark.parametrize(
    ("workers", "chains", "ahead"),
    [
        (1, 1, [False]),
        (2, 1, [True]),
        (2, 2, [False] * 2),
        (3, 2, [True, False]),
        (2, 3, [False] * 3),
        (8, 2, [True] * 2),
    ],
)
def test_who_has_one_that_reads_ahead(monkeypatch, workers, chains, ahead):
    """Whoever leaves a core for it; there are never more processes at work than workers."""
    given, here = [], []

    class Fake:
        def __init__(self, order, said):
            self.task, self.said, self.again = None, said, False
            here.append(self)

        def how(self):
            return "ended"

        def give(self, task):
            self.task = task
            given.append(task["ahead"])
            assert sum(1 + hand.task["ahead"] for hand in here if hand.task) <= workers
            self.said.put((self, {"end": True, "missed": {}}))

        def close(self):
            self.said.put((self, None))

    monkeypatch.setattr("gateway.backfill.crew.Hand", Fake)
    Crew({}, [{"name": str(k)} for k in range(chains)], lambda: workers, Summary("out"), Progress(print, 1, 1)).run()
    assert given == ahead


@pytest.mark.slow
def test_a_reader_that_is_killed_is_told(tmp_path, monkeypatch):
    """Nothing of its part is there, nothing hangs, and the same command goes on."""
    folder = archives(tmp_path / "c", boards="x")
    monkeypatch.setattr("gateway.backfill.ahead.json.dumps", lambda order: "[]")  # at which it ends
    order = {
        "config": None,
        "board": None,
        "root": str(tmp_path / "out"),
        "keys": {},
        "features": ["normalized", "feature"],
    }
    captures = [{"path": str(folder / f"x{k}.jsonl"), "key": f"{k}", "size": 9} for k in range(4)]
    told = []
    (tmp_path / "out/_backfill").mkdir(parents=True)
    config, boards = by(None, None)(Header("x", 0.0))
    chain = {"name": "x", "gateway": config.id, "mark": marked(config, boards), "captures": captures, "ahead": True}
    worked(order, chain, told.append)
    assert "ended before it was done" in told[0]["failed"]
    assert files(tmp_path / "out") == {}


def test_a_process_that_cannot_be_started_is_told(tmp_path, monkeypatch):
    """For want of processes or memory: a sentence, and the summary of what was done."""

    def refused(*_, **__):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    sentence = "no process can be started: resource temporarily unavailable; end other programs or give fewer --workers"
    folder = archives(tmp_path / "c", boards="x")
    monkeypatch.setattr("gateway.backfill.crew.subprocess.Popen", refused)
    out, beside = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(beside):
        assert run(["backfill", str(folder), "-o", str(tmp_path / "out"), "--json"]) == 1
    assert json.loads(out.getvalue())["captures"] == 0
    assert beside.getvalue().startswith(f"gateway: {sentence}, ") and beside.getvalue().count("\n") == 1
    with pytest.raises(CaptureError, match=sentence):
        next(ahead({}, []))


def test_a_folder_is_shown_as_a_terminal_may_have_it(tmp_path):
    """A worker's sentence of a folder that cannot be written has no control in it."""
    told = []
    worked({"root": f"{tmp_path}/\x1b[2J"}, {"name": "x"}, told.append)
    assert told[0]["failed"] == f"{tmp_path}/\\x1b[2J cannot be written: no such file or directory"


def archives(folder, boards="xy"):
    """Captures of two boards over midnight, each of some parts."""
    for board in boards:
        for hour in range(4):
            some = said(*[f"{20 + (k * 7 + hour) % 90 / 10}\n" for k in range(300)], every=5.5)
            started = f"2026-11-24T{22 + hour // 2}:{10 + hour % 2 * 30}:00Z"
            capture(folder / f"{board}{hour}.jsonl", *some, board=board, started=started)
    return folder


class Killed(BaseException):
    """As if the process had been."""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ended_at_each_step_and_begun_again(tmp_path, monkeypatch, backfill, summary):
    """Wherever it ends, between any two things that it does to the disk, what is there in the end is what one run
    makes, byte by byte; and nothing that was done is done again.
    """
    folder = archives(tmp_path / "captures")
    monkeypatch.setattr("gateway.backfill.chain.PART", 15_000)
    backfill(folder, "-o", tmp_path / "once")
    once = files(tmp_path / "once")
    assert len(once) == 2 * (2 + 1), "two parts each, and the second over midnight"
    steps = 0

    def counted(real):
        def step(*arguments, **more):
            nonlocal steps
            steps -= 1
            if steps == 0:
                raise Killed
            return real(*arguments, **more)

        return step

    for kind, names in ((Path, ("replace", "unlink", "mkdir")), (os, ("fsync",)), (Part, ("add", "close"))):
        for name in names:
            monkeypatch.setattr(kind, name, counted(getattr(kind, name)))
    for step in range(1, 200):
        out, steps = tmp_path / f"out{step}", step
        try:
            backfill(folder, "-o", out)
        except Killed:
            steps = 0
        else:
            break
        told = summary(folder, "-o", out)
        assert told["captures"] + told["skipped"] == 8
        assert files(out) == once, step
    assert 40 < step < 199


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("boards", ["xy", "x"])
def test_killed_and_begun_again(tmp_path, monkeypatch, boards):
    """With kill -9 whenever something new is on the disk, what is there in the end is what one run makes."""
    folder, out = archives(tmp_path / "captures", boards), tmp_path / "out"
    (tmp_path / "sitecustomize.py").write_text("import gateway.backfill.chain as c\nc.PART = 15_000\n")
    monkeypatch.setattr("gateway.backfill.chain.PART", 15_000)
    here(monkeypatch, folder, "-o", tmp_path / "once")
    env = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    command = [sys.executable, "-m", "gateway", "backfill", str(folder), "-o", str(out), "--workers", "2", "--json"]
    kills, seen = 0, 0
    while True:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE)
        while process.poll() is None and len(list(out.rglob("*.*"))) <= seen:
            time.sleep(0.001)
        if process.poll() is not None:
            break
        seen = len(list(out.rglob("*.*")))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += 1
        assert kills < 100
    last = json.loads(process.communicate()[0])
    assert (process.returncode, last["captures"] + last["skipped"]) == (0, 4 * len(boards))
    assert kills > 2
    assert files(out) == files(tmp_path / "once")


def test_days_that_are_over_are_closed(tmp_path, monkeypatch, backfill):
    """However many days a capture has, few files are open at once; no row is missing, and each is in its day."""
    most, real = 0, Parts.of

    def of(parts, *arguments):
        nonlocal most
        part = real(parts, *arguments)
        most = max(most, len(parts._open))
        return part

    monkeypatch.setattr(Parts, "of", of)
    lines = said(*[f"{20 + k % 9}\n" for k in range(400)], every=7200.0)
    backfill(capture(tmp_path / "c.jsonl", *lines, board="b"), "-o", tmp_path / "out")
    assert len(rows(tmp_path / "out")) == 400
    assert len(files(tmp_path / "out")) == 34
    assert most <= 3


def test_a_clock_that_is_set_back_over_midnight(tmp_path, monkeypatch, backfill):
    """What comes twice of a day goes into the file that it had."""
    monkeypatch.setattr("gateway.alone.MOST_WAITING", 5)
    folder, out = tmp_path / "c", tmp_path / "out"
    capture(folder / "1.jsonl", *said(*["20.5\n"] * 60), board="b", started="2026-11-24T23:59:30Z")
    capture(folder / "2.jsonl", *said(*["21.5\n"] * 60), board="b", started="2026-11-24T23:59:35Z")
    backfill(folder, "-o", out)
    found = rows(out)
    assert sorted(key[2] for key in found) == list(range(1, 121))
    assert [str(row["day"]) for row in found.values()].count("2026-11-24") == 30 + 25
    assert len(files(out)) == 2


def test_clocks_that_are_set_back_each_time(tmp_path, backfill):
    """Each by less than a minute is taken, however many there are: it is the end of what came before that counts, by
    the captures' clocks; one that goes back by more is not, and windows never do."""
    folder, out = tmp_path / "c", tmp_path / "out"
    for number, started in enumerate(("05:00:00", "05:00:20", "05:00:40", "05:01:00")):
        capture(folder / f"{number}.jsonl", *said(*["20.5\n"] * 61), board="b", started=f"2026-11-24T{started}Z")
    backfill(folder, "-o", out)
    assert sorted(key[2] for key in rows(out)) == list(range(1, 4 * 61 + 1))
    late = capture(tmp_path / "late.jsonl", *said("20.5\n"), board="b", started="2026-11-24T05:00:59Z")
    assert "late.jsonl begins 61 s before the end of what is done" in backfill(late, "-o", out, code=1)
    capture(late, *said("20.5\n"), board="b", started="2026-11-24T05:01:01Z")
    backfill(late, "-o", out)


def test_a_clock_that_is_set_back_over_midnight_before_long_days(tmp_path, backfill):
    """Days that an earlier capture has begun stay open while the next one has rows of theirs, of however many days."""
    folder, out = tmp_path / "c", tmp_path / "out"
    capture(folder / "1.jsonl", *said(*["20.5\n"] * 61), board="b", started="2026-11-24T23:59:30Z")
    lines = said(*["21.5\n"] * 60, every=3600.0)
    capture(folder / "2.jsonl", *lines, board="b", started="2026-11-24T23:59:35Z")
    backfill(folder, "-o", out)
    days = [str(row["day"]) for row in rows(out).values()]
    assert [days.count(f"2026-11-{day}") for day in (24, 25, 26, 27)] == [30 + 1, 31 + 24, 24, 11]
    assert len(files(out)) == 4


def test_rows_that_wait_are_bounded_over_all_files(tmp_path, monkeypatch):
    """Many boards of one port do not each hold a group of rows."""
    monkeypatch.setattr("gateway.backfill.table.ROWS", 50)
    parts = Parts(lambda place: tmp_path / place.replace("/", "+"), ["normalized", "feature"])
    computed = Archive(lambda *_: Plan(window_s=5.0), lambda *_: {}, lambda *_: None)
    most = 0
    for number in range(40):
        board = f"b{number % 10}"
        computed.take(board, [Sample("s", 20.0, "°C")] * 10, float(number))
        for one in computed.compute(0.0):
            row = Row("g", "backfill", board, {})
            for day, some, ms in days(one, 0.0):
                part = parts.of(place(day, board, 1), day, row)
                part.add(batch(part.schema, row, one, some, ms, b""))
        parts.over(0.0, "1970-01-01")
        most = max(most, sum(part.waiting for part in parts._open.values()))
    parts.close()
    assert 0 < most <= 100
    assert sum(pq.read_metadata(file).num_rows for file in tmp_path.iterdir()) == 400


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_memory_does_not_grow_with_the_capture(tmp_path):
    """A capture four times as long takes no more of it, and a worker far less than 200 MB."""
    code = (
        "import resource, sys\nfrom gateway.cli import run\n"
        "assert run(['backfill', *sys.argv[1:], '--workers', '1']) == 0\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)"
    )
    took = []
    for many in (300_000, 1_200_000):
        file = tmp_path / f"{many}.jsonl"
        with file.open("w") as text:
            text.write(json.dumps({**HEAD, "board": "b"}) + "\n")
            text.writelines(f'{{"at": {k * 0.2:.1f}, "text": "{20 + k % 90 / 7:.3f}\\n"}}\n' for k in range(many))
        done = subprocess.run(
            [sys.executable, "-c", code, str(file), "-o", str(tmp_path / f"out{many}")],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        took.append(int(done.stdout.splitlines()[-1]))
    assert took[1] < took[0] + 25
    assert took[1] < 200

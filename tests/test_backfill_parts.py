"""The parts of a backfill that need no Parquet: what there is to read, what is done, and how far it is."""

import errno
import json
import os
from pathlib import Path

import pytest

from gateway.backfill.finding import chains, each_once, files, found
from gateway.backfill.journal import FOLDER, Journal, JournalError, held
from gateway.backfill.mark import marked
from gateway.backfill.setting import by
from gateway.backfill.summary import Summary, line
from gateway.cli import run
from gateway.config import made
from gateway.ingest.capture.file import CaptureError

from .replays import HEAD, said


def capture(file, *lines, **head):
    """A capture of these lines."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(one) + "\n" for one in ({**HEAD, **head}, *lines)))
    return file


def test_folders_are_gone_through(tmp_path):
    """Captures are found in folders of folders; a file that is named need not be called so; none comes twice."""
    for name in ("b/2.jsonl", "b/1.jsonl", "a/3.jsonl", "a/readme.txt"):
        capture(tmp_path / name)
    other = capture(tmp_path / "other.cap")
    given = [str(tmp_path), str(other), str(tmp_path / "a"), str(other)]
    assert [str(one.relative_to(tmp_path)) for one in files(given)] == [
        "a/3.jsonl", "b/1.jsonl", "b/2.jsonl", "other.cap",
    ]  # fmt: skip


def test_a_capture_is_read_once(tmp_path):
    """Of copies, wherever they lie, the longest is read: the shorter one was copied while it grew."""
    short = found(capture(tmp_path / "short.jsonl", *said("1\n")))
    long = found(capture(tmp_path / "long.jsonl", *said("1\n", "2\n")))
    other = found(capture(tmp_path / "other.jsonl", started="2026-11-25T00:00:00Z"))
    assert each_once([short, long, other]) == ([long, other], [short])
    assert each_once([long, short, other]) == ([long, other], [short])


def test_of_equal_copies_the_first_is_read(tmp_path):
    """What is told as copies are the others, however many."""
    one, two, three = (found(capture(tmp_path / f"{name}.jsonl", *said("1\n"))) for name in ("one", "two", "three"))
    assert each_once([one, two, three]) == ([one], [two, three])


def test_captures_come_by_port_in_the_order_of_their_times(tmp_path):
    """Those of one board make one chain, the oldest first; one of a board that nobody knows is told."""
    (tmp_path / "c.toml").write_text(
        '[[boards]]\nname = "a"\nport = "/dev/x"\n[[boards]]\nname = "b"\nport = "/dev/y"\n'
    )
    late, early, stranger = (
        found(capture(tmp_path / f"{name}.jsonl", board=board, started=f"2026-11-{day}T00:00:00Z"))
        for name, board, day in (("late", "a", 25), ("early", "a", 24), ("stranger", "z", 24))
    )
    settings = by(str(tmp_path / "c.toml"), None)
    made, of_none = chains([late, early, stranger], lambda header: settings(header))
    assert [(one.name, one.captures) for one in made] == [("a", [early, late])]
    assert [one for one, _ in of_none] == [stranger]
    assert 'has no board "z"' in of_none[0][1]


def test_a_board_that_is_not_there_is_never_taken_for_another(tmp_path):
    """With one board in the configuration a capture of another is not read as its own, unless --board says so."""
    (tmp_path / "c.toml").write_text('[[boards]]\nname = "a"\nport = "/dev/x"\n')
    header = found(capture(tmp_path / "z.jsonl", board="z")).header
    assert by(str(tmp_path / "c.toml"), "a")(header)[1][0].name == "a"
    _, of_none = chains([found(tmp_path / "z.jsonl")], by(str(tmp_path / "c.toml"), None))
    assert len(of_none) == 1


def test_what_is_no_capture_is_told(tmp_path):
    """By its sentence; a folder that is not there as well."""
    (tmp_path / "no.jsonl").write_text('{"some": "thing"}\n')
    with pytest.raises(CaptureError, match="is no capture"):
        found(tmp_path / "no.jsonl")
    with pytest.raises(CaptureError, match="cannot be read"):
        found(tmp_path / "none.jsonl")


def test_a_path_that_cannot_be_looked_at_is_told(tmp_path, monkeypatch, capsys):
    """One that is too long, or in a folder that is not ours, is a sentence, and the others are looked at."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    assert run(["backfill", "x" * 300, str(tmp_path / "none.jsonl"), "-o", str(tmp_path / "out")]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"gateway: {'x' * 300} cannot be read: file name too long; give another file"
    assert second == f"gateway: {tmp_path}/none.jsonl cannot be read: no such file or directory; give another file"


PLACES = ["day=2026-11-24/board=b/part-000001.parquet", "day=2026-11-25/board=b/part-000001.parquet"]


@pytest.mark.parametrize("killed_at", ["written", "committed", "half put", "put"])
def test_nothing_is_left_half(tmp_path, killed_at, monkeypatch):
    """Killed at any moment, a part is not there at all, or all of it is once the journal is opened again."""
    places, journal = PLACES, written(tmp_path)
    if killed_at != "written":
        with monkeypatch.context() as patched:
            if killed_at != "put":
                patched.setattr(Journal, "put", lambda self: None)
            journal.commit({"key": {"size": 7}}, places, {"some": "state"})
        if killed_at == "half put":
            (tmp_path / places[0]).parent.mkdir(parents=True)
            journal.temporary(places[0]).rename(tmp_path / places[0])
    again = Journal.open(tmp_path, "b", "mark")
    again.sweep()
    there = sorted(str(one.relative_to(tmp_path)) for one in tmp_path.glob("day=*/*/*"))
    if killed_at == "written":
        assert (there, again.done, again.parts, again.state) == ([], {}, 0, None)
    else:
        assert (there, again.done, again.parts, again.state) == (places, {"key": {"size": 7}}, 1, {"some": "state"})
        assert [(tmp_path / place).read_text() for place in places] == places
    assert list((tmp_path / FOLDER / "b+parts").iterdir()) == []


def written(root):
    """A journal of which a part's files are written, and nothing more."""
    journal = Journal.open(root, "b", "mark")
    journal.sweep()
    for place in PLACES:
        journal.temporary(place).write_text(place)
    return journal


@pytest.fixture
def steps(monkeypatch):
    """What is synced, and what is put where, in this order."""
    out, sync, replace = [], os.fsync, Path.replace

    def synced(fd):
        out.append(Path(f"/proc/self/fd/{fd}").readlink().name)
        sync(fd)

    def replaced(source, target):
        out.append(f"{source.name} put")
        return replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    return out


def test_what_is_named_is_on_the_disk(tmp_path, steps):
    """A part's files have their names for good before the journal says so, and their places before it says that."""
    written(tmp_path).commit({}, PLACES, {})
    first, second = [at for at, step in enumerate(steps) if step == "b.new put"]
    assert {"b+parts", FOLDER, "b.new"} <= {*steps[:first]}
    assert steps[first + 1] == FOLDER
    put = max(at for at, step in enumerate(steps) if step.endswith("parquet put"))
    folders = {"board=b", "day=2026-11-24", "day=2026-11-25", tmp_path.name}
    assert first < put < second and folders <= {*steps[put:second]}
    assert json.loads((tmp_path / FOLDER / "b.json").read_text())["moving"] == {}


def test_what_was_put_before_a_kill_is_synced(tmp_path, monkeypatch, steps):
    """That files are in their places is known to be on the disk, whoever has put them there."""
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "put", lambda self: None)
        journal = written(tmp_path)
        journal.commit({}, PLACES, {})
    for place in PLACES:
        (tmp_path / place).parent.mkdir(parents=True)
        journal.temporary(place).rename(tmp_path / place)
    steps.clear()
    Journal.open(tmp_path, "b", "mark")
    assert {"board=b", "day=2026-11-24", "day=2026-11-25", tmp_path.name} <= {*steps[: steps.index("b.new put")]}


def test_rows_that_are_lost_are_told(tmp_path, monkeypatch):
    """A file that is named and nowhere is a sentence; one that was in place and is taken away is its reader's."""
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "put", lambda self: None)
        journal = written(tmp_path)
        journal.commit({}, PLACES, {})
    lost = journal.temporary(PLACES[1])
    kept = lost.read_text()
    lost.unlink()
    for _ in range(2):
        with pytest.raises(JournalError, match=f"{PLACES[1]} is written down as done and is neither there nor in "):
            Journal.open(tmp_path, "b", "mark")
    (tmp_path / PLACES[1]).parent.mkdir(parents=True)
    (tmp_path / PLACES[1]).write_text(kept)
    Journal.open(tmp_path, "b", "mark")
    for place in PLACES:
        (tmp_path / place).unlink()
    assert Journal.open(tmp_path, "b", "mark").parts == 1


def test_a_journal_of_another_configuration_is_not_gone_on_with(tmp_path):
    """Rows of two configurations are never mixed; nor is a journal taken that does not hold."""
    Journal.open(tmp_path, "b", "mark").sweep()
    Journal.open(tmp_path, "b", "mark").commit({}, [], {})
    with pytest.raises(JournalError, match="another configuration"):
        Journal.open(tmp_path, "b", "other")
    whole = {"version": 1, "parts": 1, "done": {}, "moving": {}, "state": {}}
    for text in ("{}", "[]", "\x00", json.dumps(whole)):
        (tmp_path / FOLDER / "b.json").write_text(text)
        with pytest.raises(JournalError, match="no journal"):
            Journal.open(tmp_path, "b", "mark")


def test_no_path_is_obeyed_by_a_terminal(tmp_path):
    """Whatever is said of a folder, its name stands there as one may show it."""
    root = tmp_path / "\x1b[2J"
    journal = Journal.open(root, "b", "mark")
    journal.sweep()
    journal.commit({}, [], {})
    with pytest.raises(JournalError) as other:
        Journal.open(root, "b", "other")
    journal.file.write_text("{}")
    with pytest.raises(JournalError) as broken:
        Journal.open(root, "b", "mark")
    with held(root, "b"), pytest.MonkeyPatch.context() as patched:
        patched.setattr("gateway.backfill.journal.PATIENCE", 0.0)
        with pytest.raises(JournalError) as busy, held(root, "b"):
            pass
    for one in (other, broken, busy):
        assert str(one.value).isprintable() and "\\x1b[2J" in str(one.value)


def test_the_mark_is_of_what_decides(tmp_path):
    """Features, ranges and names give another mark; where the broker and the port are does not."""

    def mark(features="", port="/dev/x", more=""):
        table = {"name": "b", "port": port, "baud": 9600}
        data = {"gateway": {"id": "g"}, "boards": [table], "features": {"window": features or "60s"}}
        if more:
            data["sensors"] = [{"match": "b/*", "name": "n", "offset": 1.0, "range": [0, 1], "use": ["mean"]}]
        config = made(data, tmp_path / "c.toml")
        return marked(config, config.boards)

    assert mark() == mark(port="/dev/y")
    assert len({mark(), mark(features="30s"), mark(more="x")}) == 3


def test_the_mark_is_of_the_modules_too(tmp_path):
    """Where there are features of the user's own, each Python file that they may be of counts; without, none does."""

    def mark(custom):
        data = {"boards": [{"name": "b", "port": "/dev/x"}], "features": {"custom": custom}}
        config = made(data, tmp_path / "c.toml")
        return marked(config, config.boards)

    files = tmp_path / "own.py", tmp_path / "beside.py", tmp_path / "package/inside.py"
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_text("one = 1\n")
    custom = ["own:one", "package.inside:one"]
    before, without = mark(custom), mark([])
    for file in files:
        file.write_text("one = 2\n")
        assert mark(custom) != before
        assert mark([]) == without
        file.write_text("one = 1\n")
        assert mark(custom) == before


def test_a_module_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    """The mark would not be of all that decides."""

    def refused(file):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))

    (tmp_path / "own.py").write_text("one = 1\n")
    config = made(
        {"boards": [{"name": "b", "port": "/dev/x"}], "features": {"custom": ["own:one"]}}, tmp_path / "c.toml"
    )
    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(CaptureError, match=r"own\.py cannot be read: permission denied; "):
        marked(config, config.boards)


def test_without_parquet_there_is_a_sentence(tmp_path, monkeypatch, capsys):
    """The command says what is missing, and how it comes."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert run(["backfill", str(tmp_path), "-o", str(tmp_path / "out")]) == 1
    assert "serial-edge-gateway[parquet]" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_without_captures_is_told(tmp_path, monkeypatch, capsys):
    """It is most likely another one that was meant."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    (tmp_path / "empty").mkdir()
    assert run(["backfill", str(tmp_path / "empty"), "-o", str(tmp_path / "out")]) == 1
    assert f"there is no capture in {tmp_path}/empty" in capsys.readouterr().err


def test_how_far_it_is():
    """In the share of all bytes, readings a second, and the time that is left."""
    assert line(0, 100, 0, 0.1) == "  0%  starting"
    assert line(25, 100, 5000, 10.0) == " 25%  500 readings/s, 30 s left"
    assert line(1, 100, 5000, 100.0) == "  1%  50 readings/s, 2.8 h left"
    assert line(100, 100, 5000, 10.0) == "100%  500 readings/s, 0 s left"


def test_features_that_miss_are_summed_up():
    """Of all processes, with the first reason."""
    summary = Summary("out")
    summary.miss({"own:f": {"calls": 2, "why": "raised ValueError"}})
    summary.miss({"own:f": {"calls": 3, "why": "raised KeyError"}})
    assert summary.wrong() == ["own:f raised ValueError; 5 of its calls have no value"]

"""What changes while a backfill runs, or between two: a configuration, modules, captures that grow or shrink."""

import json

import pytest

from .backfills import Here, here, rows
from .replays import HEAD, said

pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")

from gateway.backfill.ahead import ahead
from gateway.backfill.reading import Given
from gateway.ingest.capture.file import CaptureError

BOARDS = '[[boards]]\nname = "a"\nport = "/dev/x"\n[[boards]]\nname = "b"\nport = "/dev/y"\n'
CONFIG = BOARDS + '[features]\nwindow = "20s"\n'
OWN = "def twice(times, values, new):\n    return 2 * values[-new:]\n"


@pytest.fixture
def made(tmp_path):
    """A configuration, and three captures of each of its two boards."""
    (tmp_path / "gateway.toml").write_text(CONFIG)
    for board in "ab":
        for hour in (5, 6, 7):
            lines = {**HEAD, "board": board, "started": f"2026-11-24T0{hour}:00:00Z"}, *said(*["20.5\n"] * 30)
            file = tmp_path / "captures" / f"{board}{hour}.jsonl"
            file.parent.mkdir(exist_ok=True)
            file.write_text("".join(json.dumps(one) + "\n" for one in lines))
    return tmp_path


@pytest.fixture
def backfill(made, monkeypatch):
    """Runs the command; gives what `--json` says, and what is said beside that.

    before: is called before each chain, with its number, and after: after each capture, with its number.
    """

    def run(code=0, before=lambda number: None, after=lambda number: None):
        done = []

        class Changing(Here):
            def run(self):
                tasks = [*self._tasks]
                for number, task in enumerate(tasks):
                    before(number)
                    self._tasks.clear()
                    self._tasks.append(task)
                    super().run()

            def _heard(self, told):
                super()._heard(told)
                if "done" in told:
                    done.append(told)
                    after(len(done))

        monkeypatch.setattr("tests.backfills.Here", Changing)
        arguments = made / "captures", "-o", made / "out", "-c", made / "gateway.toml", "--json"
        out, beside = here(monkeypatch, *arguments, code=code)
        return json.loads(out), beside

    return run


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (CONFIG.replace("20s", "30s"), "was changed while this went on, and rows of both would be mixed; "),
        (BOARDS.replace('"/dev/y"', '"/dev/y"\nrange = [0, 1]'), "was changed while this went on, "),
        (CONFIG[:-3], "not TOML: "),
        (CONFIG.replace("window", "widow"), "'window'"),
        (CONFIG.replace('name = "b"', 'name = "c"').replace('name = "a"', 'name = "d"'), "has no board"),
    ],
    ids=["window", "range", "half saved", "wrong", "board gone"],
)
def test_a_configuration_that_is_changed_meanwhile(made, backfill, text, why):
    """No rows of another are taken in, and a sentence for each port tells it; put back, the same command goes on."""
    file = made / "gateway.toml"
    told, beside = backfill(1, before=lambda number: file.write_text(text) if number else None)
    assert (told["captures"], told["rows"], len(told["failed"])) == (3, 90, 1)
    assert why in beside and len(beside.splitlines()) == 1
    assert len({key[0] for key in rows(made / "out")}) == 1
    file.write_text(CONFIG)
    told, _ = backfill()
    assert (told["captures"], told["skipped"], len(rows(made / "out"))) == (3, 3, 180)


@pytest.mark.slow
def test_who_reads_ahead_looks_too(made):
    """The process that reads for another reads with no other configuration than that."""
    (capture, *_) = (made / "captures").iterdir()
    of = {"config": str(made / "gateway.toml"), "board": None, "gateway": "g", "mark": "another"}
    with pytest.raises(CaptureError, match="was changed while this went on"):
        next(ahead(of, [Given(capture, "key", capture.stat().st_size)]))


def test_a_module_that_is_changed(made, monkeypatch, backfill):
    """Neither in mid-run nor later are rows of two versions of a module mixed."""
    monkeypatch.setattr("gateway.backfill.chain.PART", 1)
    (made / "gateway.toml").write_text(CONFIG + 'custom = ["own:twice"]\n')
    own, other = made / "own.py", OWN.replace("2 *", "3 *")
    own.write_text(OWN)
    told, beside = backfill(1, after=lambda number: own.write_text(other))
    assert (told["captures"], told["rows"], len(told["failed"])) == (1, 30, 2)
    assert f"{made}/gateway.toml or a Python file beside it was changed while this went on" in beside
    told, beside = backfill(1)
    assert "was begun with another configuration of a, or other Python files" in beside
    assert (told["captures"], told["rows"]) == (0, 0)  # nothing of other boards either
    own.write_text(OWN)
    told, beside = backfill()
    assert (told["captures"] + told["skipped"], told["skipped"], beside) == (6, 1, "")
    assert {row["twice"] for row in rows(made / "out").values()} == {41.0}


def test_a_capture_that_grows_meanwhile(made, backfill):
    """It is read up to where it was, so that what is said of the rest later on is so; no line is taken in half."""
    file = made / "captures/a7.jsonl"
    whole = file.read_text()
    file.write_text(whole[:-5])
    told, _ = backfill(before=lambda number: file.write_text(whole + '{"at": 30.0, "text": "21.5\\n"}\n'))
    assert (told["captures"], told["rows"]) == (6, 179)
    assert sum(one["torn_lines"] for one in told["files"]) == 1
    for _ in range(2):
        told, beside = backfill(1)
        assert (told["captures"], told["skipped"], len(rows(made / "out"))) == (0, 5, 179)
        assert "a7.jsonl has grown since it was read, by 36 bytes, which are left out; " in beside


def test_a_capture_that_shrinks_meanwhile(made, backfill):
    """It is not taken for read: it is told, and what it has is done by the same command."""
    file = made / "captures/a7.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    told, beside = backfill(1, before=lambda number: file.write_text("".join(lines[:-1])))
    assert (told["captures"], told["rows"], len(told["failed"])) == (5, 150, 1)
    assert f"a7.jsonl has become shorter since this began, by {len(lines[-1])} bytes; " in beside
    told, _ = backfill()
    assert (told["captures"], told["skipped"], len(rows(made / "out"))) == (1, 5, 179)


def test_rows_are_of_the_gateway_that_the_command_runs_on(made, monkeypatch, backfill):
    """Its name goes along: where the file has none it is the machine's, and workers may be on others."""
    names = iter(["here"] + ["there"] * 10)
    monkeypatch.setattr("gateway.config.checked.host_id", lambda: next(names))
    (made / "captures/b5.jsonl").unlink()
    for name in ("b6", "b7"):
        (made / "captures" / f"{name}.jsonl").unlink()
    backfill()
    assert {row["gateway"] for row in rows(made / "out").values()} == {"here"}

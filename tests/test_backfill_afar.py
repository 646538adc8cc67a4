"""What a backfill on a cluster looks at, without a cluster: addresses, fitness of workers, a chain's lock, tries."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from gateway.backfill import afar, there
from gateway.backfill.crew import TRIES, Crew, Heard
from gateway.backfill.journal import FOLDER, JournalError, held
from gateway.backfill.summary import Progress, Summary
from gateway.config import load
from gateway.config.words import Unfit
from gateway.ingest.capture.file import CaptureError
from tests import commands
from tests.backfills import here
from tests.certificates import Authority

OWN = """
import os
if "MISSES" in os.environ:
    import no_such_module

def own(times, values, new):
    if "RAISES" in os.environ:
        raise RuntimeError("libfoo is too old")
    return {"others": values[-new:]} if "OTHERS" in os.environ else values[-new:]
"""
CONFIG = '[[boards]]\nname = "b"\nport = "/dev/x"\n'


@pytest.mark.parametrize(
    ("given", "means"),
    [("tcp://h", "tcp://h:8786"), ("tcp://10.0.0.5:9000/", "tcp://10.0.0.5:9000"), ("tcp://[::1]:1", "tcp://[::1]:1")],
)
def test_addresses(given: str, means: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the configuration, with Dask's port where none is said."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    assert afar.where(given, None) == (means, "", "", "")


def test_tls_takes_the_files_of_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Absolute, as all that a command hands on; without them a sentence says which keys are wanted."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    file = tmp_path / "gateway.toml"
    authority = Authority(tmp_path / "tls")
    names = [str(one.relative_to(tmp_path)) for one in (authority.certificate, *authority.issue("gateway"))]
    keys = zip(("ca", "cert", "key"), names, strict=True)
    named = "".join(f'cluster_{key}_file = "{name}"\n' for key, name in keys)
    file.write_text(f'[compute]\ncluster = "tls://other"\n{named}{CONFIG}')
    monkeypatch.chdir(tmp_path)
    assert afar.where("tls://h", "gateway.toml") == ("tls://h:8786", *(str(tmp_path / name) for name in names))
    file.write_text(CONFIG)
    for given in (None, str(file)):
        with pytest.raises(Unfit, match="cluster_ca_file and cluster_cert_file"):
            afar.where("tls://h", given)


def test_sentences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an address that is none, wrong use; where Dask is not installed, the command that brings it."""
    pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
    beside = here(monkeypatch, tmp_path, "-o", tmp_path / "out", "--cluster", "http://h", code=2)[1]
    assert beside.startswith("gateway: --cluster: ") and '"tcp://host:8786"' in beside
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "distributed" else name)
    beside = here(monkeypatch, tmp_path, "-o", tmp_path / "out", "--cluster", "tcp://h", code=1)[1]
    assert beside == "gateway: Dask is not installed; pip install 'serial-edge-gateway[cluster]' brings it\n"
    assert not (tmp_path / "out").exists()
    with pytest.raises(CaptureError):
        afar.where("tcp://h", None)


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a worker is asked, all of which it has."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "presets.d").mkdir()
    (tmp_path / "presets.d/mine.toml").write_text('format = "csv"\ncolumns = ["a"]\n')
    (tmp_path / "gateway.toml").write_text(CONFIG + '[features]\ncustom = ["own:own"]\n')
    (tmp_path / "c.jsonl").write_text("capture")
    order = {"config": "gateway.toml", "root": "out", "board": None, "keys": {"own:own": ["own"]}}
    order, tasks = afar.absolute(order, [{"name": "b", "captures": [{"path": "c.jsonl", "key": "k", "size": 7}]}])
    assert tasks[0]["captures"][0]["path"] == str(tmp_path / "c.jsonl")
    asked = afar.asked(order, tasks, [load(tmp_path / "gateway.toml")])
    (tmp_path / "out" / FOLDER).mkdir(parents=True)
    (tmp_path / "out" / FOLDER / (there.SEEN + asked["seen"])).write_text(asked["seen"])
    return asked


def test_a_worker_that_sees_all_is_fit(tmp_path: Path, check: dict[str, Any]) -> None:
    """Configuration, own presets, modules beside it, captures and output; and it leaves nothing behind."""
    assert [*check["files"]] == [str(tmp_path / name) for name in ("gateway.toml", "presets.d/mine.toml", "own.py")]
    before = sorted(tmp_path.rglob("*"))
    assert there.fit(json.dumps(check)) == ""
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda at: (at / "own.py").write_text("other"), "has another {at}/own.py than this machine"),
        (lambda at: (at / "presets.d/mine.toml").unlink(), "cannot use {at}/presets.d/mine.toml (no such file or"),
        (lambda at: (at / "c.jsonl").write_text("cap"), "has less of {at}/c.jsonl than this machine"),
        (lambda at: (at / "out").rename(at / "gone"), "which has to be the same folder there"),
        (
            lambda at: next((at / "out" / FOLDER).iterdir()).write_text("x"),
            "has another {at}/out than this machine",
        ),
    ],
    ids=["module", "preset", "capture", "folder", "other folder"],
)
def test_a_worker_that_is_not(
    tmp_path: Path, check: dict[str, Any], change: Callable[[Path], object], why: str
) -> None:
    """A clause says what it does not see as this machine does."""
    change(tmp_path)
    assert why.format(at=tmp_path) in there.fit(json.dumps(check))


@pytest.mark.parametrize(
    ("variable", "why"),
    [
        ("RAISES", "cannot compute the custom features: own:own raised RuntimeError"),
        ("MISSES", "cannot compute the custom features: own:own cannot be imported"),
        ("OTHERS", "answers other keys for the custom features than this machine"),
    ],
)
def test_a_worker_on_which_a_feature_fails(
    check: dict[str, Any], monkeypatch: pytest.MonkeyPatch, variable: str, why: str
) -> None:
    """It is tried there before anything is given: what lacks there would be gaps in rows that are done."""
    monkeypatch.setenv(variable, "1")
    assert why in there.fit(json.dumps(check))


def test_a_worker_without_pyarrow(check: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told what brings it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "serial-edge-gateway[parquet]" in there.fit(json.dumps(check))


def test_a_chain_is_one_process_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes second waits, and says so where that takes too long; other chains do not mind."""
    (tmp_path / FOLDER).mkdir()
    with held(tmp_path, "b"):
        with held(tmp_path, "c"):
            pass
        monkeypatch.setattr("gateway.backfill.journal.PATIENCE", 0.0)
        with pytest.raises(JournalError, match="another process is still at the captures of b in "):
            with held(tmp_path, "b"):
                pass
        monkeypatch.setattr("gateway.backfill.journal.PATIENCE", 60.0)
        waits, over, order = threading.Event(), threading.Event(), list[str]()

        def poll(seconds: float) -> None:
            waits.set()
            over.wait(60.0)

        def second() -> None:
            with held(tmp_path, "b"):
                order.append("second")

        monkeypatch.setattr("gateway.backfill.journal.time", SimpleNamespace(monotonic=time.monotonic, sleep=poll))
        thread = threading.Thread(target=second)
        thread.start()
        waits.wait(10.0)
        order.append("first")
    over.set()
    thread.join()
    assert order == ["first", "second"]
    assert os.listdir(tmp_path / FOLDER)


class Scripted:
    """A hand that says what is in its script, once it has a chain. None: it ends, and another may have the chain."""

    again = True
    scripts: ClassVar[list[list[Any]]]
    given: ClassVar[list[list[str]]]

    def __init__(self, order: dict[str, Any], said: Heard) -> None:
        self.task: dict[str, Any] | None = None
        self._said = said

    def give(self, task: dict[str, Any]) -> None:
        self.task = task
        self.given.append([one["key"] for one in task["captures"]])
        for what in self.scripts.pop(0):
            self._said.put((self, what))

    def close(self) -> None:
        self._said.put((self, None))

    def how(self) -> str:
        return "has gone"

    def end(self) -> None:
        pass


DONE = {"size": 1, "left": 0, "rows": 0, "boards": {}}
END = {"end": True, "missed": {}}


def crew(*scripts: list[Any]) -> Summary:
    """What comes of a chain of three captures."""
    Scripted.scripts, Scripted.given = [*scripts], []
    captures = [{"path": name, "key": name, "size": 1} for name in "abc"]
    summary = Summary("out")
    shows = Progress(lambda text: None, 3, 3)
    Crew({}, [{"name": "x", "captures": captures}], lambda: 1, summary, shows, Scripted).run()
    return summary


def test_another_has_what_is_left() -> None:
    """It is not told of what was said to be done; what was done and not said counts as done before, once."""
    before = {"before": [{"path": name, "key": name, "size": 1} for name in "ab"]}
    summary = crew([{"done": {**DONE, "key": "a"}}, None, None], [before, {"done": {**DONE, "key": "c"}}, END])
    assert Scripted.given == [["a", "b", "c"], ["b", "c"]]
    assert (summary.captures, summary.skipped, summary.failed) == (2, ["b"], [])


def test_not_for_ever() -> None:
    """A chain at which three hands have ended is given up, in a sentence."""
    summary = crew(*[[None]] * TRIES)
    assert len(Scripted.given) == TRIES
    assert summary.wrong() == [
        "a worker has gone at the captures of x; what was done is done, and the same command goes on behind it"
    ]


def test_an_address_that_is_empty(tmp_path):
    """A variable of the shell that is not set does not put all of it onto this machine."""
    done = commands.gateway("backfill", str(tmp_path), "-o", str(tmp_path / "lake"), "--cluster", "")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "gateway: --cluster: a scheduler's address is wanted, such as tcp://host:8786\n"

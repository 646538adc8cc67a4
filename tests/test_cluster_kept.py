"""What a worker of a cluster keeps of users' features, real processes and files, and for how long it does."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import time
from array import array
from collections.abc import Iterator
from pathlib import Path
from pickle import dumps

import pytest

from gateway.compute.cluster import kept
from gateway.compute.cluster.letters import UNPREPARED
from gateway.compute.cluster.modules import gathered, mark_of
from gateway.compute.custom.answers import read
from gateway.compute.custom.pieces import Custom, ordered
from tests.faults.tree import alive

SOURCE = """
import os
import numpy as np

def pid(times, values, new):
    return np.full(new, os.getpid())
"""


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A worker's own directory; what it keeps is ended with the test."""
    monkeypatch.setattr(kept, "_known", {})
    monkeypatch.setattr(kept, "LOOK", 3600.0)
    place = tmp_path / "worker"
    place.mkdir()
    yield place
    kept.sweep(time.monotonic() + 2 * kept.FORGOTTEN)


def made(folder: Path, source: str = SOURCE) -> tuple[str, bytes, str]:
    """A feature's order, its modules, and their mark."""
    folder.mkdir()
    (folder / "own.py").write_text(source)
    custom = Custom(("own:pid",), folder, 5.0)
    modules = gathered(folder, custom.names)
    return json.dumps(json.loads(ordered("own:pid", custom)) | {"deadline": 5.0}), modules, mark_of(modules)


CALL = dumps([(1, array("d", [0.0]).tobytes(), array("d", [1.0]).tobytes())], 5)


def asked(order: str, mark: str) -> int:
    """The process that answers."""
    answer = read(kept.called(order, mark, CALL), 1)
    assert not answer.why
    return int(answer.columns[0][0])


def test_a_process_is_kept_for_the_next_call(worker: Path, tmp_path: Path) -> None:
    """The one that imported it answers them all; what nobody asks for ten minutes ends, and another takes its place."""
    order, modules, mark = made(tmp_path / "one")
    assert kept.prepared(str(worker), order, modules) == ""
    first = asked(order, mark)
    assert asked(order, mark) == first
    kept.sweep(time.monotonic() + kept.UNUSED - 5.0)
    assert asked(order, mark) == first
    assert kept.sweep(time.monotonic() + kept.UNUSED + 5.0)
    assert not alive(first)
    assert asked(order, mark) not in (0, first)


def test_what_a_gateway_that_has_gone_left_behind(worker: Path, tmp_path: Path) -> None:
    """Its processes and files go in the end, and nobody looks for more; another's stay, and who comes back is asked
    for its modules anew."""
    order, modules, mark = made(tmp_path / "one")
    other = made(tmp_path / "two", SOURCE + "\n")
    assert other[2] != mark
    for each in ((order, modules), other[:2]):
        assert kept.prepared(str(worker), *each) == ""
    assert len(list(worker.iterdir())) == 2
    later = time.monotonic() + kept.FORGOTTEN + 5.0
    asked(order, mark)
    kept._known[mark].used = later - 60.0
    assert kept.sweep(later)
    assert [one.name for one in worker.iterdir()] == [kept._known[mark].folder.name]
    assert kept.called(other[0], other[2], CALL) == UNPREPARED
    assert not kept.sweep(later + kept.FORGOTTEN)
    assert (list(worker.iterdir()), kept._known) == ([], {})
    assert kept.prepared(str(worker), *other[:2]) == ""
    assert asked(other[0], other[2])


def test_one_that_has_ended_while_it_rested(worker: Path, tmp_path: Path) -> None:
    """For want of memory, say: that is no fault of the next call's, which another process answers."""
    order, modules, mark = made(tmp_path / "one")
    assert kept.prepared(str(worker), order, modules) == ""
    first = asked(order, mark)
    os.kill(first, signal.SIGKILL)
    (child,) = kept._known[mark].idle[order]
    assert select.select([child._pipe], [], [], 10.0)[0]  # its warden has seen it
    assert asked(order, mark) not in (0, first)


def test_who_asks_again_starts_nothing(worker: Path, tmp_path: Path) -> None:
    """Each bridge asks each time that it connects: two hundred gateways with one feature have one process at rest."""
    order, modules, mark = made(tmp_path / "one")
    for _ in range(5):
        assert kept.prepared(str(worker), order, modules) == ""
    assert len(kept._known[mark].idle[order]) == 1


def test_files_that_somebody_else_removes(worker: Path, tmp_path: Path) -> None:
    """Whatever clears old files: the modules are asked for anew; a call that is under way leaves no process behind."""
    order, modules, mark = made(tmp_path / "one")
    assert kept.prepared(str(worker), order, modules) == ""
    with kept._using(mark) as found:
        child = kept._rested(found, order)
        assert child is not None
        shutil.rmtree(found.folder)
        assert kept.called(order, mark, CALL) == UNPREPARED
        kept._rest(found, order, child)
    assert child._process.poll() is not None
    assert kept.prepared(str(worker), order, modules) == ""
    assert asked(order, mark)


def test_modules_that_are_in_use_stay(worker: Path, tmp_path: Path) -> None:
    """However long that lasts."""
    order, modules, mark = made(tmp_path / "one")
    assert kept.prepared(str(worker), order, modules) == ""
    with kept._using(mark):
        assert kept.sweep(time.monotonic() + 2 * kept.FORGOTTEN)
        assert list(worker.iterdir())


def test_a_module_that_cannot_be_imported(worker: Path, tmp_path: Path) -> None:
    """It is said in a clause, and no process is left."""
    order, modules, mark = made(tmp_path / "one", "import nothing_of_that_name\n")
    assert "nothing_of_that_name" in kept.prepared(str(worker), order, modules)
    assert kept._known[mark].idle == {}

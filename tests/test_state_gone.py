"""state_dir, or the lock in it, is deleted under a running gateway: nobody else can have it in its place."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from gateway.publish.spool import disk as disk_module
from gateway.publish.spool.disk import Claim, Disk, News
from gateway.publish.spool.sql import TAKEN, File, Trouble
from gateway.publish.spool.store import FILE
from gateway.state import LOCK, Lock, NoState
from simulators import Board
from tests.blocks_made import block
from tests.faults.tree import opened

from .street import ROOT, configuration, running, until

pytestmark = pytest.mark.usefixtures("closed_files")

LIMIT = 1_000_000
QUIET = News(lambda rows, dropped: None, lambda rescue: None, lambda gone: None)


def _folder(folder):
    shutil.rmtree(folder)


def _lock(folder):
    (folder / LOCK).unlink()


def _moved(folder):
    folder.rename(folder.with_name("away"))


@pytest.mark.parametrize("delete", [_folder, _lock, _moved])
def test_a_lock_that_was_deleted_is_made_anew(tmp_path, delete):
    """It keeps others out as before, with our process in it, and no second one of it stays open."""
    lock = Lock(tmp_path / "state")
    lock.claim()
    delete(tmp_path / "state")
    lock.again()
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    with pytest.raises(NoState, match=re.escape(f"in use by another gateway (pid {os.getpid()})")):
        Lock(tmp_path / "state").claim()
    assert opened(os.getpid(), LOCK) == [str(tmp_path / "state" / LOCK)]
    lock.let_go()
    lock.claim()
    lock.let_go()


async def test_who_came_first_to_an_empty_place_has_it(tmp_path, monkeypatch):
    """Another gateway took the folder in the moment between: its file is not touched, and ours is brought to the disk
    when it has gone.
    """
    monkeypatch.setattr(disk_module, "AGAIN", 0.0)
    ours, other = Lock(tmp_path), Lock(tmp_path)
    ours.claim()
    disk = Disk(tmp_path, LIMIT, QUIET, Claim(ours.again, ours.let_go))
    await disk.run(lambda store: store.put([block(rows=64)], {}, ()))
    for file in tmp_path.iterdir():
        file.unlink()
    other.claim()
    (tmp_path / FILE).write_text("the other's")
    for _ in range(2):
        with pytest.raises(Trouble, match=re.escape(f"in use by another gateway (pid {os.getpid()})")) as raised:
            await disk.run(lambda store: None)
        assert raised.value.kind == TAKEN
    assert (tmp_path / FILE).read_text() == "the other's"
    other.let_go()
    assert await disk.run(lambda store: store.rows.total()) == 64
    with pytest.raises(NoState):
        other.claim()
    await disk.close(5)
    ours.let_go()


def test_a_file_that_another_program_has_locked_is_taken(tmp_path):
    """SQLite's lock, as any tool for its files takes it, is told as that and not as a failing disk."""
    held = File(tmp_path / FILE)
    held.settle()
    try:
        with pytest.raises(Trouble, match="locked") as raised:
            File(tmp_path / FILE).settle()
        assert raised.value.kind == TAKEN
    finally:
        held.close()


@pytest.mark.slow
@pytest.mark.parametrize("broker", [True, False])
def test_a_second_gateway_on_it_is_refused(tmp_path, mosquitto, broker):
    """With the broker there, when nothing is stored, as in an outage."""
    if not broker:
        mosquitto.stop()
    with Board(kind="kv", sensors=1, rate=50, name="a") as board:
        text = configuration(mosquitto.port, {"a": board.path})
        with running(tmp_path, text) as first:
            lock, pid = tmp_path / "state" / LOCK, str(first.process.pid)
            until(lambda: first.log.exists() and "service.started" in first.log.read_text(), "it runs")
            until(lambda: board.written.sensors["T1"] > 100, "readings flow")
            shutil.rmtree(tmp_path / "state")
            until(lambda: lock.exists() and lock.read_text() == pid, "the lock is back")
            file = tmp_path / "second.toml"
            file.write_text(text.replace('id = "gw"', 'id = "other"'))
            second = subprocess.run(
                [sys.executable, "-m", "gateway", "run", "-c", str(file)], cwd=ROOT, capture_output=True, text=True,
                env={**os.environ, "STATE_DIRECTORY": str(tmp_path / "state")}, timeout=20,
            )  # fmt: skip
            assert second.returncode == 1
            (said,) = [json.loads(line) for line in second.stderr.splitlines() if "service.failed" in line]
            assert f"in use by another gateway (pid {pid})" in said["error"]
            assert first.stop() == 0

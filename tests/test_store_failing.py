"""The spool's file on a disk that fails or is full: all or nothing, and what is not known is doubtful."""

import math
import os
import sqlite3

import pytest

from gateway.model import Drop
from gateway.publish.spool import sql, store
from gateway.publish.spool.nouns import Gone
from gateway.publish.spool.sql import CORRUPT, FAILED, FULL, READ_ONLY, Trouble
from gateway.publish.spool.store import FILE, Store
from tests.blocks_made import block
from tests.stores import LIMIT, every, failing

__all__ = ["failing"]  # the fixture
pytestmark = pytest.mark.usefixtures("closed_files")


@pytest.mark.parametrize(
    "statement", ["BEGIN", "INSERT INTO blocks", "COMMIT", "DELETE FROM blocks", "INSERT INTO lanes"]
)
@pytest.mark.parametrize("kind", [FULL, FAILED, READ_ONLY])
def test_a_put_is_all_or_nothing(tmp_path, failing, statement, kind):
    opened = Store(tmp_path, LIMIT)
    ids = opened.put([block("a", rows=64)] * 5, {}, ()).ids
    failing[statement] = 0, kind, False
    new = [block("new", rows=64)] * 3
    with pytest.raises(Trouble) as caught:
        opened.put(new, {ids[0]: Gone(("a", "s"), 64)}, ())
    assert caught.value.kind == kind
    failing.clear()
    if kind != FULL:
        opened.close()
        opened = Store(tmp_path, LIMIT, ids[-1])
    assert +opened.rows == {("a", "s"): 320}
    assert [one.id for one in every(opened)] == ids
    done = opened.put(new, {ids[0]: Gone(("a", "s"), 64)}, ())
    assert +opened.rows == {("a", "s"): 256, ("new", "s"): 192}
    assert [one.id for one in every(opened)] == [*ids[1:], *done.ids]
    opened.close()


def test_a_commit_that_failed_and_came_through_is_undone(tmp_path, failing):
    opened = Store(tmp_path, LIMIT)
    ids = opened.put([block("a", rows=64)] * 5, {}, ()).ids
    failing["COMMIT"] = 0, FAILED, True
    with pytest.raises(Trouble):
        opened.put([block("a", rows=64)] * 3, {}, ())
    opened.close()
    opened = Store(tmp_path, LIMIT, ids[-1])
    assert [one.id for one in every(opened)] == ids
    assert opened.rows == {("a", "s"): 320}
    opened.close()


def test_what_was_given_up_in_a_failed_commit_stays_doubtful(tmp_path, failing):
    opened = Store(tmp_path, LIMIT)
    while not opened.put([block("a", rows=64, size=9_000)], {}, ()).lost:
        pass
    opened.doubtful = {}
    last, before = opened.last, opened.dropped[Drop.SPOOL_FULL]
    failing["COMMIT"] = 0, FAILED, True
    with pytest.raises(Trouble):
        opened.put([block("a", rows=64, size=9_000)], {}, ())
    doubtful, rows = dict(opened.doubtful), opened.rows.total()
    opened.close()
    assert doubtful
    opened = Store(tmp_path, LIMIT, last)
    lost = sum(gone.rows for id, gone in doubtful.items() if not opened.has(id))
    assert opened.rows.total() + lost == rows
    assert opened.dropped == {Drop.SPOOL_FULL: before + lost}, "in the same commit"
    opened.close()


def test_a_full_log_is_brought_in_before_the_disk_counts_as_full(tmp_path, failing):
    opened = Store(tmp_path, LIMIT)
    opened.put([block("a", rows=64, size=900)], {}, ())
    at = os.stat(tmp_path / f"{FILE}-wal").st_size
    failing["INSERT INTO blocks"] = 0, FULL, False
    emptied = []
    real = opened._file.empty_log

    def empty_log(*, at_once):
        failing.clear()
        emptied.append(os.stat(tmp_path / f"{FILE}-wal").st_size)
        real(at_once=at_once)

    opened._file.empty_log = empty_log
    opened.put([block("a", rows=64, size=900)], {}, ())
    assert emptied == [at]
    opened.close()


def test_on_a_full_disk_the_reserve_is_given_up_to_forget(tmp_path, failing):
    opened = Store(tmp_path, LIMIT)
    ids = opened.put([block("a", rows=64)] * 5, {}, ()).ids
    reserve = tmp_path / "spool.reserve"
    assert reserve.stat().st_size >= 32_768
    failing["COMMIT"] = 0, FULL, False
    unlink = opened._reserve.give_up

    def give_up():
        failing.clear()
        return unlink()

    opened._reserve.give_up = give_up
    opened.forget({ids[0]: Gone(("a", "s"), 64)})
    assert opened.rows == {("a", "s"): 256}
    assert reserve.exists(), "it is there again as soon as there is room"
    opened.close()


def test_a_disk_without_room_has_no_reserve_and_no_half_of_one(tmp_path, monkeypatch):
    from gateway.publish.spool import reserve

    monkeypatch.setattr(reserve, "room", lambda folder: 40_000)
    opened = Store(tmp_path, LIMIT)
    assert not (tmp_path / "spool.reserve").exists()
    monkeypatch.undo()
    opened.probe()
    assert (tmp_path / "spool.reserve").stat().st_size == opened._reserve.size
    opened.close()


def test_a_probe_writes_and_tells_of_a_full_disk(tmp_path, failing, monkeypatch):
    opened = Store(tmp_path, LIMIT)
    before = os.stat(tmp_path / f"{FILE}-wal").st_size
    opened.probe()
    assert os.stat(tmp_path / f"{FILE}-wal").st_size > before, "it writes"
    monkeypatch.setattr(store, "room", lambda folder: 1000)
    with pytest.raises(Trouble, match="1 kB are free") as caught:
        opened.probe()
    assert caught.value.kind == FULL
    opened.close()


@pytest.mark.parametrize("statement", ["VACUUM", "DELETE FROM sources", "DELETE FROM lanes", "PRAGMA wal_checkpoint"])
def test_what_cannot_be_shrunk_works_all_the_same(tmp_path, failing, statement):
    opened = Store(tmp_path, LIMIT)
    ids = [id for _ in range(20) for id in opened.put([block("a", rows=64, size=9_000)], {}, ()).ids]
    failing[statement] = 0, FULL, False
    opened.forget({id: Gone(("a", "s"), 64) for id in ids})
    failing.clear()
    again = opened.put([block("a", rows=64), block("z", rows=64)], {}, ())
    assert [one.id for one in every(opened)] == again.ids
    opened.close()


def test_errors_of_the_library_and_the_system_are_of_a_kind(tmp_path):
    import errno

    cases = [
        (OSError(errno.ENOSPC, "x"), FULL), (OSError(errno.EROFS, "x"), READ_ONLY), (OSError(errno.EIO, "x"), FAILED),
        (sqlite3.DatabaseError("x"), CORRUPT), (sqlite3.OperationalError("x"), FAILED), (KeyError("x"), CORRUPT),
        (OverflowError("x"), CORRUPT),
    ]  # fmt: skip
    for error, kind in cases:
        with pytest.raises(Trouble) as caught, sql.told(tmp_path):
            raise error
        assert caught.value.kind == kind
    assert math.inf > sql.room(tmp_path) > 0

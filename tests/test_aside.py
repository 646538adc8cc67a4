"""A spool that cannot be read: what can be read of it is carried over, the rest is counted where that is known."""

import os
import random
import sqlite3
import time

import pytest

from gateway.model import Drop
from gateway.publish.spool.aside import Before, rescue
from gateway.publish.spool.leftovers import set_aside
from gateway.publish.spool.nouns import Gone
from gateway.publish.spool.sql import CORRUPT, FAILED, FULL, Trouble
from gateway.publish.spool.store import FILE, Store
from tests.blocks_made import block

pytestmark = pytest.mark.usefixtures("closed_files")

LIMIT = 4_000_000
BLOCKS, ROWS = 300, 64
LANES = [("a", "x"), ("a", "y"), ("b", "x")]


def filled(tmp_path, close=True):
    """A spool with blocks of three lanes in turn; gives their numbers too."""
    opened = Store(tmp_path, LIMIT)
    for lane in LANES * (BLOCKS // 3):
        opened.put([block(*lane, rows=ROWS, first=random.randint(1, 10**9))], {}, [])
    ids = [row[0] for row in opened._file.rows("SELECT id FROM blocks ORDER BY id")]
    rows = dict(opened.rows)
    if close:
        opened.close()
    return ids, rows


def mended(tmp_path, before=None):
    """The file aside, and a new one with what could be carried over."""
    path = set_aside(tmp_path / FILE)
    new = Store(tmp_path, LIMIT, before.last if before else None)
    return rescue(path, new, before or Before()), new


def spoilt(path, at, data):
    """Other bytes in a file."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def test_all_of_a_good_file_is_carried_over_with_its_numbers(tmp_path):
    ids, rows = filled(tmp_path)
    found, new = mended(tmp_path)
    assert (found.saved, found.lost.total(), found.complete) == (BLOCKS * ROWS, 0, True)
    assert [row[0] for row in new._file.rows("SELECT id FROM blocks ORDER BY id")] == ids
    assert new.rows == rows
    assert new.put([block()], {}, ()).ids[0] > ids[-1]


@pytest.mark.parametrize("known", [False, True])
def test_what_a_file_has_dropped_is_carried_over(tmp_path, known):
    """What is lost of it comes to its sums, and so do spoilt blocks that were counted and not yet deleted."""
    ids, rows = filled(tmp_path)
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("INSERT INTO dropped VALUES ('spool_full', 1000), ('spool_age', 'none'), ('odd', 5)")
        db.execute("UPDATE blocks SET data = x'00' WHERE id IN (?, ?)", ids[:2])
    db.close()
    spare = {ids[0]: Gone(LANES[0], ROWS, Drop.SPOOL_CORRUPT), ids[4]: Gone(LANES[1], ROWS)}
    found, new = mended(tmp_path, Before(rows, spare, ids[-1], {Drop.SPOOL_FULL: 1000}) if known else None)
    assert found.lost.total() == (ROWS if known else 2 * ROWS)
    assert new.dropped == {Drop.SPOOL_FULL: 1000, Drop.SPOOL_CORRUPT: 2 * ROWS}


@pytest.mark.parametrize("seed", range(6))
def test_a_spoilt_middle_costs_what_lies_there(tmp_path, seed):
    _, rows = filled(tmp_path)
    dice, size = random.Random(seed), (tmp_path / FILE).stat().st_size
    spoilt(tmp_path / FILE, dice.randrange(8192, size - 20_000), dice.randbytes(20_000))
    found, new = mended(tmp_path, Before(rows, {}, BLOCKS))
    assert found.saved > 0, "something is left"
    assert found.saved + found.lost.total() == sum(rows.values())
    assert new.rows.total() == found.saved
    assert found.complete
    for lane, lost in found.lost.items():
        assert new.rows[lane] == rows[lane] - lost


@pytest.mark.parametrize("what", ["first bytes", "half", "nothing", "random", "text"])
def test_any_file_can_be_set_aside(tmp_path, what):
    _, rows = filled(tmp_path)
    file = tmp_path / FILE
    size = file.stat().st_size
    if what == "first bytes":
        spoilt(file, 0, os.urandom(100))
    elif what == "half":
        os.truncate(file, size // 2)
    else:
        file.write_bytes({"nothing": b"", "random": os.urandom(50_000), "text": b"hello\n" * 1000}[what])
    began = time.monotonic()
    with pytest.raises(Trouble) as caught:
        opened = Store(tmp_path, LIMIT)
        at = dict.fromkeys(opened.rows, 0)
        while some := opened.next(at, {}):
            at |= {one.source.lane: one.id for one in some}
    assert caught.value.kind == CORRUPT
    found, new = mended(tmp_path, Before(rows, {}, BLOCKS))
    assert time.monotonic() - began < 5
    assert found.saved + found.lost.total() == BLOCKS * ROWS
    assert new.rows.total() == found.saved
    new.put([block()], {}, ())


def test_without_a_number_it_is_not_complete(tmp_path):
    filled(tmp_path)
    (tmp_path / FILE).write_bytes(os.urandom(30_000))
    found, _ = mended(tmp_path)
    assert (found.saved, found.lost.total(), found.complete) == (0, 0, False)


def test_what_is_in_memory_too_is_no_loss_and_is_named(tmp_path):
    ids, rows = filled(tmp_path)
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("DELETE FROM blocks WHERE id IN (?, ?, ?)", ids[:3])
    db.close()
    spare = {ids[0]: Gone(LANES[0], ROWS), ids[1]: Gone(LANES[1], ROWS), ids[9]: Gone(LANES[0], ROWS)}
    found, _ = mended(tmp_path, Before(rows, spare, ids[-1]))
    assert found.missing == set(ids[:2])
    assert found.lost == {LANES[2]: ROWS}


def test_blocks_behind_the_last_good_one_are_left(tmp_path):
    ids, rows = filled(tmp_path)
    rows = {lane: count - ROWS for lane, count in rows.items()}
    found, new = mended(tmp_path, Before(rows, {}, ids[-4]))
    assert (found.lost.total(), new.rows) == (0, rows)


@pytest.mark.parametrize("kind", [FULL, FAILED])
def test_a_new_file_that_fails_ends_it_in_order(tmp_path, kind, monkeypatch):
    _, rows = filled(tmp_path)
    carried = []

    def carry(self, blocks):
        if len(carried) == 2:
            raise Trouble(kind, "on purpose")
        carried.append(blocks)

    monkeypatch.setattr(Store, "carry", carry)
    if kind == FULL:
        found, _ = mended(tmp_path, Before(rows, {}, BLOCKS))
        assert found.saved == 100 * ROWS
        assert found.lost.total() == 200 * ROWS
    else:
        with pytest.raises(Trouble):
            mended(tmp_path, Before(rows, {}, BLOCKS))


def test_it_does_not_take_longer_than_a_start_may(tmp_path, monkeypatch):
    _, rows = filled(tmp_path)
    monkeypatch.setattr("gateway.publish.spool.aside.PATIENCE", 0.0)
    found, _ = mended(tmp_path, Before(rows, {}, BLOCKS))
    assert found.saved + found.lost.total() == BLOCKS * ROWS
    assert found.lost


def test_the_newest_two_are_kept_with_their_logs(tmp_path):
    for number in range(4):
        filled(tmp_path, close=False)
        (tmp_path / "spool.reserve").unlink()
        path = set_aside(tmp_path / FILE)
        assert path.read_bytes()
        assert path.with_name(path.name + "-wal").exists()
        os.utime(path)
        assert len(list(tmp_path.glob("*.damaged.db"))) == min(2, number + 1)
        assert not list(tmp_path.glob(f"{FILE}*"))


@pytest.mark.parametrize("known", [False, True])
def test_a_spoilt_log_is_noticed(tmp_path, known):
    _, rows = filled(tmp_path, close=False)
    log = tmp_path / f"{FILE}-wal"
    in_log = log.stat().st_size
    log.write_bytes(os.urandom(in_log))
    with pytest.raises(Trouble, match="its log") as caught:
        Store(tmp_path, LIMIT)
    assert caught.value.kind == CORRUPT
    found, new = mended(tmp_path, Before(rows, {}, BLOCKS) if known else None)
    assert new.rows.total() == found.saved < BLOCKS * ROWS
    assert found.complete is known
    assert found.lost.total() == (BLOCKS * ROWS - found.saved if known else 0)

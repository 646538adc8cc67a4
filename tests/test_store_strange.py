"""Files of the spool that are not ours, and who may read those that are."""

import os
import sqlite3

import pytest

from gateway.publish.spool.sql import CORRUPT, Trouble
from gateway.publish.spool.store import FILE, Store
from gateway.publish.spool.tables import LAST_ID
from tests.blocks_made import block
from tests.stores import LIMIT, every

pytestmark = pytest.mark.usefixtures("closed_files")


def broken(tmp_path, change):
    """A spool with 10 blocks after `change`, which gets a connection to it."""
    opened = Store(tmp_path, LIMIT)
    opened.put([block("a", rows=64) for _ in range(10)], {}, ())
    opened.close()
    with sqlite3.connect(tmp_path / FILE) as db:
        change(db)
    db.close()
    return tmp_path


@pytest.mark.parametrize(
    "statement",
    [
        "PRAGMA user_version=1",
        "PRAGMA user_version=3",
        "PRAGMA user_version=0",
        "DROP INDEX by_lane",
        "ALTER TABLE blocks ADD COLUMN more",
        "CREATE TRIGGER t AFTER INSERT ON blocks BEGIN DELETE FROM blocks; END",
        "CREATE VIEW v AS SELECT 1",
        "UPDATE blocks SET rows = 'many' WHERE id = 3",
        "UPDATE blocks SET rows = 0 WHERE id = 3",
        f"UPDATE blocks SET rows = {2**62} WHERE id > 3",
        f"UPDATE blocks SET id = {LAST_ID + 1} WHERE id = 3",
        "UPDATE blocks SET id = -3 WHERE id = 3",
        "UPDATE lanes SET name = '[1, 2]'",
        "UPDATE lanes SET name = x'00ff'",
        "DELETE FROM lanes",
        "INSERT INTO dropped VALUES ('spool_full', 'many')",
        "INSERT INTO dropped VALUES ('spool_full', -1)",
        "INSERT INTO dropped VALUES (NULL, 1)",
        "INSERT INTO dropped VALUES (x'00ff', 1)",
    ],
)
def test_a_file_that_is_not_ours_is_not_opened(tmp_path, statement):
    with pytest.raises(Trouble) as caught:
        Store(broken(tmp_path, lambda db: db.execute(statement)), LIMIT)
    assert caught.value.kind == CORRUPT


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE blocks SET wall = 'noon'",
        "UPDATE blocks SET mono = 9e999",
        "UPDATE blocks SET data = 'text'",
        "UPDATE blocks SET data = zeroblob(17000000)",
        "UPDATE blocks SET source = 77",
        "UPDATE sources SET text = '{}'",
        "UPDATE sources SET text = replace(text, '\"a\"', '\"other\"')",
        "UPDATE sources SET text = hex(zeroblob(600000))",
    ],
)
def test_a_block_that_is_none_is_found_out(tmp_path, statement):
    opened = Store(broken(tmp_path, lambda db: db.execute(statement)), LIMIT)
    with pytest.raises(Trouble) as caught:
        every(opened)
    assert caught.value.kind == CORRUPT
    opened.close()


def test_a_file_that_was_emptied_is_not_taken_for_a_new_one(tmp_path):
    broken(tmp_path, lambda db: None)
    (tmp_path / FILE).write_bytes(b"")
    with pytest.raises(Trouble) as caught:
        Store(tmp_path, LIMIT)
    assert caught.value.kind == CORRUPT


def test_no_link_is_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    state = tmp_path / "state"
    state.mkdir()
    for name in (f"{FILE}-wal", f"{FILE}-journal", "spool.reserve"):
        (state / name).symlink_to(victim)
    opened = Store(state, LIMIT)
    opened.put([block()], {}, ())
    opened.close()
    assert victim.read_text() == "precious"
    assert not any(one.is_symlink() for one in state.iterdir())
    (state / FILE).unlink()
    (state / FILE).symlink_to(victim)
    with pytest.raises(Trouble):
        Store(state, LIMIT)
    assert victim.read_text() == "precious"


def test_files_are_for_us_alone(tmp_path):
    before = os.umask(0)
    try:
        opened = Store(tmp_path, LIMIT)
        opened.put([block()], {}, ())
        assert {one.stat().st_mode & 0o777 for one in tmp_path.iterdir()} == {0o600}
        opened.close()
    finally:
        os.umask(before)

"""A spool's files that another process copies: they stay as they are for a while, and what is copied holds together."""

import shutil
from contextlib import closing

import pytest

from gateway.publish.spool.store import FILE, Store
from tests.blocks_made import block
from tests.stores import LIMIT, every, opened

__all__ = ["opened"]  # the fixture
LOG = f"{FILE}-wal"


def sizes(folder):
    return [(folder / name).stat().st_size for name in (FILE, LOG)]


def put(store, times):
    """Stores so many blocks of 20 kB."""
    for _ in range(times):
        store.put([block("a", rows=64, size=20_000)], {}, ())


def test_while_it_is_held_the_log_alone_grows(opened, tmp_path):
    """The file is the same, byte for byte, for longer than the log usually is; then all comes into it."""
    put(opened, 1)
    opened.hold(60.0)
    before = (tmp_path / FILE).read_bytes()
    put(opened, 4)
    opened.probe()
    assert (tmp_path / FILE).read_bytes() == before
    assert sizes(tmp_path)[1] > opened._log
    assert opened.let_go() is True
    put(opened, 1)
    assert sizes(tmp_path)[1] < opened._log
    assert opened.let_go() is False


def test_what_is_copied_meanwhile_holds_together(opened, tmp_path):
    """Both files, one after the other, while blocks come and go: all that was there when it began is in the copy."""
    put(opened, 2)
    opened.hold(60.0)
    there = {one.id for one in every(opened)}
    for number in range(3):
        copy = tmp_path / f"copy{number}"
        copy.mkdir()
        shutil.copy(tmp_path / FILE, copy)
        put(opened, 1)
        shutil.copy(tmp_path / LOG, copy)
        with closing(Store(copy, LIMIT)) as other:
            found = {one.id for one in every(other)}
        assert there < found
    assert opened.let_go() is True


@pytest.mark.parametrize("end", ["time", "length", "full"])
def test_it_is_not_held_for_ever(opened, tmp_path, end):
    """When its time is over, when the log has grown to an eighth of the limit, and when a full disk needs its room, the
    log is emptied as ever; who copied is told that it was for nothing.
    """
    opened.hold(0.0 if end == "time" else 60.0)
    if end == "length":
        put(opened, LIMIT // 8 // 20_000 + 2)
    elif end == "full":
        put(opened, 1)
        opened._file.empty_log(at_once=True)
    put(opened, 2)
    assert opened.let_go() is False
    assert sizes(tmp_path)[1] < LIMIT // 8

"""The spool's file, or its log, is cut short under a running gateway: what SQLite still has is brought back, the rest
is counted.
"""

import os
import re
import shutil

import pytest

from gateway.model import Drop
from gateway.publish import keeper as keeper_module
from gateway.publish.spool import disk as disk_module
from gateway.publish.spool import spool as spool_module
from gateway.publish.spool.disk import Disk, News
from gateway.publish.spool.nouns import Gone
from gateway.publish.spool.store import FILE, Store
from tests.blocks_made import block
from tests.keepers import LANES, Street

pytestmark = pytest.mark.usefixtures("closed_files")

LOG = f"{FILE}-wal"
CUTS = [{FILE: 0}, {LOG: 0}, {LOG: 100}, {FILE: 0, LOG: 0}, {FILE: 1024, LOG: 100}]  # bytes that are left
LARGE = 1 << 28  # bytes that a spool may take
MANY = 6000  # blocks: more than the cache holds


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Nobody waits before the next try, or the next look."""
    for module in (disk_module, keeper_module):
        monkeypatch.setattr(module, "AGAIN", 0.0)
    for name in ("IDLE", "PROBES"):
        monkeypatch.setattr(spool_module, name, 0.0)


def cut(folder, sizes):
    """As `: > file` does it."""
    for name, size in sizes.items():
        os.truncate(folder / name, size)


async def stored(s, readings):
    """So many more readings are on the disk alone."""
    s.come(LANES[0], readings)
    s.now += 1.1
    await s.look()


async def filled(s, *, log_emptied):
    """300 readings lie there, in the log, or most of them in the file itself."""
    await s.spool.open()
    await stored(s, 200)
    if log_emptied:
        await s.spool._disk.run(lambda store: store._file.empty_log())
    await stored(s, 100)


@pytest.mark.parametrize("log_emptied", [False, True])
@pytest.mark.parametrize("sizes", CUTS, ids=str)
async def test_what_it_held_is_all_sent(tmp_path, sizes, log_emptied):
    """A look finds it out although no readings come; all that had come before and after is sent, once each."""
    s = Street(tmp_path)
    try:
        await filled(s, log_emptied=log_emptied)
        await s.spool._disk.run(lambda store: store.count({Drop.SPOOL_FULL: 7}))
        cut(tmp_path, sizes)
        await s.look()
        (event,) = [fields for name, fields in s.events if name == "spool.damaged"]
        assert (event["saved"], event["lost"], event["complete"]) == (300, 0, True)
        assert re.match(rf"{tmp_path}/spool\.db(-wal)? was cut short under the gateway", s.spool.damage)
        killed = tmp_path / "killed"
        killed.mkdir()
        for name in (FILE, LOG):
            shutil.copy(tmp_path / name, killed / name)
        found = Store(killed, LARGE)
        assert found.rows.total() == 300, "a kill now would cost nothing"
        found.close()
        await stored(s, 10)
        await s.drain()
        assert (s.spool.held("a"), len(s.taken), s.accounts["a"].dropped) == (0, 310, {})
        assert set(s.taken.values()) == {1}
        assert s.spool.look(1.0)["dropped"] == {Drop.SPOOL_FULL: 7}
    finally:
        await s.close()


def test_our_own_writing_is_no_cut(tmp_path):
    """Blocks come and go, the log is emptied, the file shrinks: nothing of that is taken for one."""
    store, largest = Store(tmp_path, LARGE), 0
    for _ in range(2):
        many = [block(rows=64)] * MANY
        put = store.put(many, {}, ())
        assert store.gone is None
        largest = max(largest, (tmp_path / FILE).stat().st_size)
        store.forget({id: Gone(one.source.lane, one.rows) for id, one in zip(put.ids, many, strict=True)})
        assert (tmp_path / FILE).stat().st_size < largest, "it has shrunk"
        assert store.gone is None
        store.probe()
        assert store.gone is None
    store.close()


@pytest.mark.slow
@pytest.mark.parametrize("sizes", CUTS, ids=str)
async def test_what_is_not_in_memory_is_counted(tmp_path, sizes):
    """Of a large spool SQLite's cache holds but a part: what can be read is kept, the rest known to a reading."""
    rescued = []
    disk = Disk(tmp_path, LARGE, News(lambda rows, dropped: None, rescued.append, lambda gone: None))
    for _ in range(MANY // 500):
        await disk.run(lambda store: store.put([block(rows=64)] * 500, {}, ()))
    await disk.run(lambda store: store._file.empty_log())
    await disk.run(lambda store: store.put([block(rows=64)] * 500, {}, ()))
    await disk.run(lambda store: store._file.rows("SELECT sum(length(data)) FROM blocks WHERE id < ?", MANY))
    assert (tmp_path / LOG).stat().st_size > 100_000, "something is in either"
    cut(tmp_path, sizes)
    left = await disk.run(lambda store: store.rows.total())
    ids = await disk.run(lambda store: store.put([block(rows=64)], {}, ()).ids)
    assert ids == [MANY + 501], "numbers go on"
    (found,) = rescued
    assert found.lost.total() + left == (MANY + 500) * 64
    assert (found.saved, found.complete, found.replaced) == (left, True, "")
    dropped = await disk.run(lambda store: store.dropped)
    assert dropped == {Drop.SPOOL_CORRUPT: found.lost.total()}
    if FILE not in sizes:
        assert left > 0, "what lay in the file is there"
    await disk.close(5)


async def test_a_file_of_no_bytes_beside_its_log_is_damage_at_the_start(tmp_path):
    """It was cut and the gateway killed at once: what the log has is sent, and it is set aside and told."""
    s = Street(tmp_path / "first")
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    try:
        await filled(s, log_emptied=False)
        shutil.copy(tmp_path / "first" / LOG, tmp_path / "second" / LOG)
        (tmp_path / "second" / FILE).touch()
    finally:
        await s.close()
    again = Street(tmp_path / "second")
    try:
        await again.spool.open()
        (aside,) = (tmp_path / "second").glob("*.damaged.db")
        assert ("spool.damaged", {"file": str(aside), "saved": 300, "lost": 0, "complete": True}) in again.events
        assert again.spool.held("a") == 300
    finally:
        await again.close()

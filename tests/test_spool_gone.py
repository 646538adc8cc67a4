"""The spool's files are deleted or replaced under a running gateway: what they held is brought back, and told of."""

import errno
import os
import resource
import shutil
from pathlib import Path

import pytest

from gateway.model import Drop
from gateway.publish import keeper as keeper_module
from gateway.publish.spool import disk as disk_module
from gateway.publish.spool import spool as spool_module
from gateway.publish.spool import sql
from gateway.publish.spool.sql import FAILED, FULL, READ_ONLY, File, Trouble
from gateway.publish.spool.store import FILE, Store
from tests.blocks_made import block
from tests.keepers import LANES, Street

pytestmark = pytest.mark.usefixtures("closed_files")


def _file(folder):
    (folder / FILE).unlink()


def _files(folder):
    for file in folder.glob("spool.db*"):
        file.unlink()


def _folder(folder):
    shutil.rmtree(folder)


def _another(folder):
    (folder / "other").write_bytes(b"no tables")
    os.replace(folder / "other", folder / FILE)


def _log(folder):
    (folder / f"{FILE}-wal").unlink()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Nobody waits before the next try."""
    for module in (disk_module, keeper_module):
        monkeypatch.setattr(module, "AGAIN", 0.0)


async def outage(s, readings=10):
    """So many readings are on the disk alone."""
    await s.spool.open()
    s.come(LANES[0], readings)
    s.now += 1.1
    await s.look()
    assert s.spool.held("a") == readings, "the outage has brought them to the disk"


def told(s):
    """What was said of the file, but for where it lies."""
    return [(name, fields["saved"], fields["lost"]) for name, fields in s.events if name == "spool.damaged"]


def on_disk(folder):
    """Readings that another process would find there."""
    store = Store(folder, 1_000_000)
    try:
        return store.rows.total()
    finally:
        store.close()


@pytest.mark.parametrize("delete", [_file, _files, _folder, _another, _log])
async def test_what_it_held_is_all_sent(tmp_path, delete):
    """Ten readings lie there when it goes; ten more come, and all come out, once each."""
    s = Street(tmp_path / "state")
    (tmp_path / "state").mkdir()
    try:
        await outage(s)
        await s.spool._disk.run(lambda store: store.count({Drop.SPOOL_FULL: 7}))
        delete(tmp_path / "state")
        for _ in range(2):
            s.come(LANES[0], 5)
            s.now += 1.1
            await s.look()
        assert told(s) == [("spool.damaged", 10, 0)]
        gone = tmp_path / "state" / (f"{FILE}-wal" if delete is _log else FILE)
        assert s.spool.damage.startswith(f"{gone} was deleted or replaced under the gateway")
        aside = [file.read_bytes() for file in (tmp_path / "state").glob("*.damaged.db")]
        assert aside == ([b"no tables"] if delete is _another else []), "another's is not destroyed"
        await s.drain()
        assert (s.spool.held("a"), len(s.taken), s.accounts["a"].dropped) == (0, 20, {})
        assert set(s.taken.values()) == {1}
        assert s.spool.look(1.0)["dropped"] == {Drop.SPOOL_FULL: 7}, "the new file has the sums"
    finally:
        await s.close()


@pytest.mark.parametrize("delete", [_file, _files, _log])
async def test_it_is_noticed_although_no_readings_come(tmp_path, monkeypatch, delete):
    """Nothing is to be stored or fetched; a look of the keeper alone finds it out, and it can be killed then."""
    monkeypatch.setattr(spool_module, "IDLE", 0.0)
    monkeypatch.setattr(spool_module, "PROBES", 0.0)
    s = Street(tmp_path)
    try:
        await outage(s)
        s.spool._aged = float("inf")  # nor is there anything to look at for its age
        delete(tmp_path)
        await s.look()
        assert told(s) == [("spool.damaged", 10, 0)]
        for part in (FILE, f"{FILE}-wal"):  # as a kill leaves them
            (tmp_path / "killed").mkdir(exist_ok=True)
            shutil.copy(tmp_path / part, tmp_path / "killed" / part)
        assert on_disk(tmp_path / "killed") == 10
    finally:
        await s.close()


@pytest.mark.parametrize("delete", [_file, _files, _log])
async def test_it_is_noticed_at_the_stop(tmp_path, delete):
    """It goes as the last thing before the end; the next start finds all."""
    s = Street(tmp_path)
    await outage(s)
    delete(tmp_path)
    await s.close()
    assert not (tmp_path / f"{FILE}-wal").exists()
    assert on_disk(tmp_path) == 10


async def test_on_a_full_disk_it_is_kept_open_until_there_is_room(tmp_path, monkeypatch):
    """The new file cannot be written at first; nothing is lost for that."""
    s = Street(tmp_path)
    try:
        await outage(s)
        _file(tmp_path)
        real = Store.bring_back

        def full(store):
            raise Trouble(FULL, "no room")

        monkeypatch.setattr(Store, "bring_back", full)
        for _ in range(3):
            s.come(LANES[0], 1)
            s.now += 1.1
            await s.look()
        assert s.spool.why_shed == Drop.DISK_FULL
        monkeypatch.setattr(Store, "bring_back", real)
        s.now += 1.1
        await s.look()
        assert told(s) == [("spool.damaged", 10, 0)]
        assert s.accounts["a"].dropped == {}
        assert s.spool.held("a") == 13
    finally:
        await s.close()


@pytest.mark.parametrize(("delete", "kind"), [(_folder, READ_ONLY), (_file, READ_ONLY), (_log, FAILED)])
async def test_what_cannot_be_written_at_once_is_kept_open_until_it_can(tmp_path, monkeypatch, delete, kind):
    """Its folder went, and we may make none; or the file takes no log: when that is over, all is sent."""
    s, state = Street(tmp_path / "state"), tmp_path / "state"
    state.mkdir()
    try:
        await outage(s)
        delete(state)
        with monkeypatch.context() as refusing:

            def refused(*_, **__):
                raise OSError(errno.EACCES if kind is READ_ONLY else errno.EIO, "refused on purpose")

            if kind is READ_ONLY:  # the tests may run as root, whom nothing is refused
                refusing.setattr(Path, "mkdir", refused)
            else:
                refusing.setattr(File, "empty_log", sql.told(state / FILE)(refused))
            for _ in range(3):
                s.come(LANES[0], 1)
                s.now += 1.1
                await s.look()
            assert "refused on purpose" in s.spool.trouble
            assert told(s) == []
        s.now += 1.1
        await s.look()
        assert told(s) == [("spool.damaged", 10, 0)]
        await s.drain()
        assert (s.spool.held("a"), len(s.taken), s.accounts["a"].dropped) == (0, 13, {})
        assert set(s.taken.values()) == {1}
    finally:
        await s.close()


async def test_what_is_deleted_during_a_job_is_named_and_kept(tmp_path):
    """The log goes while a block is stored: that job fails, by the log's name, and only what was there before is."""
    s = Street(tmp_path)
    try:
        await outage(s)

        def job(store):
            _log(tmp_path)
            return store.put([block()], {}, ())

        with pytest.raises(Trouble, match=rf"{FILE}-wal: No such file"):
            await s.spool._disk.run(job)
        assert await s.spool._disk.run(lambda store: store.rows.total()) == 10
        assert told(s) == [("spool.damaged", 10, 0)]
    finally:
        await s.close()


async def test_what_is_back_in_its_place_is_opened_anew(tmp_path):
    """The log was away while a job failed, and is back: nothing is said, and the block of that job is not there."""
    s = Street(tmp_path)
    try:
        await outage(s)

        def job(store):
            (tmp_path / f"{FILE}-wal").rename(tmp_path / "away")
            return store.put([block()], {}, ())

        with pytest.raises(Trouble, match=rf"{FILE}-wal: No such file"):
            await s.spool._disk.run(job)
        (tmp_path / "away").rename(tmp_path / f"{FILE}-wal")
        assert await s.spool._disk.run(lambda store: store.rows.total()) == 10
        assert told(s) == []
    finally:
        await s.close()


def test_a_copy_that_fails_leaves_no_file(tmp_path):
    """The system takes no more bytes in the middle of it; the next try finds the place empty, and succeeds."""
    store = Store(tmp_path, 1_000_000)
    store.put([block(rows=500)] * 20, {}, ())
    held = store.rows.total()
    _file(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))
    try:
        with pytest.raises(Trouble):
            store.bring_back()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.glob("spool.db*"))
    store.bring_back()
    store.close()
    assert on_disk(tmp_path) == held
    assert not list(tmp_path.glob("*.damaged.db"))


async def test_a_log_without_its_file_is_damage_at_the_start(tmp_path):
    """The file was deleted and the gateway killed at once: what its log has is sent, and it is set aside and told."""
    s = Street(tmp_path / "first")
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    try:
        await outage(s)
        shutil.copy(tmp_path / "first" / f"{FILE}-wal", tmp_path / "second" / f"{FILE}-wal")
    finally:
        await s.close()
    again = Street(tmp_path / "second")
    try:
        await again.spool.open()
        (aside,) = (tmp_path / "second").glob("*.damaged.db")
        damaged = {"file": str(aside), "saved": 10, "lost": 0, "complete": True}
        assert ("spool.damaged", damaged) in again.events
        assert again.spool.held("a") == 10
    finally:
        await again.close()


async def test_a_log_without_its_file_and_its_beginning_says_that_nobody_knows(tmp_path):
    """What came first lay in the file alone."""
    s = Street(tmp_path / "first")
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    try:
        await outage(s)
        await s.spool._try(lambda store: store._file.empty_log())
        s.come(LANES[0], 5)
        s.now += 1.1
        await s.look()
        shutil.copy(tmp_path / "first" / f"{FILE}-wal", tmp_path / "second" / f"{FILE}-wal")
    finally:
        await s.close()
    again = Street(tmp_path / "second")
    try:
        await again.spool.open()
        assert [name for name, _ in again.events] == ["spool.damaged"]
        assert "nobody knows" in again.spool.damage
        assert len(list((tmp_path / "second").glob("*.damaged.db"))) == 1
    finally:
        await again.close()

"""The thread of the spool: jobs in order, opened anew after trouble, and nobody waits for a disk that hangs."""

import asyncio
import threading
import time

import pytest

from gateway.publish.spool import disk as disk_module
from gateway.publish.spool.disk import Claim, Disk, News
from gateway.publish.spool.nouns import Gone
from gateway.publish.spool.sql import CORRUPT, FAILED, FULL, READ_ONLY, Trouble
from gateway.publish.spool.store import FILE, Store
from tests.blocks_made import block
from tests.street import until

pytestmark = pytest.mark.usefixtures("closed_files")

LIMIT = 1_000_000


class Heard:
    """What a disk has told of."""

    def __init__(self):
        self.opened, self.rescued, self.lost = [], [], []
        self.news = News(lambda rows, dropped: self.opened.append(rows), self.rescued.append, self.lost.append)


@pytest.fixture
def soon(monkeypatch):
    """It is tried again at once."""
    monkeypatch.setattr(disk_module, "AGAIN", 0.0)


def put(*blocks):
    """A job that stores blocks."""
    return lambda store: store.put(blocks, {}, ()).ids


def raising(kind):
    """A job that fails."""

    def job(store):
        raise Trouble(kind, "on purpose")

    return job


async def test_jobs_are_done_in_order(tmp_path):
    heard = Heard()
    disk = Disk(tmp_path, LIMIT, heard.news)
    found = await asyncio.gather(*(disk.run(put(block(rows=64))) for _ in range(5)))
    assert found == [[1], [2], [3], [4], [5]]
    await disk.close(5)
    assert heard.opened == [{}]
    again = Disk(tmp_path, LIMIT, heard.news)
    assert await again.run(lambda store: store.last) == 5
    assert heard.opened[1] == {("b", "s"): 320}
    await again.close(5)


async def test_an_error_of_a_job_comes_to_who_waits(tmp_path):
    disk = Disk(tmp_path, LIMIT, Heard().news)
    with pytest.raises(ZeroDivisionError):
        await disk.run(lambda store: 1 // 0)
    assert await disk.run(put(block())) == [1]
    await disk.close(5)


async def test_after_trouble_it_is_opened_anew_but_not_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(disk_module, "AGAIN", 0.3)
    disk = Disk(tmp_path, LIMIT, Heard().news)
    assert await disk.run(put(block())) == [1]
    with pytest.raises(Trouble):
        await disk.run(raising(FAILED))
    ran = []
    with pytest.raises(Trouble, match="on purpose"):
        await disk.run(ran.append)
    assert not ran, "not at once"
    deadline = time.monotonic() + 5
    while not ran and time.monotonic() < deadline:
        try:
            await disk.run(ran.append)
        except Trouble:
            await asyncio.sleep(0.02)
    assert await disk.run(put(block())) == [2]
    await disk.close(5)


async def test_on_a_full_disk_the_file_stays_open(tmp_path):
    disk = Disk(tmp_path, LIMIT, Heard().news)
    stores = [await disk.run(lambda store: store)]
    with pytest.raises(Trouble):
        await disk.run(raising(FULL))
    stores.append(await disk.run(lambda store: store))
    assert stores[0] is stores[1]
    await disk.close(5)


async def test_what_a_failed_job_had_given_up_is_told_once_it_has_gone(tmp_path, soon):
    heard = Heard()
    disk = Disk(tmp_path, LIMIT, heard.news)
    ids = await disk.run(put(*(block(rows=64) for _ in range(3))))

    def job(store):
        store.doubtful = {ids[0]: Gone(("b", "s"), 64), ids[1]: Gone(("b", "s"), 64)}
        with store._shelf.transaction():
            store._shelf.delete({ids[0]: Gone(("b", "s"), 64)})
        raise Trouble(FAILED, "after the commit")

    with pytest.raises(Trouble):
        await disk.run(job)
    assert await disk.run(lambda store: store.rows.total()) == 128
    assert heard.lost == [[Gone(("b", "s"), 64)]]
    await disk.close(5)


async def test_a_spoilt_file_is_replaced_and_the_numbers_go_on(tmp_path, soon):
    heard = Heard()
    disk = Disk(tmp_path, LIMIT, heard.news)
    ids = await disk.run(put(*(block(rows=64) for _ in range(30))))
    with pytest.raises(Trouble):
        await disk.run(raising(CORRUPT))
    assert await disk.run(put(block(rows=64))) == [ids[-1] + 1]
    assert len(heard.opened) == 1
    (found,) = heard.rescued
    assert (found.saved, found.lost.total(), found.complete) == (30 * 64, 0, True)
    assert found.path.exists()
    await disk.close(5)


async def test_a_file_of_the_version_before_is_carried_over(tmp_path):
    """Its tables lack the sums of what was dropped; its readings are all there, in a new file."""
    opened = Store(tmp_path, LIMIT)
    opened.put([block(rows=64)] * 3, {}, ())
    opened._file.rows("DROP TABLE dropped")
    opened._file.rows("PRAGMA user_version=1")
    opened.close()
    heard = Heard()
    disk = Disk(tmp_path, LIMIT, heard.news)
    assert await disk.run(lambda store: (store.rows.total(), store.dropped)) == (192, {})
    assert [(one.saved, one.lost.total(), one.complete) for one in heard.rescued] == [(192, 0, True)]
    await disk.close(5)


async def test_a_rescue_that_fails_is_done_again(tmp_path, soon, monkeypatch):
    heard = Heard()
    disk = Disk(tmp_path, LIMIT, heard.news)
    await disk.run(put(*(block(rows=64) for _ in range(120))))
    with pytest.raises(Trouble):
        await disk.run(raising(CORRUPT))
    real, calls = Store.carry, []

    def carry(self, blocks):
        calls.append(1)
        if len(calls) == 2:
            raise Trouble(FAILED, "in the middle of it")
        real(self, blocks)

    monkeypatch.setattr(Store, "carry", carry)
    with pytest.raises(Trouble, match="middle"):
        await disk.run(put(block()))
    assert heard.rescued == []
    assert await disk.run(lambda store: store.rows.total()) == 120 * 64
    assert [(one.saved, one.lost.total()) for one in heard.rescued] == [(120 * 64, 0)]
    assert len(list(tmp_path.glob("*.damaged.db"))) == 1
    await disk.close(5)


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100, b"SQLite format 3\0" + bytes(5000)])
async def test_a_file_that_cannot_be_read_at_the_start(tmp_path, content):
    disk = Disk(tmp_path, LIMIT, Heard().news)
    await disk.run(put(block()))
    await disk.close(5)
    (tmp_path / FILE).write_bytes(content)
    heard = Heard()
    disk = Disk(tmp_path, LIMIT, heard.news)
    assert await disk.run(put(block())) == [1]
    assert [one.complete for one in heard.rescued] == [False]
    await disk.close(5)


async def test_a_disk_that_hangs_holds_nobody_up(tmp_path):
    disk = Disk(tmp_path, LIMIT, Heard().news)
    release, hanging = threading.Event(), threading.Event()

    def hangs(store):
        hanging.set()
        release.wait(20)

    job = asyncio.ensure_future(disk.run(hangs))
    await asyncio.to_thread(hanging.wait, 5)
    waiting = asyncio.ensure_future(disk.run(put(block())))
    await asyncio.sleep(0.05)
    assert disk.busy_for >= 0.05
    waiting.cancel()
    began = time.monotonic()
    await disk.close(0.1)
    assert time.monotonic() - began < 2
    job.cancel()
    release.set()
    await asyncio.to_thread(until, lambda: disk.busy_for == 0.0, "it goes on")


def test_the_end_of_the_loop_ends_no_thread_with_a_traceback(tmp_path, capfd):
    hanging, release = threading.Event(), threading.Event()

    def hangs(store):
        hanging.set()
        release.wait(20)

    async def main():
        disk = Disk(tmp_path, LIMIT, Heard().news)
        task = asyncio.ensure_future(disk.run(hangs))
        await asyncio.to_thread(hanging.wait, 5)
        task.cancel()
        disk._jobs.put(None)

    asyncio.run(main())
    release.set()
    deadline = time.monotonic() + 5
    while any(thread.name == "spool" for thread in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "Traceback" not in capfd.readouterr().err


async def test_a_file_that_ends_start_after_start_is_set_aside_unread(tmp_path, monkeypatch):
    disk = Disk(tmp_path, LIMIT, Heard().news)
    await disk.run(put(*(block(rows=64) for _ in range(7))))
    await disk.close(5)
    monkeypatch.setattr(disk_module, "Store", lambda *_: 1 // 0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await Disk(tmp_path, LIMIT, Heard().news).run(lambda store: None)
    monkeypatch.undo()
    heard = Heard()
    disk = Disk(tmp_path, LIMIT, heard.news)
    assert await disk.run(put(block(rows=64))) == [1]
    assert [(one.saved, one.lost, one.complete) for one in heard.rescued] == [(0, {("b", "s"): 7 * 64}, True)]
    await disk.close(5)
    assert not (tmp_path / "spool.opening").exists()


async def test_starts_that_ended_long_ago_do_not_count(tmp_path):
    note = tmp_path / "spool.opening"
    for text in ("1.0\n2.0", "nonsense", "\0" * 5000, f"{time.monotonic() + 1e6} " * 9, "nan nan nan", "inf " * 9):
        note.write_text(text)
        heard = Heard()
        disk = Disk(tmp_path, LIMIT, heard.news)
        await disk.run(put(block(rows=64)))
        await disk.close(5)
        assert heard.rescued == []


@pytest.mark.parametrize("emptied", [False, True])
async def test_a_file_that_is_another_one_after_trouble_is_noticed(tmp_path, soon, emptied):
    heard = Heard()
    disk = Disk(tmp_path, LIMIT, heard.news)
    ids = await disk.run(put(*(block(rows=64) for _ in range(10))))
    with pytest.raises(Trouble):
        await disk.run(raising(FAILED))
    disk.spare = {ids[0]: Gone(("b", "s"), 64)}
    if emptied:
        for one in tmp_path.iterdir():
            one.unlink()
    assert await disk.run(put(block(rows=64))) == [11]
    await disk.close(5)
    if emptied:
        (found,) = heard.rescued
        assert (found.lost, found.missing, found.saved) == ({("b", "s"): 9 * 64}, {ids[0]}, 0)
    else:
        assert heard.rescued == []


@pytest.mark.parametrize(("kind", "lets_go"), [(READ_ONLY, True), (FAILED, True), (FULL, False), (CORRUPT, False)])
async def test_the_folder_is_let_go_while_the_disk_is_to_be_repaired(tmp_path, soon, kind, lets_go):
    """It is claimed again before a file is opened; where another has it, none is, and the next try finds it free."""
    done = []

    def again():
        done.append("again")
        if taken:
            raise BlockingIOError(11, "in use by another gateway (pid 1)")

    taken = False
    disk = Disk(tmp_path, LIMIT, Heard().news, Claim(again, lambda: done.append("let go")))
    await disk.run(put(block()))
    assert done == ["again"]
    with pytest.raises(Trouble):
        await disk.run(raising(kind))
    assert done == ["again"] * 2 + ["let go"] * lets_go
    if lets_go:
        taken = True
        for file in tmp_path.iterdir():
            file.unlink()
        with pytest.raises(Trouble, match="in use by another gateway"):
            await disk.run(put(block()))
        assert not list(tmp_path.iterdir())
        taken = False
    await disk.run(put(block()))
    assert (tmp_path / FILE).exists()
    await disk.close(5)

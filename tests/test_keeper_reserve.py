"""The end on a full disk: what waits in memory goes into the room of the reserve."""

import contextlib
import os

import pytest

from gateway.model import Drop
from gateway.publish.spool.reserve import NAME
from tests.faults.disks import Mount
from tests.keepers import LANES, Street

pytestmark = [
    pytest.mark.usefixtures("closed_files"),
    pytest.mark.skipif(os.geteuid() != 0, reason="it needs root, to mount a disk that can be filled"),
]

LIMIT = 1 << 28  # bytes; the usual one, with a reserve of 131 kB


@pytest.fixture
def disk(tmp_path):
    """One of 1 MB."""
    with contextlib.ExitStack() as stack:
        yield Mount(stack, tmp_path / "state", "-t", "tmpfs", "-o", "size=1m", "none")


async def ended(disk, readings):
    """An outage on a disk that is full before so many readings come, and the stop. Gives the street and those that the
    disk did not take.
    """
    s = Street(disk.place, limit=LIMIT, most=1_000_000)
    await s.spool.open()
    s.come(LANES[0], 10)
    s.now += 1.1
    await s.look()
    disk.fill()
    for _ in range(readings // 100):
        s.come(LANES[0], 100)
        s.now += 0.1
        await s.look()
    s.now += 1.1
    await s.look()
    assert s.spool.held("a") == 10 and s.spool.why_shed is Drop.DISK_FULL, "all that came since waits in memory"
    assert (disk.place / NAME).exists()
    s.come(LANES[2], 3, ready=False)
    left, s.upstream.waiting = s.upstream.waiting, []
    over = await s.keeper.finish(left, 5)
    for one in over:
        s.box.shed(one.board, len(one))
    s.box.lanes.shed_all()
    s.balanced()
    await s.close()
    return s


async def again(disk):
    """Readings that the next start finds, with room on the disk."""
    (disk.place / "filler").unlink()
    s = Street(disk.place, limit=LIMIT)
    await s.spool.open()
    found = {board: s.accounts[board].inherited for board in ("a", "b")}
    await s.close()
    return found


async def test_what_the_reserve_has_room_for_is_not_lost(disk):
    """Some thousand readings, and what no worker had computed yet."""
    s = await ended(disk, 2000)
    assert s.accounts["a"].dropped == s.accounts["b"].dropped == {}
    assert await again(disk) == {"a": 2010, "b": 3}
    assert (disk.place / NAME).exists(), "it is there again"


async def test_of_more_than_that_the_oldest_are_kept_and_the_rest_has_a_reason(disk):
    """It is filled to the end, not given up as a whole, and each reading is in one place."""
    s = await ended(disk, 20_000)
    lost = sum((s.accounts[board].dropped for board in ("a", "b")), start=s.accounts["a"].dropped.__class__())
    assert set(lost) == {Drop.DISK_FULL}
    found = await again(disk)
    assert sum(found.values()) + lost.total() == 20_013
    assert found["a"] > 2500

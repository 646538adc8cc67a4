"""The spool's files are deleted under a running gateway: what they held is lost, and the ledger says so."""

from gateway.model import Drop
from gateway.publish import keeper as keeper_module
from gateway.publish.spool import disk as disk_module
from tests.test_keeper import LANES, Street


async def test_what_a_deleted_file_held_is_dropped_as_corrupt(tmp_path, monkeypatch):
    """Ten readings lie there when its files are deleted; the others come through, and all are in the books."""
    monkeypatch.setattr(disk_module, "AGAIN", 0.0)
    monkeypatch.setattr(keeper_module, "AGAIN", 0.0)
    s = Street(tmp_path)
    await s.spool.open()
    try:
        s.come(LANES[0], 10)
        s.now += 1.1
        await s.look()
        assert s.spool.held("a") == 10, "the outage has brought them to the disk"
        await s.spool._disk.run(lambda store: store.count({Drop.SPOOL_FULL: 7}))
        for file in tmp_path.glob("spool.db*"):
            file.unlink()
        for _ in range(3):  # noticed by the first, opened anew by the next
            s.come(LANES[0], 5)
            s.now += 1.1
            await s.look()
        s.connect()
        for _ in range(20):
            s.now += 0.1
            s.exchange()
            await s.look()
        lost = s.accounts["a"].dropped[Drop.SPOOL_CORRUPT]
        assert (s.spool.held("a"), lost + len(s.taken)) == (0, 25)
        assert s.spool.look(1.0)["dropped"] == {Drop.SPOOL_FULL: 7, Drop.SPOOL_CORRUPT: lost}, (
            "the new file has the sums"
        )
    finally:
        await s.close()

"""What is known of the spool on the loop: what lies there, when trouble is told, and what is said of it."""

import asyncio
import random
import time
from collections import Counter

import pytest

from gateway.instants import instant
from gateway.model import Drop
from gateway.publish.spool import spool as spool_module
from gateway.publish.spool.filing import Saved, filed, found_in
from gateway.publish.spool.health import AT_FIRST, AT_MOST, SOON, Health
from gateway.publish.spool.holdings import Holdings
from gateway.publish.spool.nouns import Damaged, Gone
from gateway.publish.spool.spool import Spool
from gateway.publish.spool.sql import CORRUPT, FAILED, FULL, READ_ONLY, Trouble
from gateway.publish.spool.store import FILE, Store
from tests.blocks_made import block, source
from tests.made import T0, features

pytestmark = pytest.mark.usefixtures("closed_files")

LANE = ("bench", "S1")


# when trouble is told


def test_trouble_is_told_once_however_often_it_is_tried():
    health, told = Health(), []
    for second in range(10_000):
        told.append(health.failed(Trouble(FULL, str(second)), second))
    assert told == [True] + [False] * 9_999
    assert str(health.trouble) == "9999"
    assert health.worked(10_000.0) == 10_000.0
    assert health.trouble is None
    assert health.worked(10_001.0) is None


def test_trouble_that_comes_back_has_to_stay_away_for_a_while():
    health, now, told = Health(), 0.0, 0
    for _ in range(3600 * 2):  # two hours in which every other write fails
        told += health.failed(Trouble(FAILED, "x"), now)
        now += 0.5
        told += health.worked(now) is not None
        now += 0.5
    assert told <= 4
    health.failed(Trouble(FAILED, "x"), now)
    assert health.worked(now + 1) is None
    assert health.worked(now + AT_FIRST) is None
    assert health.worked(now + 1 + AT_MOST) is not None


def test_trouble_long_after_is_new():
    health = Health()
    for at in (0.0, 10.0 + SOON, 1000.0):
        assert health.failed(Trouble(FAILED, "x"), at)
        assert health.worked(at + 1) == 1.0


# what lies there


def test_holdings_count_what_is_nowhere_else():
    """Against a plain list of places, with everything that may happen to a block."""
    dice = random.Random(4)
    holds, places, last = Holdings(), {}, 0  # number -> [place, readings left, readings]
    for _ in range(5000):
        at = {
            place: [id for id, one in places.items() if one[0] == place] for place in ("copy", "waits", "out", "gone")
        }
        what = dice.choice(["store", "copy", "uncopied", "promoted", "fetch", "done", "forget", "lose", "vanish"])
        if what in ("store", "copy"):
            last += 1
            holds.stored(last, LANE, 5, copy=what == "copy")
            places[last] = ["copy" if what == "copy" else "waits", 5, 5]
        elif what == "uncopied" and at["copy"]:
            id = dice.choice(at["copy"])
            holds.uncopied(id)
            places[id][0] = "gone"
        elif what == "promoted" and at["copy"]:
            id = dice.choice(at["copy"])
            holds.promoted(id)
            places[id][0] = "waits"
        elif what == "fetch" and at["waits"]:
            id = at["waits"][0]
            holds.fetched(id, source(*LANE), 5)
            places[id][0] = "out"
        elif what == "done" and at["out"]:
            id = dice.choice(at["out"])
            readings = dice.randint(1, places[id][1])
            holds.done(holds.out[id], readings)
            places[id][1] -= readings
            if not places[id][1]:
                places[id][0] = "gone"
        elif what == "forget":
            holds.forgotten(at["gone"])
            for id in at["gone"]:
                del places[id]
        elif what == "lose" and at["waits"]:
            holds.lost([Gone(LANE, 5)])
            del places[at["waits"][-1]]
        elif what == "vanish":
            missing = set(dice.sample(at["copy"], len(at["copy"]) // 3)) | set(at["gone"][:1])
            assert holds.vanished(missing) == missing & set(at["copy"])
            for id in missing:
                del places[id]
        left = sum(one[1] for one in places.values() if one[0] in ("waits", "out"))
        assert holds.held("bench") == holds.rows[LANE] == left
        assert holds.waiting is bool(left)
        assert set(holds.gone) == {id for id, one in places.items() if one[0] == "gone"}
        assert holds.busy == {id for id, one in places.items() if one[0] in ("copy", "out")}
        assert set(holds.spare) == holds.busy | set(holds.gone)
        if holds.copies:
            assert holds.ahead([LANE])[1] == {LANE: min(holds.copies)}


def test_what_is_done_with_is_not_sent():
    holds = Holdings()
    holds.stored(1, LANE, 3, copy=True)
    holds.uncopied(1)
    assert holds.fetched(1, source(*LANE), 3) is None
    assert holds.ahead([LANE]) == ({}, {})


# blocks and the street's clock


def test_times_are_of_the_street_in_the_same_boot_only():
    of = features([1, 2, 3], mono=[1.0, 2.0, 3.5])
    new = filed(Saved(of, {2: 9}, "run", {"t": "v"}), "boot", 1000.0)
    assert (new.rows, new.mono, new.wall) == (3, 1003.5, of.wall[-1])
    found, condensed = found_in(new.source, 3, new.data, "boot", 900.0)
    assert [round(t, 5) for t in found.mono] == [101.0, 102.0, 103.5]
    assert condensed == {2: 9}
    other, _ = found_in(new.source, 3, new.data, "another", 0.0)
    assert all(t != t for t in other.mono)
    with pytest.raises(Damaged):
        found_in(new.source, 4, new.data, "boot", 0.0)
    wild = filed(Saved(features([1], mono=[1e12]), {}, "run", {}), "boot", 0.0)
    with pytest.raises(Damaged):
        found_in(wild.source, 1, wild.data, "boot", 0.0)


# the spool itself


class Told:
    """Whom a spool tells."""

    def __init__(self):
        self.inherited, self.dropped, self.events = Counter(), Counter(), []

    def make(self, folder, limit=1_000_000, age=1e9):
        def inherited(board, readings):
            self.inherited[board] += readings

        def dropped(board, reason, readings):
            self.dropped[board, reason] += readings

        def event(name, **fields):
            self.events.append((name, fields))

        return Spool(
            folder, limit, age, "boot", inherited=inherited, dropped=dropped, clock_set=lambda: True, event=event
        )


def saved(*seq):
    """Readings of one sensor."""
    return Saved(features(seq), {}, "run", {})


async def test_what_was_there_is_inherited(tmp_path):
    told = Told()
    spool = told.make(tmp_path)
    await spool.open()
    await spool.keep([saved(1)], [saved(2, 3)], [saved(4, 5, 6)])
    assert spool.held("bench") == 2
    await spool.close([], 5)
    again = told.make(tmp_path)
    await again.open()
    assert told.inherited == {"bench": 6}, "copies are all there is now"
    assert again.held("bench") == 6
    assert again.look(1.0)["hours_left"] > 1
    assert again.look(0.0)["hours_left"] is None
    await again.close([], 5)


@pytest.mark.parametrize("wall", ["'noon'", "x'00ff'", "9e999", "1e300"])
async def test_a_time_that_is_none_ends_nothing(tmp_path, wall):
    """Whatever stands in a damaged file for when its readings came; a time that is one is told as text."""
    told = Told()
    spool = told.make(tmp_path)
    await spool.open()
    assert spool.look(1.0)["oldest"] is None
    await spool.keep([], [saved(1)], [])
    assert spool.look(1.0)["oldest"] == instant(T0 + 1)
    await spool._disk.run(lambda store: store._file.do(f"UPDATE blocks SET wall = {wall}"))
    await spool.close([], 5)
    again = told.make(tmp_path)
    await again.open()
    assert again.look(1.0)["oldest"] is None
    await again.close([], 5)


@pytest.mark.slow
async def test_many_damaged_blocks_are_passed_over_and_counted(tmp_path):
    told = Told()
    spool = told.make(tmp_path, limit=8_000_000)
    await spool.open()
    for first in range(0, 3000, 500):
        await spool.keep([], [saved(*range(n, n + 64)) for n in range(first + 1, first + 501)], [])
    await spool._disk.run(lambda store: store._file.do("UPDATE blocks SET data = x'0011223344' WHERE id < 3000"))
    block, found, _ = await spool.fetch(lambda lane: True)
    assert (block.id, len(found)) == (3000, 64)
    assert told.dropped == {("bench", Drop.SPOOL_CORRUPT): 2999 * 64}
    assert spool.held("bench") == 64
    assert spool.look(1.0)["dropped"] == {}, "they are there still, for a run that follows"
    await spool.forget()
    assert spool.look(1.0)["dropped"] == {Drop.SPOOL_CORRUPT: 2999 * 64}
    await spool.close([], 5)


@pytest.mark.parametrize("forgotten", [False, True])
async def test_damage_tells_of_all_that_was_lost_to_it(tmp_path, monkeypatch, forgotten):
    """Blocks that were found spoilt one by one, before the file was set aside, are in its event and in the new sums."""
    monkeypatch.setattr("gateway.publish.spool.disk.AGAIN", 0.0)
    told = Told()
    spool = told.make(tmp_path)
    await spool.open()
    await spool.keep([], [saved(*range(n, n + 10)) for n in range(1, 60, 10)], [])
    await spool._disk.run(lambda store: store._file.do("UPDATE blocks SET data = x'00' WHERE id IN (1, 2, 5)"))
    block, *_ = await spool.fetch(lambda lane: True)
    assert (block.id, told.dropped.total()) == (3, 20)
    if forgotten:
        await spool.forget()
    with pytest.raises(Trouble):
        await spool._disk.run(lambda store: (_ for _ in ()).throw(Trouble(CORRUPT, "on purpose")))
    await spool.keep([], [saved(99)], [])
    (event,) = [fields for name, fields in told.events if name == "spool.damaged"]
    assert event["lost"] == told.dropped["bench", Drop.SPOOL_CORRUPT] == 30
    assert spool.look(1.0)["dropped"] == {Drop.SPOOL_CORRUPT: 30}
    assert spool.held("bench") == 31
    await spool.close([], 5)


async def test_a_start_without_the_disk_goes_on_and_catches_up(tmp_path, monkeypatch):
    told = Told()
    spool = told.make(tmp_path)
    await spool.open()
    await spool.keep([], [saved(1, 2)], [])
    await spool.close([], 5)
    real, trouble = Store.__init__, [Trouble(FULL, "no room")]

    def init(self, *given):
        if trouble:
            raise trouble[0]
        real(self, *given)

    monkeypatch.setattr(Store, "__init__", init)
    monkeypatch.setattr(spool_module, "PROBES", 0.0)
    monkeypatch.setattr("gateway.publish.spool.disk.AGAIN", 0.0)
    again = Told()
    spool = again.make(tmp_path)
    await spool.open()
    assert spool.why_shed is Drop.DISK_FULL
    assert again.inherited == {}
    trouble.clear()
    await spool.tend()
    assert again.inherited == {"bench": 2}
    assert [name for name, _ in again.events] == ["spool.failed", "spool.inherited", "spool.recovered"]
    await spool.close([], 5)


async def test_a_file_that_is_not_ours_to_write_ends_the_start(tmp_path, monkeypatch):
    def init(self, *given):
        raise Trouble(READ_ONLY, "denied")

    monkeypatch.setattr(Store, "__init__", init)
    with pytest.raises(Trouble, match="denied"):
        await Told().make(tmp_path).open()


async def test_a_bug_at_the_opening_is_not_hidden(tmp_path, monkeypatch):
    monkeypatch.setattr(Store, "__init__", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        await Told().make(tmp_path).open()


async def test_a_disk_that_hangs_at_the_start_does_not_hang_the_start(tmp_path, monkeypatch):
    import threading

    release, real = threading.Event(), Store.__init__
    monkeypatch.setattr(Store, "__init__", lambda self, *given: (release.wait(20), real(self, *given))[1])
    monkeypatch.setattr(spool_module, "OPENING", 0.1)
    monkeypatch.setattr(spool_module, "SLOW", 0.05)
    told = Told()
    spool = told.make(tmp_path)
    async with asyncio.timeout(5):
        await spool.open()
    assert [name for name, _ in told.events] == ["spool.failed"]
    release.set()
    assert await spool.keep([], [saved(1)], [])
    assert spool.trouble is None
    assert (tmp_path / FILE).exists()
    await spool.close([], 5)


async def test_what_the_spool_cannot_take_is_spool_full(tmp_path):
    told = Told()
    spool = told.make(tmp_path)
    await spool.open()
    put, dice = 0, random.Random(1)
    while not told.dropped and put < 10_000_000:
        value = [dice.random() for _ in range(500)]
        one = features(range(put + 1, put + 501), value=value, columns=[value] * 4)
        await spool.keep([], [Saved(one, {}, "run", {})], [])
        put += 500
    assert spool.held("bench") == put - told.dropped["bench", Drop.SPOOL_FULL]
    assert spool.look(1.0)["bytes"] <= 1_050_000
    lost = {Drop.SPOOL_FULL: told.dropped["bench", Drop.SPOOL_FULL]}
    assert spool.look(1.0)["dropped"] == lost
    held = spool.held("bench")
    await spool.close([], 5)
    again = Told()
    spool = again.make(tmp_path)
    await spool.open()
    assert again.events == [("spool.inherited", {"readings": held, "dropped": lost})], "what a killed run did not tell"
    assert spool.look(1.0)["dropped"] == lost
    assert again.dropped == {}, "not of this run"
    await spool.close([], 5)


async def test_age_is_told_by_the_clock_that_can_be_believed(tmp_path):
    """By the boot's clock within a boot; else by the wall clock, if it was set then and is now."""
    believed = [False]
    told = Told()
    spool = told.make(tmp_path, age=3600.0)
    spool._clock_set = lambda: believed[0]
    await spool.open()
    now, up = time.time(), time.monotonic()
    blocks = [
        block("ours", rows=64, at=0.0, mono=up - 10),  # stored in 1970, as it seems, and fresh
        block("before", rows=64, at=now - 7200, mono=1.0, boot="another"),
        block("unset", rows=64, at=5.0, mono=1.0, boot="another", unset=True),
        block("young", rows=64, at=now - 60, mono=1.0, boot="another"),
        block("late", rows=64, at=now - 7200, mono=1.0, boot="another"),
    ]
    await spool._disk.run(lambda store: store.put(blocks, {}, ()))
    spool._holds.rows.update({(one.source.board, "s"): 64 for one in blocks})
    await spool._age()
    assert told.dropped == {}, "the clock has not been set"
    believed[0] = True
    await spool._age()
    assert told.dropped == {}, "the oldest is young: what is behind it is younger"
    await spool._disk.run(lambda store: store.forget({1: Gone(("ours", "s"), 64)}))
    await spool._age()
    assert told.dropped == {("before", Drop.SPOOL_AGE): 64}
    assert spool.held("late") == 64, "behind one that is young"
    await spool.close([], 5)

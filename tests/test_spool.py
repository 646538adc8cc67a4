"""What a spool finds on its disk, what it cannot keep, and how old it says that it is."""

import random
import time

import pytest

from gateway.instants import instant
from gateway.model import Drop
from gateway.publish.spool.filing import Saved, filed, found_in
from gateway.publish.spool.nouns import Damaged, Gone
from gateway.publish.spool.sql import CORRUPT, Trouble
from tests.blocks_made import block
from tests.made import T0, features
from tests.spools import Told, saved

pytestmark = pytest.mark.usefixtures("closed_files")


def test_times_are_of_the_street_in_the_same_boot_only():
    """What is found has the street's times in the boot in which it was stored, in another none; damage is seen."""
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


async def test_blocks_of_many_sensors_come_back_together(tmp_path, monkeypatch):
    """The oldest first, as many as are asked for, by one look at the disk; then nothing of what is being sent."""
    told = Told()
    spool = told.make(tmp_path)
    await spool.open()
    for turn in (0, 2):
        some = [Saved(features([turn + 1, turn + 2], sensor=f"S{number}"), {}, "run", {}) for number in range(30)]
        await spool.keep([], some, [])
    jobs, run = [], spool._disk.run
    monkeypatch.setattr(spool._disk, "run", lambda job: (jobs.append(job), run(job))[1])
    first = await spool.fetch(spool.lanes("bench"), 40)
    rest = await spool.fetch(spool.lanes("bench"), 1000)
    assert len(jobs) == 2
    found = [(one.sensor, one.seq[0]) for _, one, _ in first + rest]
    assert (len(first), found) == (20, [(f"S{number}", seq) for seq in (1, 3) for number in range(30)])
    assert await spool.fetch(spool.lanes("bench"), 1000) == []
    assert len(jobs) == 2, "all of it is being sent"
    for sent, one, _ in first + rest:
        spool.done(sent, len(one))
    assert (spool.waiting, spool.lanes("bench"), spool.held("bench")) == (False, [], 0)
    await spool.close([], 5)


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
    ((block, found, _),) = await spool.fetch(spool.lanes("bench"))
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
    ((block, *_),) = await spool.fetch(spool.lanes("bench"))
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
    for one in blocks:
        spool._holds.add((one.source.board, "s"), 64)
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

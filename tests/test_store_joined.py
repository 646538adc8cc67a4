"""Small blocks of the spool's file are joined, so that a reading takes little room."""

import random
from array import array

import pytest

from gateway.publish.spool.blocks import joined, read
from gateway.publish.spool.nouns import Gone
from gateway.publish.spool.store import FILE, Store
from gateway.publish.spool.tails import FEW, Tail, Tails
from tests.blocks_made import block
from tests.stores import every, opened
from tests.test_blocks import made

__all__ = ["opened"]  # the fixture
pytestmark = pytest.mark.usefixtures("closed_files")


@pytest.mark.slow
def test_small_blocks_become_large_ones(opened):
    for number in range(1, 1001):
        for sensor in ("x", "y"):
            opened.put([block("a", sensor, first=number, at=number, mono=number)], {}, ())
    found = every(opened)
    assert opened.rows == {("a", "x"): 1000, ("a", "y"): 1000}
    assert len(found) < 2 * (1000 // 64 + 2 * FEW)
    for sensor in ("x", "y"):
        blocks = [read(one.source, one.data) for one in found if one.source.sensor == sensor]
        assert list(joined(blocks)[0].seq) == list(range(1, 1001))
        walls = [one.wall for one in found if one.source.sensor == sensor]
        assert walls == sorted(walls)
        assert walls[-1] == 1000


def test_copies_and_busy_blocks_stay_as_they_are(opened):
    copies = opened.put([block(copy=True, first=n) for n in range(1, 101)], {}, ()).ids
    busy = opened.put([block(first=n) for n in range(101, 105)], {}, copies).ids
    for n in range(105, 300):
        opened.put([block(first=n)], {}, [*copies, *busy])
    assert all(opened.has(id) for id in [*copies, *busy])
    opened.forget({id: Gone(("b", "s"), 1) for id in copies})
    assert opened.rows == {("b", "s"): 199}
    assert sum(one.rows for one in every(opened)) == 199


def test_only_blocks_of_one_source_are_joined(opened):
    for number in range(1, 65):
        opened.put([block(first=number, unset=number % 2 == 0)], {}, ())
    assert all(one.rows == 1 for one in every(opened))


def test_tails_are_joined_in_their_order_whatever_is_busy():
    dice = random.Random(5)
    for _ in range(200):
        tails, lane, made_of, busy = Tails(), ("b", "s"), {}, set()
        for number in range(1, 120):
            made_of[number] = [number]
            tails.add(lane, Tail(number, dice.randint(1, 20) // 20, dice.choice([1, 1, 1, 9, 64])))
            busy = {id for id in busy if dice.random() < 0.9} | ({number} if dice.random() < 0.1 else set())
            while run := tails.due(lane, busy):
                ids = [tail.id for tail in run]
                assert not busy & set(ids)
                assert len({tail.source for tail in run}) == 1
                between = [id for id in made_of if ids[0] <= id <= ids[-1]]
                assert between == ids, "neighbours only"
                made_of[ids[0]] = [one for id in ids for one in made_of.pop(id)]
                tails.joined(lane, run)
        assert [one for id in sorted(made_of) for one in made_of[id]] == list(range(1, 120))


@pytest.mark.slow
@pytest.mark.parametrize(("hz", "every_s", "sensors"), [(0.2, 1, 8), (10, 1, 4), (100, 1, 1), (1, 60, 2)])
@pytest.mark.parametrize("wild", [False, True])
def test_what_a_reading_takes_on_the_disk(tmp_path, hz, every_s, sensors, wild):
    """As the keeper stores it: what has come in the last second, of each sensor."""
    opened, dice, per = Store(tmp_path, 64_000_000), random.Random(3), max(1, int(hz * every_s))
    puts = max(400, 3000 // per) // sensors
    from gateway.publish.spool.filing import Saved, filed

    for _ in range(puts):
        new = []
        for number in range(sensors):
            features = made(per, dice, hz=hz, wild=wild)
            features.sensor = f"S{number}"
            features.seq = array("q", range(per))
            new.append(filed(Saved(features, {}, "run", {}), "boot", 0.0))
        opened.put(new, {}, ())
    readings = opened.rows.total()
    opened._file.empty_log()
    assert (tmp_path / FILE).stat().st_size / readings < 60
    opened.close()

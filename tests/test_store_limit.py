"""The limit of the spool's file, and the age of what is in it: what gives way, and how it is counted."""

import os
import random

import pytest

from gateway.model import Drop
from gateway.publish.spool.leftovers import Leftovers, set_aside
from gateway.publish.spool.nouns import Gone
from gateway.publish.spool.sql import FULL, Trouble
from gateway.publish.spool.store import FILE, Store
from tests.blocks_made import block
from tests.stores import LIMIT, every, files, opened

__all__ = ["opened"]  # the fixture
pytestmark = pytest.mark.usefixtures("closed_files")


def test_the_board_that_holds_most_gives_up_its_oldest(opened):
    quiet = opened.put([block("quiet", rows=64, size=10_000) for _ in range(5)], {}, ()).ids
    lost = []
    for _ in range(100):
        lost += opened.put([block("loud", rows=64, size=10_000)], {}, ()).lost
    assert lost
    assert {lane[0] for lane, *_ in lost} == {"loud"}
    assert all(map(opened.has, quiet))


def test_what_it_drops_is_counted_in_the_file_by_reason(opened, tmp_path):
    """Whoever kills the program finds the sums in the file; what the broker has taken is not among them."""
    full = 0
    for _ in range(100):
        done = opened.put([block("a", rows=64, size=10_000)], {}, ())
        full += sum(gone.rows for gone in done.lost)
    opened.forget({done.ids[0]: Gone(("a", "s"), 64)})
    aged = sum(gone.rows for gone in opened.drop_older(lambda one: one.id < done.ids[0] - 10, ()))
    assert full and aged
    assert opened.dropped == {Drop.SPOOL_FULL: full, Drop.SPOOL_AGE: aged}
    opened.forget({one.id: Gone(one.source.lane, one.rows) for one in every(opened)})
    assert not every(opened), "its files are small again"
    opened.close()
    again = Store(tmp_path, LIMIT)
    assert again.dropped == {Drop.SPOOL_FULL: full, Drop.SPOOL_AGE: aged}
    again.close()


def test_what_is_done_with_is_no_loss(opened):
    ids = []
    while not (done := opened.put([block("a", rows=64, size=10_000)], {}, ())).lost:
        ids += done.ids
    gone = {id: Gone(("a", "s"), 64) for id in ids[1:40]}
    assert opened.put([block("a", rows=64, size=10_000)] * 3, gone, ()).lost == []


def test_what_cannot_find_room_among_busy_blocks_is_refused_whole(opened):
    ids, blocks = [], [block("a", rows=64, size=10_000)]
    while not (done := opened.put(blocks, {}, ids)).lost:
        ids += done.ids
        if len(ids) > 60:
            break
        try:
            opened.put([], {}, ids)
        except Trouble:
            break
    before = dict(opened.rows)
    with pytest.raises(Trouble, match="max_bytes is too small") as caught:
        opened.put(blocks * 100, {}, [*ids, *done.ids])
    assert caught.value.kind == FULL
    assert opened.rows == before


def test_spools_set_aside_give_way(tmp_path):
    for number in range(4):
        (tmp_path / FILE).write_bytes(bytes(250_000))
        set_aside(tmp_path / FILE)
        os.utime(next(iter(tmp_path.glob("*.damaged.db"))), (number, number))
    assert len(list(tmp_path.glob("*.damaged.db"))) == 2
    opened = Store(tmp_path, LIMIT)
    for _ in range(100):
        assert opened.put([block("a", rows=64, size=10_000)], {}, ()).lost == [] or Leftovers(tmp_path).size == 0
        assert files(tmp_path) <= LIMIT * 1.05
    assert Leftovers(tmp_path).size == 0
    opened.close()


def test_an_empty_spool_is_small(opened, tmp_path):
    ids = [id for _ in range(60) for id in opened.put([block("a", rows=64, size=9_000)], {}, ()).ids]
    assert files(tmp_path) > 500_000
    opened.forget({id: Gone(("a", "s"), 64) for id in ids})
    assert files(tmp_path) < 100_000
    again = opened.put([block("a", rows=64, size=9_000)], {}, ())
    assert again.ids[0] > ids[-1], "numbers are not used again while the file is open"


def test_what_has_no_known_age_does_not_keep_the_rest(opened):
    opened.put([block("a", rows=64, at=number, unset=number < 700, size=20) for number in range(1, 800)], {}, ())
    dropped = opened.drop_older(lambda one: None if one.source.unset else one.wall < 750, ())
    assert len(dropped) == 50
    assert opened.rows.total() == 64 * 749


@pytest.mark.slow
def test_many_sensors_and_small_blocks_stay_within_the_limit(tmp_path):
    opened, dice = Store(tmp_path, LIMIT), random.Random(7)
    most, stored, lost = 0, 0, 0
    for number in range(1, 21):
        new = [block(dice.choice("abc"), f"S{n}", rows=dice.choice([1, 1, 1, 8]), first=number * 8) for n in range(350)]
        done = opened.put(new, {}, ())
        stored += sum(one.rows for one in new)
        lost += sum(gone.rows for gone in done.lost)
        most = max(most, files(tmp_path))
        assert opened.rows.total() == stored - lost
    assert lost
    assert most <= LIMIT * 1.05
    ids = {one.id: Gone(one.source.lane, one.rows) for one in every(opened)}
    opened.forget(dict(list(ids.items())[: len(ids) // 2]))
    assert files(tmp_path) <= LIMIT * 1.05
    dropped = opened.drop_older(lambda one: True, ())
    assert files(tmp_path) <= LIMIT * 1.05
    assert sum(gone.rows for gone in dropped) == sum(gone.rows for gone in list(ids.values())[len(ids) // 2 :])
    opened.close()

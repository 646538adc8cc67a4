"""The keeper's copies of what is on the wire or waits in the stage: made in time, and sent in order where needed."""

import random

import pytest

from gateway.publish.broker import Limits
from gateway.publish.packets import Ack
from gateway.publish.spool.sql import CORRUPT, Trouble
from tests.keepers import LANES, street
from tests.outboxes import sent

__all__ = ["street"]  # the fixture


async def test_what_is_on_the_wire_has_a_copy_and_comes_from_it_after_a_cut(street):
    s = await street()
    s.connect()
    s.come(LANES[0], 30)
    s.exchange(share=0.0)
    s.now += 1.05
    await s.look()
    assert s.box.crossing.copied("a") == 20
    assert s.spool.held("a") == 10
    s.exchange(share=0.5, dice=random.Random(1))
    s.balanced()
    s.cut()
    s.balanced()
    assert s.box.crossing.copied("a") == 0
    await s.drain()
    assert sum(s.taken.values()) == 30
    s.in_order()


async def test_many_readings_on_the_wire_keep_a_block_each(street):
    """More small copies of one sensor than the store would join."""
    s = await street()
    s.keeper.connected = True
    s.box.opened(Limits(), v5=True)
    for _ in range(100):
        s.come(LANES[0], 1)
    s.exchange(share=0.0)
    s.now += 1.05
    await s.look()
    assert s.box.crossing.copied("a") == 100
    s.exchange(share=0.3, dice=random.Random(2))
    await s.look()
    s.cut()
    await s.drain()
    assert set(s.taken.values()) == {1}
    assert len(s.taken) == 100


async def test_what_waits_in_the_stage_is_copied_in_time_and_only_once(street):
    s = await street()
    s.connect()
    s.come(LANES[0], 5, ready=False)
    for _ in range(30):
        s.now += 0.1
        s.come(LANES[0], 1)
        await s.look()
    copies = s.spool._holds.copies
    covered = sum(gone.rows for gone in copies.values())
    assert covered >= 5 + 30 - 15
    await s.look()
    assert sum(gone.rows for gone in copies.values()) <= 35
    await s.drain()
    assert not copies
    assert s.taken == {(*LANES[0], seq): 1 for seq in range(1, 36)}


async def test_what_waits_in_the_stage_is_known_to_have_no_time_yet(street):
    """Before the machine's clock is set: else its readings, of 1970, would be too old for the next run."""
    s = await street()
    s.unset_until = 0.5  # set before they are seen to, and after they came
    s.come(LANES[0], 3, ready=False)
    s.come(LANES[1], 2, ready=False)
    s.now += 1.1
    await s.look()
    assert len(s.spool._holds.copies) == 2
    assert await s.keeper.finish(s.upstream.waiting, 5) == []
    s.connect()
    found = [one for _ in LANES[:2] for one in await s.spool.fetch(LANES)]
    assert [block.source.unset for block, _, _ in found] == [True, True]


@pytest.mark.parametrize("moved", [0, 1])
@pytest.mark.parametrize("rows", [False, True])
async def test_what_is_refused_while_it_is_copied_waits_with_what_is_newer(street, monkeypatch, rows, moved):
    """The copy holds only what was on the wire: what has come behind it is in memory, or behind it on the disk."""
    s = await street(rows=rows)
    s.connect()
    s.come(LANES[0], 1)
    refused = [Ack(one.packet_id, 0x97 if one.topic.endswith("/features") else 0) for one in sent(s.box, now=s.now)]
    s.come(LANES[0], moved)
    s.now += 1.1
    kept = s.spool.keep

    async def keep(*parts):
        monkeypatch.undo()
        done = await kept(*parts)
        s.box.acked(refused, s.now)
        s.come(LANES[0], 1)
        return done

    monkeypatch.setattr(s.spool, "keep", keep)
    await s.look()
    s.now += 10
    await s.drain()
    assert s.taken == {(*LANES[0], seq + 1): 1 for seq in range(moved + 2)}
    s.in_order()


async def test_copies_that_the_disk_has_lost_are_made_again(street, monkeypatch, tmp_path):
    s = await street()
    s.connect()
    s.come(LANES[0], 15)
    s.come(LANES[2], 4, ready=False)
    s.exchange(share=0.0)
    s.now += 1.05
    await s.look()
    assert s.box.crossing.copied("a") == 15
    monkeypatch.setattr("gateway.publish.spool.aside._holds", lambda block: False)

    def corrupt(store):
        raise Trouble(CORRUPT, "on purpose")

    await s.spool._try(corrupt)
    await s.look()
    s.balanced()
    monkeypatch.undo()
    s.now += 1.0
    await s.look()
    await s.look()
    assert s.box.crossing.copied("a") == 15
    assert sum(gone.rows for gone in s.spool._holds.copies.values() if gone.lane == LANES[2]) == 4
    s.cut()
    await s.drain()
    assert len(s.taken) == 19
    assert s.accounts["a"].dropped == {}


async def test_what_is_refused_after_it_was_copied_goes_before_what_is_newer_on_the_disk(street):
    """A slow broker that refuses at last: the reading comes from its copy, in its order."""
    s = await street()
    s.connect()
    s.come(LANES[0], 1)
    refused = [Ack(one.packet_id, 0x97 if one.topic.endswith("/features") else 0) for one in sent(s.box, now=s.now)]
    s.box.window.limit = 0
    for _ in range(3):
        s.come(LANES[0], 1)
        s.now += 1.1
        await s.look()
    assert s.spool.held("a") >= 2
    assert s.box.crossing.copied("a") == 1
    s.box.acked(refused, s.now)
    s.balanced()
    s.box.window.limit = 20
    await s.drain()
    assert set(s.taken.values()) == {1} and len(s.taken) == 4
    s.in_order()


async def test_a_lane_whose_probe_went_to_the_disk_is_free(street):
    """What was sent alone after a refusal comes from its copy after a cut; what is live goes past the disk again."""
    s = await street()
    s.connect()
    s.come(LANES[0], 1)
    s.box.acked([Ack(one.packet_id, 0x97) for one in sent(s.box, now=s.now)], s.now)
    s.now += 5.5
    assert len(sent(s.box, now=s.now)) == 1
    await s.look()
    assert s.box.crossing.copied("a") == 1
    s.cut()
    await s.drain()
    s.come(LANES[0], 2)
    s.exchange()
    s.exchange()
    assert s.arrived[LANES[0], False] == [2, 3]

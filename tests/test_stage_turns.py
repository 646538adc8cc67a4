"""Whose readings leave the compute stage when: no board and no sensor waits for a busier one."""

import asyncio

import pytest

from gateway.compute.batching import HEAVIEST, MOST
from gateway.model import Plan
from tests.stages import Street, by_hand, hands, settle
from tests.waiting import until

__all__ = ["by_hand"]  # the fixture


@pytest.mark.usefixtures("by_hand")
async def test_a_slow_board_holds_up_no_other() -> None:
    """While one board's batch is being computed its next readings wait, and the other boards go on."""
    street = Street(Plan(), workers=2)
    street.take("slow", ("S", 1.0))
    await settle()
    for n in range(5):
        street.take("slow", ("S", 2.0))
        street.take("other", ("S", 1.0))
        await settle()
        hands(street).answer(1)
        assert street.seqs() == {("other", "S"): list(range(1, n + 2))}
        assert street.stage.held("slow") == n + 2
    hands(street).answer(0)
    await settle()
    hands(street).answer(0)
    assert street.seqs()["slow", "S"] == [1, 2, 3, 4, 5, 6]


@pytest.mark.usefixtures("by_hand")
async def test_a_babbling_board_takes_its_turn() -> None:
    """With one worker and a board that has 20,000 readings waiting, a quiet board's reading is in the next batch."""
    street = Street(Plan(), workers=1)
    street.take("babbler", *[("S", float(n)) for n in range(20_000)])
    await settle()
    for n in range(3):
        street.take("quiet", ("S", 1.0))
        street.take("babbler", ("S", 1.0))
        hands(street).answer()
        await settle()
        assert street.stage.held("quiet") == 1
        hands(street).answer()
        await settle()
        assert street.seqs()["quiet", "S"] == list(range(1, n + 2))


@pytest.mark.usefixtures("by_hand")
async def test_a_babbling_sensor_takes_its_turn() -> None:
    """A sensor with more than a batch of readings waiting does not keep its board's other sensors from leaving."""
    street = Street(Plan(), workers=1)
    street.take("a", *[("loud", float(n)) for n in range(3 * MOST)], ("calm", 1.0))
    await settle()
    hands(street).answer()
    await settle()
    hands(street).answer()
    assert street.seqs()["a", "calm"] == [1]


@pytest.mark.usefixtures("by_hand")
async def test_idle_workers_share_the_boards() -> None:
    """Few readings leave together; many are split among the workers that are free, board by board."""
    street = Street(Plan(), workers=4)
    for board in "abcdefgh":
        street.take(board, ("S", 1.0))
    await settle()
    assert len(hands(street).held) == 1
    street = Street(Plan(), workers=4)
    for board in "abcdefgh":
        street.take(board, *[("S", 1.0)] * 300)
    await settle()
    assert len(hands(street).held) == 4


@pytest.mark.usefixtures("by_hand")
async def test_linger_waits_for_company() -> None:
    """A batch leaves `linger` after its oldest reading came, with all that came meanwhile."""
    street = Street(Plan(), linger=0.05)
    began = asyncio.get_running_loop().time()
    await street.stage.start()
    street.take("a", ("S", 1.0))
    await asyncio.sleep(0.02)
    street.take("b", ("S", 1.0))
    await settle()
    assert not hands(street).held
    await until(lambda: hands(street).held)
    assert asyncio.get_running_loop().time() - began >= 0.05
    hands(street).answer()
    assert sorted(street.seqs()) == [("a", "S"), ("b", "S")]


@pytest.mark.usefixtures("by_hand")
async def test_stop_does_not_linger() -> None:
    """What waits for company leaves at once when the stage is stopped."""
    street = Street(Plan(), linger=60.0)
    await street.stage.start()
    street.take("a", ("S", 1.0))
    await settle()
    stopping = asyncio.create_task(street.stage.stop(5.0))
    await settle()
    hands(street).answer()
    await asyncio.wait_for(stopping, 1.0)
    assert street.seqs() == {("a", "S"): [1]}
    assert not street.dropped


@pytest.mark.slow
@pytest.mark.usefixtures("by_hand")
async def test_many_windows_that_are_sent_whole_make_several_batches() -> None:
    """When the windows of 64 sensors end together, no batch carries more than its weight, and all leave."""
    street = Street(Plan(window_s=None, window_n=4000, use=("mean",)), most=10**6)
    sizes = []
    for _ in range(3):
        street.take("a", *[(f"S{k}", 1.0) for k in range(64) for _ in range(4000)])
        await settle()
        while hands(street).held:
            sizes.append(len(hands(street).held[0][0]))
            hands(street).answer()
            await settle()
    assert sum(map(len, street.out)) == 64 * 12_000
    assert max(sizes) < 16 * (HEAVIEST + 4000) + 40 * 2 * MOST

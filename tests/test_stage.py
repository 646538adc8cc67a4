"""What the compute stage takes, holds and drops is counted, and every sensor's numbers go on."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import Drop, Plan
from tests.stages import Hands, Street, by_hand, hands, settle

__all__ = ["by_hand"]  # the fixture


async def test_a_renewed_sensor_has_a_new_window_and_its_numbers_go_on(by_hand: None) -> None:
    """Its plan is asked for anew, what waits is computed with what came before, and nothing is lost."""
    plans = {"S1": Plan(window_s=None, window_n=9, use=("mean",))}
    street = Street(lambda board, sensor: plans[sensor])
    await street.stage.start()
    street.take("a", ("S1", 1.0), ("S1", 2.0))
    await settle()
    street.take("a", ("S1", 3.0))
    assert street.stage.renew("a", "S1") == 4
    assert street.stage.renew("a", "S2") == street.stage.renew("b", "S1") == 1
    street.take("a", ("S1", 100.0), ("S1", 300.0))
    while hands(street).held:
        hands(street).answer()
        await settle()
    assert street.seqs() == {("a", "S1"): [1, 2, 3, 4, 5]}
    means = [mean for piece in street.out for mean in piece.columns[piece.keys.index("mean")]]
    assert means == [1.0, 1.5, 2.0, 100.0, 200.0]
    assert street.stage.held("a") == 0


@pytest.mark.usefixtures("by_hand")
async def test_what_does_not_fit_is_shed_and_counted() -> None:
    """A board has at most `most` readings waiting; each one beyond is counted, and its number is missing."""
    street = Street(Plan(), most=100)
    street.take("a", *[("S", 1.0)] * 40)
    await settle()  # these are with the worker
    street.take("a", *[("S", 2.0)] * 60)
    street.take("a", *[("S", 3.0)] * 150)
    street.take("b", *[("S", 4.0)] * 100)
    assert street.dropped == {("a", Drop.SHED): 110}
    assert (street.stage.held("a"), street.stage.held("b")) == (140, 100)
    for _ in range(2):
        hands(street).answer()
        await settle()
    street.take("a", ("S", 5.0))
    await settle()
    hands(street).answer()
    assert street.seqs()["a", "S"] == [*range(1, 141), 251]
    assert street.dropped == {("a", Drop.SHED): 110}


@pytest.mark.usefixtures("by_hand")
async def test_of_a_board_that_has_gone_only_the_numbers_are_kept() -> None:
    """Its windows go once nothing of it is here; when it comes back in the same run its numbers go on."""
    street = Street(Plan(window_s=None, window_n=10))
    for value in (1.0, 2.0):
        street.take("a", ("S1", value))
    street.stage._dispatch()
    street.stage.forget("a")
    assert street.stage.held("a") == 2
    hands(street).answer()
    street.stage.forget("a")
    assert street.stage.sensors("a") == []
    street.take("a", ("S1", 3.0), ("S2", 1.0))
    street.stage._dispatch()
    hands(street).answer()
    assert [(f.sensor, list(f.seq), list(f.n)) for f in street.out[-2:]] == [("S1", [3], [1]), ("S2", [1], [1])]


@pytest.mark.usefixtures("by_hand")
async def test_out_of_range_is_dropped_or_clamped() -> None:
    """`drop` counts and leaves a gap; `clamp` lets the reading through and computes from the bound."""
    plans = {
        "drop": Plan(range=(0.0, 50.0), out_of_range="drop"),
        "clamp": Plan(range=(0.0, 50.0), out_of_range="clamp"),
    }
    street = Street(lambda board, sensor: plans[sensor])
    street.take("a", ("drop", 20.0), ("drop", 99.0), ("drop", -1.0), ("drop", 50.0), ("clamp", 99.0))
    await settle()
    hands(street).answer()
    assert street.seqs() == {("a", "drop"): [1, 4], ("a", "clamp"): [1]}
    assert street.dropped == {("a", Drop.OUT_OF_RANGE): 2}
    clamped = next(f for f in street.out if f.sensor == "clamp")
    assert (clamped.value[0], clamped.columns[clamped.keys.index("max")][0]) == (99.0, 50.0)


actions = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.sampled_from("abc"), st.integers(1, 60), st.sampled_from([10.0, 99.0])),
        st.tuples(st.just("answer"), st.integers(0, 3)),
        st.tuples(st.just("fail"), st.integers(0, 3)),
        st.tuples(st.just("look"), st.just(0)),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=60)
@given(actions, st.integers(1, 3))
def test_held_is_what_came_less_what_left(doings: list[tuple], workers: int) -> None:
    """At all times, for each board: readings that came in = out + dropped + held; and each sensor's numbers ascend."""

    async def act() -> None:
        plan = Plan(window_s=None, window_n=4, use=("mean",), range=(0.0, 50.0), out_of_range="drop")
        street = Street(plan, workers=workers, most=100)
        for what, *how in doings:
            if what == "take":
                street.take(how[0], *[(f"S{k % 3}", how[2]) for k in range(how[1])])
            elif what == "look":
                await settle()
            elif hands(street).held:
                k = how[0] % len(hands(street).held)
                hands(street).answer(k) if what == "answer" else hands(street).fail(k)
            for board in street.came:
                assert street.came[board] == street.left(board) + street.stage.held(board)
                assert street.stage.held(board) >= 0
        given_back = Counter[str]()
        for features in await street.stage.stop(0.0):
            given_back[features.board] += len(features)
        assert all(street.came[board] == street.left(board) + given_back[board] for board in street.came)
        for seqs in street.seqs().values():
            assert seqs == sorted(set(seqs))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.compute.stage.Pool", Hands)
        asyncio.run(act())

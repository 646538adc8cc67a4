"""Batches that fail, and answers that are none: what they cost the compute stage."""

from pickle import dumps

import pytest

from gateway.compute.batch import answer
from gateway.compute.wire import Nonsense
from gateway.model import Drop, Plan
from tests.stages import Street, by_hand, hands, settle

__all__ = ["by_hand"]  # the fixture


@pytest.mark.usefixtures("by_hand")
async def test_the_fault_of_one_sensor_stays_with_it() -> None:
    """A batch that fails is tried again sensor by sensor; the one that fails alone is dropped, counted and told, and
    its next windows are as if those readings had never been."""
    street = Street(Plan(window_s=None, window_n=3, use=("mean",)), workers=1)
    street.take("a", ("good", 1.0), ("bad", 10.0))
    street.take("b", ("good", 2.0))
    await settle()
    hands(street).answer()
    street.take("a", ("good", 3.0), ("bad", 666.0), ("bad", 667.0))
    street.take("b", ("good", 4.0))
    await settle()
    hands(street).fail()
    for fails in (False, True, False):
        await settle()
        assert street.stage.held("a") + street.stage.held("b") > 0
        (hands(street).fail if fails else hands(street).answer)()
    assert street.dropped == {("a", Drop.COMPUTE_FAILED): 2}
    assert street.events == ["compute.failed"]
    assert street.seqs() == {("a", "good"): [1, 2], ("a", "bad"): [1], ("b", "good"): [1, 2]}
    street.take("a", ("bad", 20.0), ("good", 5.0))
    await settle()
    hands(street).answer()
    assert street.seqs()["a", "bad"] == [1, 4]
    bad = [f for f in street.out if f.sensor == "bad"][-1]
    assert (bad.n[0], bad.columns[2][0]) == (2, 15.0)


@pytest.mark.usefixtures("by_hand")
async def test_an_exception_in_a_worker_is_a_failure() -> None:
    """A traceback comes back as text; the stage goes on with the next reading."""
    street = Street(Plan())
    street.take("a", ("S", 1.0))
    await settle()
    hands(street).answer(instead=answer(b"no pickle"))
    assert street.dropped == {("a", Drop.COMPUTE_FAILED): 1}
    street.take("a", ("S", 2.0))
    await settle()
    hands(street).answer()
    assert street.seqs() == {("a", "S"): [2]}


@pytest.mark.usefixtures("by_hand")
@pytest.mark.parametrize("nonsense", [b"", b"\x80", answer(b"x")[:20], b"N.", b"].", dumps([(1, 2, 3, 4, 5, 6)])])
async def test_nonsense_changes_nothing(nonsense: bytes) -> None:
    """An answer that is none, or of another batch, is refused; the task's true answer still fits."""
    street = Street(Plan())
    street.take("a", ("S", 1.0), ("S", 2.0))
    street.take("b", ("S", 1.0))
    await settle()
    data, answered, _ = hands(street).held[0]
    other = Street(Plan())
    other.take("a", ("S", 1.0))
    await settle()
    for wrong in (nonsense, answer(hands(other).held[0][0])):
        with pytest.raises(Nonsense):
            answered(wrong)
        assert (street.stage.held("a"), street.stage.held("b"), street.out) == (2, 1, [])
    answered(answer(data))
    assert street.seqs() == {("a", "S"): [1, 2], ("b", "S"): [1]}

"""The window: ids that are free, in the order sent, never one that is under way."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.publish.window import FIRST_ID, LAST_ID, Flight, Window


def test_ids_go_round():
    """After the last id comes the first again, and an id that is under way is left out."""
    window = Window(limit=3)
    kept = window.add(Flight(None, "kept"))
    assert kept == FIRST_ID
    seen = set()
    for _ in range(LAST_ID - FIRST_ID):
        number = window.add(Flight(None, "t"))
        seen.add(number)
        assert window.acknowledged(number) is not None
    assert len(seen) == LAST_ID - FIRST_ID
    assert window.add(Flight(None, "t")) == FIRST_ID + 1


@given(st.lists(st.one_of(st.none(), st.integers(0, 30)), max_size=60))
def test_what_is_under_way(steps):
    """What was added and not acknowledged is there, in order; an id is acknowledged once; the room is what is left."""
    window, model = Window(limit=100), {}
    for step in steps:
        if step is None:
            flight = Flight(None, "t")
            number = window.add(flight)
            assert number not in model
            model[number] = flight
        elif step < len(model):
            number = list(model)[step]
            assert window.acknowledged(number) is model.pop(number)
            assert window.acknowledged(number) is None
        assert window.room == 100 - len(model)
    assert list(window.clear()) == list(model.values())
    assert window.room == 100


def test_an_id_that_nobody_waits_for():
    """An acknowledgement of nothing is nothing."""
    assert Window().acknowledged(7) is None

"""What earlier runs have left retained: what of it is there no more, and what the next run has to know."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.publish.retained import BoardKept, Kept, Retained, ghosts, joined, known, told

WAS = Retained("gw/g", {"bench": BoardKept(False, {"S1": Kept("S1", True), "inlet": Kept("28aa", False)})})


def now(boards, base="gw/g"):
    """What a run has: sensor -> (own name, alarm), by board."""
    return Retained(
        base, {board: BoardKept(False, {key: Kept(*of) for key, of in some.items()}) for board, some in boards.items()}
    )


@pytest.mark.parametrize(
    ("boards", "gone"),
    [
        ({"bench": {}}, set()),  # none has spoken yet
        ({"bench": {"S1": ("S1", True), "inlet": ("28aa", False)}}, set()),
        ({"bench": {"S1": ("S1", False)}}, {"bench/S1/alarm"}),
        ({"bench": {"outlet": ("28aa", False)}}, {"bench/inlet/last"}),
        ({"bench": {"one": ("S1", False)}}, {"bench/S1/last", "bench/S1/alarm"}),
        ({"bench": {"inlet": ("28bb", False)}}, set()),  # another probe has come behind the name
        ({"desk": {}}, {"bench/status", "bench/S1/last", "bench/S1/alarm", "bench/inlet/last"}),
    ],
)
def test_ghosts(boards, gone):
    """A board that no table names, a sensor that is called otherwise, an alarm that nobody watches for."""
    assert set(ghosts(WAS, now(boards), [])) == {f"gw/g/{topic}" for topic in gone}


def test_another_name():
    """All of the gateway's former name goes, its own status too, whatever boards there are."""
    found = set(ghosts(WAS, now({"bench": {}}, "gw/h"), [""]))
    assert found == set(WAS.topics()) and "gw/g/status" in found


@pytest.mark.parametrize(
    ("found", "begins", "stays"), [(True, ["hall-"], True), (True, [], False), (False, [""], False)]
)
def test_a_board_that_may_be_plugged_in(found, begins, stays):
    """One that was found stays as long as it could be found again; one that had a table does not."""
    was = Retained("gw/g", {"hall-usb": BoardKept(found)})
    assert (not list(ghosts(was, now({}), begins))) == stays


def test_what_the_next_run_has_to_know():
    """What was not heard yet, and what is not taken back yet, be it an alarm alone."""
    one = joined(now({"bench": {"S1": ("S1", False)}}), WAS, set())
    assert one.boards["bench"].sensors == WAS.boards["bench"].sensors
    one = joined(now({"bench": {"S1": ("S1", False)}}), WAS, {"gw/g/bench/S1/alarm", "gw/g/bench/inlet/last"})
    assert one.boards["bench"].sensors == {"S1": Kept("S1", False)}
    assert joined(now({"desk": {}}), WAS, {"gw/g/bench/status"}).boards.keys() == {"desk"}


def test_it_comes_back_from_its_text():
    """As it was, over JSON."""
    assert known(json.loads(json.dumps(told([WAS, now({}, "a/b")])))) == [WAS, now({}, "a/b")]


texts = st.one_of(
    st.text(max_size=5), st.sampled_from(["base", "boards", "sensors", "found", "gw/g", "#", "a/+", "$SYS"])
)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda some: st.one_of(st.lists(some, max_size=3), st.dictionaries(texts, some, max_size=3)),
)


@given(st.one_of(anything, st.builds(lambda base, boards: [{"base": base, "boards": boards}], texts, anything)))
def test_any_file_is_read(found):
    """Whatever stands there: what comes of it are topics that may be published to, and nothing raises."""
    for one in known(found):
        for topic in one.topics():
            assert not set(topic) & set("+#\0") and not topic.startswith("$") and len(topic.encode()) < 600
            assert topic.rpartition("/")[2] in ("status", "last", "alarm")

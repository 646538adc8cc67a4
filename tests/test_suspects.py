"""Which message makes the broker cut the line."""

from types import SimpleNamespace

import pytest

from gateway.publish.suspects import ALONE, LEAST, STALE, TOGETHER, Mark, Suspects

LANE, OTHER = ("bench", "S1"), ("bench", "S2")
A, B, C = Mark("t", 7, LANE), Mark("t", 8, LANE), Mark("u", 1, OTHER)
DOCUMENT = Mark("status", -1)
TAKEN = Mark("v", 1, ("attic", "S1"))


class Busy(Suspects):
    """Those of a broker that answers something else on each connection."""

    def cut(self, unanswered, now):
        answered(self, TAKEN)
        return super().cut(unanswered, now)


def answered(suspects, mark):
    """The broker takes that message."""
    suspects.answered([SimpleNamespace(mark=mark)])


@pytest.mark.parametrize("mark", [A, DOCUMENT])
def test_guilty(mark):
    """The message that is unanswered at some cuts is suspected, and guilty at the third at which it was by itself."""
    suspects = Busy()
    for number in range(1, LEAST):
        assert not suspects.cut([mark], 0.0)
        assert suspects.any == (number >= TOGETHER)
    assert suspects.cut([mark], 0.0)


def test_one_among_others():
    """It need not be the oldest: a broker may cut before it has answered what came first. Then it goes by itself."""
    suspects = Busy()
    for others in ([B], [C])[:TOGETHER]:
        assert not suspects.cut([*others, A], 0.0)
    assert (suspects.all.lanes, suspects.fresh.lanes) == ({LANE}, {LANE})
    for _ in range(ALONE - 1):
        assert not suspects.cut([A], 0.0)
    assert suspects.cut([A], 0.0)


def test_several_are_found():
    """Each goes by itself in its turn: a cut at one says nothing for another."""
    suspects, found = Busy(), []
    for _ in range(TOGETHER):
        suspects.cut([A, C, DOCUMENT], 0.0)
    for mark in (A, C, DOCUMENT, A, DOCUMENT, C):
        if suspects.cut([mark], 0.0):
            found.append(mark)
    assert found == [A, DOCUMENT, C]


def test_who_was_cut_at_goes_behind_those_that_were_not():
    """Most that were under way with it are innocent, and are soon answered."""
    suspects = Busy()
    for _ in range(TOGETHER):
        suspects.cut([A, C, DOCUMENT], 0.0)
    suspects.cut([C], 0.0)
    assert suspects.all == ({LANE, OTHER}, {"status"})
    assert suspects.fresh == ({LANE}, {"status"})


def test_the_network():
    """Whatever was under way when it broke is answered in the end: nobody is suspected for more than a moment."""
    suspects = Busy()
    for _ in range(50):
        assert not suspects.cut([A, C], 0.0)
        answered(suspects, A)
        answered(suspects, C)
    assert not suspects.any


def test_nobody_is_guilty_among_others():
    """As long as several are under way it is not known which it is."""
    suspects = Busy()
    assert not any(suspects.cut([A, B], 0.0) for _ in range(50))
    assert suspects.any


def test_an_answer_clears():
    """A suspect that is answered is none. The answer to another says nothing for it."""
    suspects = Busy()
    for _ in range(TOGETHER):
        suspects.cut([A, DOCUMENT], 0.0)
    answered(suspects, C)
    answered(suspects, A)
    assert suspects.all == (set(), {"status"})
    answered(suspects, DOCUMENT)
    assert not suspects.any
    assert not suspects.cut([A], 0.0)


def test_the_next_of_a_guilty_topic():
    """It is suspected from the start, and found sooner, until one of that topic is answered."""
    suspects = Busy()
    for _ in range(LEAST):
        suspects.cut([A], 0.0)
    assert suspects.all.lanes == {LANE}
    assert [suspects.cut([B], 0.0) for _ in range(ALONE)] == [False] * (ALONE - 1) + [True]
    answered(suspects, Mark("t", 9, LANE))
    assert not suspects.any
    assert [suspects.cut([B], 0.0) for _ in range(LEAST)] == [False] * (LEAST - 1) + [True]


def test_another_message_of_the_topic_each_time():
    """Live readings and those from the disk take turns: it is the topic that is found then."""
    suspects = Busy()
    assert [suspects.cut([Mark("t", number, LANE)], 0.0) for number in range(ALONE + 1)] == [False] * ALONE + [True]


def test_what_never_comes_again_is_forgotten():
    """A reading that was shed keeps its sensor under suspicion for a while only, and no longer than it is read."""
    suspects = Busy()
    for _ in range(TOGETHER):
        suspects.cut([A, C], 1.0)
    suspects.expire(1.0 + 2 * STALE)
    assert suspects.all.lanes == {LANE, OTHER}, "each has its turn"
    suspects.expire(1.1 + 2 * STALE)
    assert not suspects.any
    for _ in range(LEAST):
        suspects.cut([A], 100.0)
    suspects.forget("bench")
    assert not suspects.any
    assert [suspects.cut([A], 200.0) for _ in range(LEAST)] == [False] * (LEAST - 1) + [True], "it begins anew"


def test_a_broker_that_takes_nothing():
    """It says nothing of a reading that it ends each connection at: none is given up, documents stay away."""
    suspects = Suspects()
    for _ in range(20):
        assert not suspects.cut([A], 0.0)
    assert [suspects.cut([DOCUMENT], 0.0) for _ in range(LEAST)][-1]
    answered(suspects, TAKEN)
    assert suspects.cut([A], 0.0)

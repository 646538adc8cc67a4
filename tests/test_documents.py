"""Retained documents: the newest of each topic, in order, and not again what was too large."""

import pytest

from gateway.publish.documents import SMALLER, TRIES, Documents
from gateway.publish.packets import fits, topic_part
from gateway.publish.window import Flight


def test_the_newest_of_a_topic_goes_behind_the_others():
    made = Documents()
    for topic, text in (("a", b"1"), ("b", b"2"), ("a", b"3")):
        made.put(topic, text)
    assert len(made) == 2
    assert [made.next(), made.next()] == [("b", b"2"), ("a", b"3")]


def test_what_was_on_the_wire_goes_again_first_unless_there_is_something_newer():
    made = Documents()
    made.put("b", b"new")
    made.back([Flight(None, "a", b"1"), Flight(None, "b", b"old")])
    assert [made.next(), made.next()] == [("a", b"1"), ("b", b"new")]
    assert not made


def test_what_was_too_large_stays_away_and_says_how_much_goes():
    made = Documents()
    assert made.largest("a", None) is None
    made.refused(Flight(None, "a", bytes(300)))
    assert made.stays("a", bytes(300), 0.0)
    assert made.stays("a", bytes(301), 0.0)
    assert not made.stays("a", bytes(299), 0.0)
    assert not made.stays("b", bytes(3000), 0.0)
    assert made.largest("a", None) == made.largest("b", 5000) == 299
    assert made.largest("a", 200) < 199
    made.put("a", b"x")
    made.clear()
    assert len(made) == 0


@pytest.mark.parametrize("packet", [5, 30, 127, 129, 130, 300, 16_383, 16_390])
def test_a_document_may_fill_the_packet(packet):
    """What the topic leaves of a packet is known to within the bytes that its length takes."""
    topic = "gateway/g1/status"
    most = Documents().largest(topic, packet)
    assert most == 0 or fits(topic_part(topic), bytes(most), packet)
    assert not fits(topic_part(topic), bytes(most + 2), packet)


def test_at_which_the_line_was_cut():
    """It may be its size: a much smaller one is tried at once, a few times; else any is when its time has come."""
    made, size = Documents(), 1000
    for _ in range(TRIES):
        made.cut(Flight(None, "a", bytes(size)), until=60.0)
        made.opened()
        assert made.largest("a", None) == int(SMALLER * size)
        assert made.stays("a", bytes(int(SMALLER * size) + 1), 59.9)
        assert not made.stays("a", bytes(int(SMALLER * size)), 59.9)
        size = int(SMALLER * size)
    made.cut(Flight(None, "a", bytes(size)), until=60.0)
    assert made.stays("a", b"", 59.9)
    assert not made.stays("a", bytes(5000), 60.0)
    made.taken(Flight(None, "a", bytes(5000)))
    assert not made.stays("a", bytes(5000), 0.0)


def test_a_smaller_one_that_is_taken_shows_that_it_was_the_size():
    """From then on no larger one is made: it would cut the line again, and again."""
    made = Documents()
    made.cut(Flight(None, "a", bytes(1000)), until=60.0)
    made.taken(Flight(None, "a", bytes(600)))
    made.opened()
    assert made.largest("a", None) == int(SMALLER * 1000)
    assert made.stays("a", bytes(1000), 59.9)
    assert not made.stays("a", bytes(600), 59.9)


def test_what_was_too_large_for_the_last_connection_is_for_the_next():
    """A broker that says so may close the connection all the same; one at which nothing was is tried anew."""
    made = Documents()
    made.refused(Flight(None, "a", bytes(300)))
    made.opened()
    assert made.largest("a", None) == 299
    made.opened()
    assert made.largest("a", None) is None


def test_a_document_that_is_denied_says_nothing_of_a_size():
    """Larger ones were taken: the line is cut for its topic, and the others are not shortened for it."""
    made = Documents()
    made.taken(Flight(None, "b", bytes(900)))
    made.cut(Flight(None, "a", bytes(300)), until=60.0)
    assert made.largest("b", None) is None

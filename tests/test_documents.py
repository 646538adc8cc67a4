"""Retained documents: the newest of each topic, in order, and not again what was too large."""

import pytest

from gateway.publish.documents import Documents
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
    assert made.too_long("a", bytes(300))
    assert made.too_long("a", bytes(301))
    assert not made.too_long("a", bytes(299))
    assert not made.too_long("b", bytes(3000))
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

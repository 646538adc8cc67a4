"""Retained documents: the newest of each topic, in order, and not again what was too large."""

from gateway.publish.documents import TOPIC, Documents
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
    assert made.largest(None) is None
    assert made.largest(5000) == 5000 - TOPIC
    assert made.largest(10) == 0
    made.refused(Flight(None, "a", bytes(300)))
    assert made.too_long("a", bytes(300))
    assert made.too_long("a", bytes(301))
    assert not made.too_long("a", bytes(299))
    assert not made.too_long("b", bytes(3000))
    assert made.largest(None) == 299
    assert made.largest(1100) == 100
    made.put("a", b"x")
    made.clear()
    assert len(made) == 0

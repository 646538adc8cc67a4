"""A question on a port: what is its answer, and what never is."""

import pytest

from gateway.ingest.asking.asker import LISTENING, PATIENCE, Missed
from gateway.ingest.asking.endings import Sized
from gateway.ingest.asking.turns import GRACE
from tests.asked_ports import TIMEOUT, Port, turn


def test_a_question_and_its_answer():
    """After a moment of listening a board is asked, and the line that comes is the answer, cut as it may be."""
    port = Port(turn(b"R\r"))
    port.run(100.0 + LISTENING - 0.01)
    assert port.sent == []
    port.run(100.3)
    assert port.sent == [(100.0 + LISTENING, b"R\r")]
    for byte in b"25.104\r":
        port.say(bytes([byte]))
    assert port.answers() == [b"25.104\r"]


def test_no_answer_is_a_miss():
    """What does not come in time is a miss, once, with what came in place of an answer."""
    port = Port(turn(b"R\r"))
    port.run(100.3)
    port.say(b"25.1")
    port.asker.feed(b"", 100.25 + TIMEOUT)
    port.now = 100.25 + TIMEOUT
    port.drain()
    assert [(each.place, each.data) for each in port.heard if isinstance(each, Missed)] == [(0, b"25.1")]
    assert port.misses() == 1


@pytest.mark.parametrize("late", [0.01, 0.5, TIMEOUT, GRACE * TIMEOUT - 0.01])
def test_a_late_answer_is_no_answer(late):
    """An answer that comes after its time answers nothing, and the next question waits until none can come."""
    port = Port(turn(b"R\r", every=0.0))
    port.run(100.3)
    port.run(100.25 + TIMEOUT + late)
    port.say(b"11.1\r")
    assert port.answers() == []
    assert port.strays() == b"11.1\r"
    port.run(110.0, lambda data: b"22.2\r")
    assert set(port.answers()) == {b"22.2\r"}
    assert port.sent[1][0] >= port.sent[0][0] + TIMEOUT + GRACE * TIMEOUT


def test_an_echo_is_no_answer():
    """What an adapter sends back first is dropped, also in pieces; an answer without one is an answer too."""
    port = Port(turn(b"R\r", echo=b"R\r", every=0.0), gap=0.001)
    port.run(100.3)
    port.say(b"R")
    port.say(b"\r25.1\r")
    assert (port.answers(), port.strays()) == ([b"25.1\r"], b"R\r")
    port.run(100.4)
    port.say(b"26.2\r")
    assert port.answers() == [b"25.1\r", b"26.2\r"]


def test_an_answer_like_half_an_echo():
    """An answer that begins as the question does is waited for no longer than its own end takes."""
    port = Port(turn(b"\x01\x02\x03\x04", ending=Sized(2), echo=b"\x01\x02\x03\x04"))
    port.run(100.3)
    port.say(b"\x01\x09")
    assert port.answers() == [b"\x01\x09"]


def test_noise_does_not_end_the_waiting():
    """A line that its format takes for noise is no answer; the one behind it is."""
    port = Port(turn(b"R\r"))
    port.run(100.3)
    port.say(b"*OK\r", accept=False)
    port.say(b"25.1\r")
    assert port.answers() == [b"*OK\r", b"25.1\r"]
    port.run(100.25 + TIMEOUT)
    assert port.misses() == 0


def test_what_follows_an_answer_is_not_the_next_one():
    """Behind an answer comes more, which nobody asked for: it is never given to the next question."""
    port = Port(turn(b"R\r", every=0.0))
    port.run(100.3)
    port.say(b"25.1\r*OK\r")
    port.run(101.0)
    assert (port.answers(), port.strays()) == ([b"25.1\r"], b"*OK\r")


def test_half_a_line_from_before_a_question():
    """A streamed line that is under way is let end before a question; and if it never does, its rest is no answer."""
    port = Port(turn(b"R\r"))
    port.say(b"99.")
    port.run(100.3)
    assert port.sent == [(100.0 + LISTENING, b"R\r")], "a quiet line is not waited for any longer"
    stream = Port(turn(b"R\r"))
    while not stream.sent:
        stream.run(stream.now + 0.1)
        stream.say(b"1" if not stream.sent else b"")
        assert stream.now < 100.0 + LISTENING + PATIENCE + 0.2
    stream.say(b"11\r")
    stream.say(b"25.1\r")
    assert stream.answers() == [b"25.1\r"]

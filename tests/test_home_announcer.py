"""When what is announced to Home Assistant, put right and cleared; time is an argument."""

import pytest

from gateway.publish.home.announcer import AGAIN, BIRTH, LATEST, RETRY, SETTLE, SETTLED, STRANGE, TOLD, Announcer
from gateway.publish.home.known import Known
from gateway.publish.home.nouns import Pages


class Desk:
    """An announcer, and what it has said."""

    def __init__(self, known=None):
        self.events, self.denied = [], set()
        self.it = Announcer(known or Known(), lambda name, **fields: self.events.append((name, fields)), lambda a, b: a)

    def step(self, now, **messages):
        """What is sent at that time, by topic, where these are to be there."""
        found = Pages({topic: text.encode() for topic, text in messages.items()})
        found.components = {topic: {topic: "sensor"} for topic in messages}
        announcing = self.it.begin(now)
        out = (self.it.announce(found) if announcing else []) + self.it.right(found, now)
        self.it.sent([topic for topic, _ in out], now)
        for topic, payload in out:
            if payload and topic not in self.denied:
                self.it.taken(topic)
        return {topic: payload.decode() for topic, payload in out}


@pytest.fixture
def desk():
    return Desk()


def test_nothing_is_said_before_there_was_a_connection(desk):
    """News waits for it."""
    desk.it.news(0)
    assert desk.it.due is None
    desk.it.opened(5)
    assert desk.it.due == 5
    assert desk.step(5, a="1") == {"a": "1"}
    assert desk.it.due is None


def test_all_goes_again_with_each_connection_and_else_what_has_changed(desk):
    """The broker may have forgotten; but nothing is sent twice on one connection."""
    desk.it.opened(0)
    desk.step(0, a="1", b="1")
    desk.it.news(10)
    assert desk.step(10 + SETTLE, a="1", b="2", c="1") == {"b": "2", "c": "1"}
    desk.it.opened(60)
    assert desk.step(60, a="1", b="2", c="1") == {"a": "1", "b": "2", "c": "1"}


def test_news_is_collected_and_not_for_ever(desk):
    """256 sensors that speak one after the other are announced once; a stream of news every so often."""
    desk.it.opened(0)
    desk.step(0)
    at = 100.0
    while at < 200:
        desk.it.news(at)
        if desk.it.due <= at:
            break
        at += 0.5
    assert 100 + LATEST <= at <= 100 + LATEST + 0.5


def test_what_is_no_more_is_cleared_and_remembered_until_the_broker_has_it(desk):
    """Also what an earlier run has announced, under whatever name."""
    desk = Desk(Known(topics={"old"}))
    desk.it.opened(0)
    assert desk.step(0, a="1") == {"a": "1", "old": ""}
    assert desk.it.known.topics == {"a", "old"}
    assert not desk.it.taken("a")
    assert desk.it.taken("old") and not desk.it.taken("old")
    assert desk.it.known.topics == {"a"}
    desk.it.news(10)
    assert desk.step(12) == {"a": ""}
    desk.it.opened(20)
    assert desk.step(20) == {"a": ""}  # until it has been taken, with each connection
    assert desk.it.taken("a")
    desk.it.opened(40)
    assert desk.step(40) == {}


def test_home_assistants_birth_is_answered_once_for_many(desk):
    """Soon, with all of it, and not more often than so; a storm of them costs nothing."""
    desk.it.opened(0)
    desk.step(0, a="1")
    for _ in range(100):
        desk.it.born(50)
    assert desk.it.due == 50 + BIRTH[0]
    assert desk.step(50 + BIRTH[0], a="1") == {"a": "1"}
    desk.it.born(51)
    assert desk.it.due >= 50 + AGAIN


def test_our_own_words_are_no_surprise(desk):
    """In 3.1.1 they come back, an older one too while a newer one is on its way."""
    desk.it.opened(0)
    desk.step(0, a="1")
    desk.it.news(1)
    desk.step(1 + SETTLE, a="2")
    desk.it.heard("a", b"1", 3.1)
    desk.it.heard("a", b"2", 3.2)
    assert desk.it.due is None
    assert desk.step(100, a="2") == {}
    assert [name for name, _ in desk.events] == ["discovery.announced"]


def test_what_an_earlier_run_has_left_is_nobody_elses(desk):
    """It comes with the subscription, and ours is on its way: nothing is put right, and nothing told."""
    desk.it.opened(0)
    desk.it.begin(0)
    desk.it.announce(Pages({"a": b"1"}))
    desk.it.heard("a", b"of before", 0.1)
    assert desk.it.due is None
    desk.it.taken("a")
    desk.it.heard("a", b"of others", 5)
    assert desk.it.due == 5 + SETTLED


@pytest.mark.parametrize(("payload", "emptied"), [(b"{}", False), (b"", True), (b"\xff" * 1000, False)])
def test_what_others_write_over_ours_is_put_right(desk, payload, emptied):
    """Within seconds, with one event; and a fight is fought slowly."""
    desk.it.opened(0)
    desk.step(0, a="1")
    sent = 0
    for second in range(600):
        desk.it.heard("a", payload, second)
        sent += len(desk.step(second + 0.9, a="1"))
        assert second < SETTLED + 1 or sent, "within two seconds"
    assert 50 <= sent <= 600 / AGAIN + 1
    told = [fields for name, fields in desk.events if name == "discovery.overwritten"]
    assert told == [{"topic": "a", "emptied": emptied}]
    assert TOLD >= 600


def test_what_lies_under_our_node_and_is_not_ours_is_cleared(desk):
    """After a while, in which it may turn out to be a board of ours that has not been announced yet."""
    desk.it.opened(0)
    desk.step(0, a="1")
    desk.it.heard("ghost", b"{}", 1)
    desk.it.heard("b", b"2", 1)
    desk.it.news(2)
    assert desk.step(2 + SETTLE, a="1", b="2") == {"b": "2"}
    assert desk.it.due == 1 + STRANGE
    assert desk.step(1 + STRANGE, a="1", b="2") == {"ghost": ""}
    desk.it.taken("ghost")
    desk.it.heard("ghost", b"", 30)
    assert desk.it.due is None
    desk.it.opened(60)
    assert desk.step(60, a="1", b="2") == {"a": "1", "b": "2"}


def test_what_the_broker_does_not_take_goes_again(desk):
    """Every minute: whoever mends its access list need not restart anything."""
    desk.denied = {"a"}
    desk.it.opened(0)
    assert set(desk.step(0, a="1", b="1")) == {"a", "b"}
    assert desk.it.due == RETRY
    assert desk.step(RETRY, a="1", b="1") == {"a": "1"}
    desk.denied = set()
    assert desk.step(2 * RETRY, a="1", b="1") == {"a": "1"}
    assert desk.it.due is None


def test_what_comes_while_it_is_made_waits_for_the_next_time(desk):
    """Nothing that was told meanwhile is lost."""
    desk.it.opened(0)
    assert desk.it.begin(0)
    desk.it.news(0.1)
    desk.it.announce(Pages({"a": b"1"}))
    assert desk.it.due == 0.1 + SETTLE

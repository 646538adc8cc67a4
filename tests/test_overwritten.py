"""Who writes over the gateway's retained documents, by what is heard on their topics."""

import pytest

from gateway.publish.overwritten import AGAIN, TOLD, Overwritten, topics


@pytest.fixture
def made():
    """With what it tells."""
    told = []
    return Overwritten("gateway/g", "abc", lambda name, **fields: told.append((name, fields))), told


@pytest.mark.parametrize("prefix", ["gateway/g", "a/b/g"])
def test_what_concerns_it(prefix):
    """The topics on which documents may lie, and none beside them, whatever the prefix."""
    one = Overwritten(prefix, "abc", lambda name, **fields: None)
    for topic in topics(prefix):
        assert one.concerns(topic.replace("+", "x"))
    for topic in (
        f"{prefix}/b/s/features",
        f"{prefix}x/status",
        "homeassistant/status",
        "homeassistant/device/x/config",
    ):
        assert not one.concerns(topic)


def test_each_topic_is_told_of_now_and_then_and_ours_are_said_again(made):
    """One event a topic in ten minutes; all documents at most every ten seconds, however much is written."""
    one, told = made
    assert one.heard("gateway/g/status", b"{}", 0.0)
    assert not one.heard("gateway/g/b/status", b"", 1.0)
    assert not one.heard("gateway/g/status", b"{}", 2.0)
    assert one.heard("gateway/g/status", b"{}", AGAIN)
    assert told == [
        ("retained.overwritten", {"topic": "gateway/g/status", "emptied": False}),
        ("retained.overwritten", {"topic": "gateway/g/b/status", "emptied": True}),
    ]
    assert one.heard("gateway/g/status", b"{}", TOLD) and len(told) == 3


def test_a_flood_of_topics_is_bounded(made):
    """Whoever writes on ten thousand topics has events that the log holds back, and no memory of ours."""
    one, _ = made
    for number in range(10_000):
        one.heard(f"gateway/g/b{number}/status", b"{}", 0.0)
    assert len(one._seldom._told) <= 100


def test_what_is_ours_is_nobody_else_s(made):
    """A broker that sends our own documents back tells nothing; our own late will is put right without a word."""
    one, told = made
    assert not one.heard("gateway/g/status", b'{"state":"online","run":"abc"}', 0.0)
    assert not one.heard("gateway/g/b/s/last", b'{"run":"abc","value":1.0}', 0.0)
    assert one.heard("gateway/g/status", b'{"state":"offline","reason":"lost","run":"abc"}', 0.0)
    assert told == []
    assert one.heard("gateway/g/status", b'{"state":"offline","reason":null,"run":"abc"}', AGAIN)
    assert len(told) == 1

"""How tasks travel to a worker and back, and the bytes they are made of."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.compute import aggregate
from gateway.compute.sensors import NO_READINGS, NOTHING_CARRIED
from gateway.compute.tasks import CARRIED, width
from gateway.compute.wire import HEADER, LARGEST, Inbox, Nonsense, framed

messages = st.lists(st.tuples(st.integers(0, 2**64 - 1), st.binary(max_size=50)), max_size=8)


@given(messages, st.data())
def test_any_cut_gives_the_same_messages(sent, data):
    """Whole, byte by byte or cut anywhere: what went in comes out, in order."""
    stream = b"".join(framed(number, body) for number, body in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    for edges in ([0, *cuts, len(stream)], range(len(stream) + 1)):
        inbox = Inbox()
        got = [message for a, b in pairwise(edges) for message in inbox.feed(stream[a:b])]
        assert got == sent


@given(st.binary(max_size=200))
def test_any_bytes_are_messages_or_nonsense(noise):
    """Nothing else comes of them, and nothing is kept that is longer than a message may be."""
    inbox = Inbox()
    try:
        for number, body in inbox.feed(noise):
            assert framed(number, body) in noise
    except Nonsense:
        assert len(noise) >= HEADER.size


def test_a_message_that_is_too_long():
    """The header alone tells: no byte of it is waited for."""
    assert Inbox().feed(HEADER.pack(1, LARGEST)) == []
    with pytest.raises(Nonsense):
        Inbox().feed(HEADER.pack(1, LARGEST + 1))


@pytest.mark.parametrize(
    ("use", "due"),
    [
        ((), 0),
        (("median", "rate", "ewma"), 0),
        (("mean",), 5),
        (("zscore", "rate"), 5),
        (("slope",), 8),
        (("std", "slope"), 8),
    ],
)
def test_how_many_moments_features_need(use, due):
    """None, those of the values, or those of the times too; both sides of the wire agree on a run of none."""
    assert width(use) == due
    if due:
        assert aggregate.empty(due, 1)[:, 0].tolist() == list(NO_READINGS[:due])
    assert len(NOTHING_CARRIED) == 8 * CARRIED

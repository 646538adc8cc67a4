"""How much the outbox sends at once: what is too large for the broker is cut, or dropped and said."""

import pytest

from gateway.publish.broker import Limits
from gateway.publish.packets import Ack
from tests.made import features
from tests.outboxes import features_of, outbox, sent


def test_rows_are_cut_until_they_fit():
    """A batch that is too large for the broker goes in as many messages as it takes, in order."""
    box, accounts = outbox(rows=True)
    accounts["bench"].readings = 400
    box.opened(Limits(receive=1, packet=2000), v5=True)
    box.put([features(range(1, 401))])
    got = []
    while not box.idle:
        now = sent(box)
        assert len(now) == 1
        assert now[0].size <= 2000
        got += now
        box.acked([Ack(now[0].packet_id, 0)], 0.0)
    assert [seq for seq, _ in features_of(got)] == list(range(1, 401))
    assert len(got) < 40, "and not one by one"
    assert accounts["bench"].acknowledged == 400
    assert box.refusals.text is None


def test_rows_that_the_broker_finds_too_large():
    """A broker of unknown limits says so afterwards: the same rows go again in halves."""
    box, accounts = outbox(rows=True)
    box.opened(Limits(), v5=True)
    box.put([features(range(1, 101))])
    got = []
    while not box.idle:
        for publish in sent(box):
            too_large = publish.size > 1500 and publish.topic.endswith("/features")
            got += [] if too_large else [publish]
            box.acked([Ack(publish.packet_id, 0x95 if too_large else 0)], 0.0)
    assert [seq for seq, _ in features_of(got)] == list(range(1, 101))
    assert accounts["bench"].acknowledged == 100


@pytest.mark.parametrize("rows", [False, True])
def test_a_reading_that_never_fits(rows):
    """It is dropped as too large, said so, and stops nobody."""
    box, accounts = outbox(rows=rows)
    box.opened(Limits(packet=180), v5=True)
    box.put([features([1, 2, 3]), features([1], sensor="x", keys=(), columns=[])])
    assert [publish.topic for publish in sent(box) if not publish.retain] == ([] if rows else ["gw/g/bench/x/features"])
    assert accounts["bench"].dropped == {"too_large": 4 if rows else 3}
    assert "larger than it takes" in box.refusals.text


@pytest.mark.parametrize("rows", [False, True])
def test_a_reading_that_never_fits_hands_on_what_was_condensed(rows):
    """What was condensed before it is told with the next reading, so that only it seems missing."""
    box, accounts = outbox(rows=rows, every=3.0)
    box.opened(Limits(packet=380 if rows else 250), v5=True)
    box.put(
        [
            features([seq], value=[1.0 if seq != 4 else 10 / 3 * 1e-200], count=[None if seq != 4 else 10**200])
            for seq in range(1, 8)
        ]
    )
    got = []
    while not box.idle:
        now = sent(box)
        got += features_of(now)
        box.acked([Ack(publish.packet_id, 0) for publish in now], 0.0)
    assert got == [(1, 0), (7, 4)]
    assert accounts["bench"].dropped == {"too_large": 1}


def test_room():
    """What is given out at once is bounded by bytes too: one message more at most."""
    box, _ = outbox(rows=True)
    box.opened(Limits(), v5=True)
    box.put([features(range(1, 300), sensor=f"S{number}") for number in range(9)])
    sizes = [publish.size for publish in sent(box, room=50_000)]
    assert sum(sizes[:-1]) < 50_000 <= sum(sizes)
    assert sent(box, room=0) == []

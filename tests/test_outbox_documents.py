"""The outbox's retained documents, `last` among them: the newest counts, and each goes again when it has to."""

import pytest

from gateway.publish.broker import Limits
from gateway.publish.packets import Ack
from gateway.publish.suspects import LEAST
from tests.made import features
from tests.outboxes import outbox, sent


def test_documents_go_first():
    """A retained document waits for no reading, but for the `last` of a sensor, which goes behind one of those."""
    box, _ = outbox()
    box.put([features(range(1, 200))])
    box.documents.put("gw/g/status", b"{}")
    box.opened(Limits(receive=3), v5=True)
    assert [publish.topic.rpartition("/")[2] for publish in sent(box)] == ["status", "features", "features"]


def test_the_last_of_many_sensors_take_turns_with_their_readings():
    """However many are due at once, readings do not wait for all of them, nor they for all readings."""
    box, _ = outbox()
    box.put([features([1], sensor=f"S{number}") for number in range(4)])
    box.put([features([2, 3], sensor="S4")])
    box.opened(Limits(receive=50), v5=True)
    kinds = [publish.topic.rpartition("/")[2] for publish in sent(box)]
    assert kinds[:6] == ["features", "last"] * 3
    assert (kinds.count("last"), kinds.count("features")) == (5, 6)
    assert box.documents.next(behind=True) is None


def test_only_the_newest_document_of_a_topic_counts():
    """What waits is replaced; after an outage what was on the wire does not come behind what is newer."""
    box, _ = outbox()
    box.opened(Limits(), v5=True)
    for number in range(3):
        box.documents.put("gw/g/status", b"%d" % number)
    assert [publish.payload for publish in sent(box)] == [b"2"]
    box.documents.put("gw/g/status", b"3")
    assert [publish.payload for publish in sent(box)] == [b"3"]
    box.closed(0.0, cut=False)
    box.opened(Limits(), v5=True)
    assert [publish.payload for publish in sent(box)] == [b"3"]
    box.closed(0.0, cut=False)
    box.documents.put("gw/g/status", b"4")
    box.opened(Limits(), v5=True)
    assert [publish.payload for publish in sent(box)] == [b"4"]


def test_last():
    """`last` goes out for the first reading, then at most every 10 s by the board's time, and after a reconnect."""
    box, _ = outbox()
    box.opened(Limits(), v5=True)

    def lasts(seq):
        box.put([features([seq])])
        found = [publish for publish in sent(box) if publish.topic == "gw/g/bench/S1/last"]
        box.acked([Ack(number, 0) for number in box.window.flights], 0.0)
        assert all(publish.retain and publish.qos == 1 for publish in found)
        return [publish.json["seq"] for publish in found]

    assert [lasts(seq) for seq in (1, 2, 10, 11, 12, 21)] == [[1], [], [], [11], [], [21]]
    box.closed(0.0, cut=False)
    box.opened(Limits(), v5=True)
    assert [lasts(seq) for seq in (22, 23)] == [[22], []]


def test_last_is_told_of_condensed_readings_too():
    """`every` thins out features, and not the retained newest reading."""
    box, accounts = outbox(every=100.0)
    box.opened(Limits(), v5=True)
    for seq in range(1, 31):
        box.put([features([seq])])
    topics = [(publish.topic.rpartition("/")[2], publish.json["seq"]) for publish in sent(box)]
    assert sorted(topics) == [("features", 1), ("last", 21)]
    assert accounts["bench"].condensed == 29


def test_a_document_that_the_broker_finds_too_large():
    """It does not go again in that size; a smaller one does; and what makes documents is told."""
    box, _ = outbox()
    box.opened(Limits(), v5=True)

    def offer(size):
        box.documents.put("gw/g/status", bytes(size))
        return [publish.packet_id for publish in sent(box)]

    assert box.largest("gw/g/status") is None
    box.acked([Ack(number, 0x95) for number in offer(5000)], 0.0)
    assert (box.largest("gw/g/status"), box.idle) == (4999, True)
    assert "gw/g/status" in box.refusals.text
    assert offer(5000) == offer(6000) == []
    box.closed(0.0, cut=False)
    box.opened(Limits(packet=3000), v5=True)
    assert 2900 < box.largest("gw/g/status") < 3000
    box.acked([Ack(number, 0) for number in offer(1500)], 0.0)
    assert box.refusals.text is None
    box.closed(0.0, cut=False)
    box.opened(Limits(), v5=True)  # the limit was raised
    assert box.largest("gw/g/status") is None
    assert len(offer(6000)) == 1


def test_a_document_at_which_the_broker_cuts_the_line_stays_away():
    """It would cost the next connection too. A smaller one goes soon, and one of that size after a minute."""
    box, _ = outbox()

    def offer(size, now):
        box.opened(Limits(), v5=True)
        box.documents.put("gw/g/status", bytes(size))
        return len(sent(box, now=now))

    for _ in range(LEAST):
        assert offer(5000, 0.0) == 1
        box.closed(0.0, cut=True)
    assert offer(5000, 59.0) == 0
    assert box.largest("gw/g/status") == 3750
    assert offer(3750, 59.0) == 1
    box.closed(59.0, cut=True)
    assert (box.largest("gw/g/status"), offer(3750, 170.0), offer(3750, 180.0)) == (2812, 0, 1)


@pytest.mark.parametrize(("reason", "times"), [(0x87, (1, 1, 0)), (0x95, (1, 0, 1))])
def test_a_document_that_is_refused_with_the_line(reason, times):
    """The broker answers that it does not take it, and cuts the line as well: then it stays away.

    One that is too large does so at once, until a connection at which nothing was.
    """
    box, _ = outbox()
    for goes in times:
        box.opened(Limits(), v5=True)
        box.documents.put("gw/g/status", bytes(500))
        documents = sent(box, now=100.0)
        assert len(documents) == goes
        box.acked([Ack(document.packet_id, reason) for document in documents], 100.0)
        box.closed(100.1, cut=True)

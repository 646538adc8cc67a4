"""What the outbox does with readings that the broker refuses, or at which it cuts the line."""

import pytest

from gateway.publish.broker import Limits
from gateway.publish.packets import Ack
from gateway.publish.suspects import TOGETHER
from tests.made import features
from tests.outboxes import features_of, outbox, sent


@pytest.mark.parametrize(
    ("reason", "outcome", "wait"),
    [
        (0x10, "acknowledged", None),
        (0x87, "kept", 60.0),
        (0x97, "kept", 5.0),
        (0x83, "kept", 5.0),
        (0x90, "refused_by_broker", None),
        (0x99, "refused_by_broker", None),
        (0x95, "too_large", None),
    ],
)
def test_reasons(reason, outcome, wait):
    """Each reason has its way: no subscribers is success, what cannot be mended is dropped, all else is tried again."""
    box, accounts = outbox()
    box.opened(Limits(), v5=True)
    box.put([features([1])])
    (publish,) = (one for one in sent(box) if not one.retain)
    assert box.acked([Ack(publish.packet_id, reason)], now=100.0) == wait
    assert (accounts["bench"].acknowledged, box.held("bench")) == (outcome == "acknowledged", outcome == "kept")
    assert accounts["bench"].dropped.total() == accounts["bench"].dropped[outcome] == (wait is None and reason != 0x10)
    assert (box.refusals.text is None) == (reason == 0x10)
    assert sent(box, now=100.0) == []
    assert len(sent(box, now=100.0 + (wait or 0))) == (wait is not None)


def test_a_refusal_is_over_when_that_topic_is_taken():
    """What another topic does is no sign; the sentence names one topic and how many more."""
    box, _ = outbox()
    box.opened(Limits(), v5=True)
    box.put([features([1]), features([1], sensor="S2"), features([1], sensor="S3")])
    ids = {one.topic.split("/")[3]: one.packet_id for one in sent(box) if not one.retain}
    box.acked([Ack(ids["S1"], 0x87), Ack(ids["S2"], 0x87)], 0.0)
    assert box.refusals.text.startswith(
        "the broker refuses messages on gw/g/bench/S1/features and 1 more (reason 0x87)"
    )
    box.acked([Ack(ids["S3"], 0)], 0.0)
    assert "access list" in box.refusals.text
    box.acked([Ack(one.packet_id, 0) for one in sent(box, now=60.0)], 60.0)
    assert box.refusals.text is None


def test_suspects_go_last_and_alone():
    """After some cuts what was under way at each of them waits until all others are out, and is answered one by one."""
    box, _ = outbox()
    box.put([features(range(1, 41))])
    for _ in range(TOGETHER):
        box.opened(Limits(), v5=True)
        assert len(sent(box)) == 41
        box.closed(0.0, cut=True)
    box.put([features(range(1, 41), sensor="S2")])
    box.opened(Limits(), v5=True)
    others = sent(box)
    assert {one.topic.split("/")[3] for one in others} == {"S2"}
    assert len(others) == 41
    assert sent(box) == [], "as long as one of them is under way"
    box.acked([Ack(one.packet_id, 0) for one in others], 0.0)
    for number in range(41):
        (one,) = sent(box)
        assert one.topic.endswith("S1/features" if number else "S1/last")
        box.acked([Ack(one.packet_id, 0)], 0.0)
    box.put([features(range(41, 81))])
    assert len(sent(box)) == 41, "together again"


def test_others_have_their_time_and_suspects_too():
    """Where there is always something else, a suspect goes after two seconds, once nothing is under way beside it."""
    box, _ = outbox()
    box.put([features([1])])
    for _ in range(TOGETHER):
        box.opened(Limits(), v5=True)
        sent(box)
        box.closed(0.0, cut=True)
    box.opened(Limits(), v5=True)
    gone = []
    for tenth in range(100):
        box.put([features([tenth], sensor="S2")])
        gone += [(tenth, one.topic.split("/")[3]) for one in sent(box, now=tenth / 10)]
        box.acked([Ack(number, 0) for number in list(box.window.flights)], tenth / 10)
    assert [tenth for tenth, sensor in gone if sensor == "S1"] == [20, 42], "`last`, and the reading"
    assert len([tenth for tenth, sensor in gone if sensor == "S2"]) > 100


def test_a_sensor_that_is_refused_with_the_line_waits():
    """Each of its messages is too large, and the line is cut as well: after two its others wait for a minute."""
    box, accounts = outbox()
    box.put([features(range(1, 10))])
    for goes in (1, 1, 0):
        box.opened(Limits(receive=1), v5=True)
        box.documents.clear()
        readings = sent(box, now=100.0)
        assert len(readings) == goes
        box.acked([Ack(one.packet_id, 0x95) for one in readings], 100.0)
        box.closed(100.1, cut=True)
    assert accounts["bench"].dropped == {"too_large": 2}
    box.opened(Limits(), v5=True)
    assert features_of(sent(box, now=161.0)) == [(3, 0)]


def test_a_refusal_that_says_why_is_tried_again_within_five_minutes():
    """However often it has cost the line: an access list may be mended."""
    box, _ = outbox()
    for now in range(0, 9 * 301, 301):
        box.opened(Limits(), v5=True)
        box.documents.put("gw/g/status", b"{}")
        documents = sent(box, now=now)
        assert len(documents) == 1
        box.acked([Ack(documents[0].packet_id, 0x87)], now)
        box.closed(now, cut=True)


def test_what_may_have_arrived_has_told_of_what_was_condensed():
    """A reading that was on the wire when the line broke, and is shed then, hands nothing on."""
    box, accounts = outbox(every=3.0, most=3)
    box.opened(Limits(), v5=True)
    box.put([features(range(1, 9))])
    assert features_of(sent(box)) == [(1, 0), (4, 2), (7, 2)]
    box.closed(0.0, cut=True)
    box.put([features(range(9, 14))])
    assert accounts["bench"].dropped == {"shed": 2}
    box.opened(Limits(), v5=True)
    assert features_of(sent(box)) == [(7, 2), (10, 2), (13, 2)]


@pytest.mark.parametrize("end", [0x99, "fits no more", "QoS 0"])
def test_a_lane_is_free_whatever_becomes_of_its_probe(end):
    """What goes alone after a refusal may be dropped, or be sent to another broker: what is behind it goes on."""
    box, accounts = outbox()
    box.opened(Limits(), v5=True)
    box.put([features([1, 2, 3, 4])])
    box.acked([Ack(one.packet_id, 0x97) for one in sent(box)], 0.0)
    box.acked([Ack(one.packet_id, 0) for one in sent(box)], 0.0)
    if end == 0x99:
        (probe,) = sent(box, now=6.0)
        box.acked([Ack(probe.packet_id, end)], 6.0)
    elif end == "fits no more":
        box.closed(0.0, cut=False)
        box.opened(Limits(packet=50), v5=True)
        assert sent(box, now=6.0) == []
        assert accounts["bench"].dropped["too_large"] == 4
    else:
        box.closed(0.0, cut=False)
        box.opened(Limits(qos=0), v5=True)
        sent(box, now=6.0)
        box.landed()
    box.put([features([5])])
    for _ in range(9):
        box.acked([Ack(one.packet_id, 0) for one in sent(box, now=7.0)], 7.0)
        box.landed()
    assert box.idle


def test_rows_with_one_that_cuts_the_line():
    """It is found by halves, and that is no reason to keep the others back, or to send fewer of them from then on."""
    box, accounts = outbox(rows=True)
    box.put([features(range(1, 257))])
    for now in range(60):
        box.opened(Limits(receive=1), v5=True)
        box.documents.put("gw/g/status", b"{}")
        while (out := sent(box, now=now)) and (1, 0) not in features_of(out):
            box.acked([Ack(one.packet_id, 0) for one in out], now)
        if not out:
            break
        box.closed(now, cut=True)
    assert (accounts["bench"].dropped, accounts["bench"].acknowledged) == ({"refused_by_broker": 1}, 255)
    box.opened(Limits(), v5=True)
    box.put([features(range(300, 400))])
    assert len(features_of(sent(box, now=60))) == 100


def test_qos_0_suspects_nobody():
    """What has left is no suspect any more, and nothing goes alone."""
    box, _ = outbox()
    box.put([features(range(1, 50))])
    for _ in range(TOGETHER):
        box.opened(Limits(), v5=True)
        sent(box)
        box.closed(0.0, cut=True)
    box.opened(Limits(qos=0), v5=True)
    for now in range(200):
        sent(box, now=float(now))
        box.landed()
    box.put([features(range(50, 150)), features(range(1, 50), sensor="S2")])
    assert len(features_of(sent(box, now=200.0))) > 90


def test_others_do_not_wait_for_suspects_that_are_kept_back():
    """A sensor is found guilty and waits: nobody stops for it."""
    box, accounts = outbox()
    box.put([features(range(1, 10))])
    for now in range(40):
        box.opened(Limits(receive=2), v5=True)
        box.documents.put("gw/g/status", b"{}")
        while out := sent(box, now=float(now)):
            if poison := [one for one in out if one.topic.endswith("S1/features")]:
                break
            box.acked([Ack(one.packet_id, 0) for one in out], float(now))
        if not out:
            break
        assert poison
        box.closed(float(now), cut=True)
    assert accounts["bench"].dropped == {"refused_by_broker": 3}
    for tick in range(100):
        box.put([features([tick], sensor="S2")])
        assert len(sent(box, now=50.0 + tick / 10)) >= 1
        box.acked([Ack(min(box.window.flights), 0)], 50.0 + tick / 10)

"""What the demo says at its end."""

import json

import pytest

from gateway.demo.judge import Judge
from gateway.demo.verdict import losses, spelt, verdict


def judged(seqs, **status):
    """A judge that has heard these readings of bench/S1 and this status."""
    judge = Judge("demo", {"bench": ["S1", "S2"]})
    head = {"gateway": "demo", "run": "r"}
    judge.hear(
        "gateway/demo/status", json.dumps(head | {"state": "offline", "reason": "stopped"} | status).encode(), 0.0
    )
    for seq in seqs:
        message = head | {"board": "bench", "sensor": "S1", "seq": seq, "value": 1.0}
        judge.hear("gateway/demo/bench/S1/features", json.dumps(message).encode(), 0.002)
        judge.wrote(json.dumps({"board": "bench", "sensor": "S1", "value": 1.0, "mono": 0.0}).encode())
    return judge


def written(readings, seconds=2.0):
    """With what the boards end."""
    return {"seconds": seconds, "readings": readings, "boards": {"bench": {"sensors": {"S1": readings}}}}


def test_the_document_has_what_the_contract_names():
    """All keys, and the sums."""
    judge = judged([1, 2, 3, 3], readings=4, acknowledged=3)
    document = verdict(judge, written(4)).document()
    latency = document.pop("latency_ms")
    assert document == {
        "boards": 1, "sensors": 2, "seconds": 2.0, "sent": 4, "accepted": 4, "published": 3, "received": 3, "lost": 1,
        "duplicates": 1, "rate_per_s": 1.5,
    }  # fmt: skip
    assert latency == {"p50": pytest.approx(2.0, rel=0.01), "p99": pytest.approx(2.0, rel=0.01)}


def test_the_sentence_says_it_plainly():
    """One sentence for a person."""
    assert verdict(judged([1, 2, 3]), written(3)).sentence() == (
        "sent 3 readings from 2 sensors on 1 board in 2.0 s; received 3, lost 0, duplicates 0; "
        "2 readings/s, latency 2.0 ms (half), 2.0 ms (99 %)"
    )


def test_nothing_at_all_is_a_verdict():
    """No reading, no time and no status give zeros and no latency."""
    found = verdict(Judge("demo", {}), {"seconds": 0.0, "readings": 0, "boards": {}})
    assert found.document()["latency_ms"] == {"p50": None, "p99": None}
    assert found.rate == 0.0
    assert "latency" not in found.sentence()


def test_nothing_lost_needs_no_word():
    """No loss, no sentence."""
    assert losses(judged([1, 2], readings=2, acknowledged=2), written(2)) == []


def test_each_place_of_a_loss_is_named():
    """Before the gateway, in it, behind it: how many, and the gateway's reasons."""
    judge = judged([1], readings=4, acknowledged=2, refused={"too_long": 2, "bad_frame": 0}, dropped={"shed": 2})
    assert losses(judge, written(6)) == [
        "5 of 6 readings are lost",
        "2 did not come in at the gateway (its refused frames: too_long 2)",
        "2 came in and were not acknowledged (dropped readings: shed 2)",
        "1 were acknowledged by the broker and did not reach the subscriber",
        "most are of bench/S1 (5)",
    ]


def test_old_counts_of_the_gateway_explain_nothing():
    """When the gateway did not say its last words, its counts are from before, and no place can be named."""
    judge = judged([1, 2, 3], reason="lost", readings=1, acknowledged=1)
    assert losses(judge, written(4)) == ["1 of 4 readings are lost", "most are of bench/S1 (1)"]


def test_a_name_from_the_wire_moves_no_cursor():
    """A made-up sensor is shown without what a terminal would obey."""
    judge = judged([1], readings=2, acknowledged=2)
    stray = {"gateway": "demo", "run": "r", "board": "bench", "sensor": "\x1b[2J", "seq": 1, "value": 1.0}
    judge.hear("gateway/demo/bench/x/features", json.dumps(stray).encode(), 0.0)
    assert losses(judge, written(2))[-1] == r"1 came of sensors that no board has, such as bench/\x1b[2J"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.00123, "1.2 ms"), (0.0099, "9.9 ms"), (0.0123, "12 ms"), (0.9, "900 ms"), (2.34, "2.3 s")]
)
def test_latencies_are_spelt_short(seconds, text):
    """Two digits are enough for a person."""
    assert spelt(seconds) == text

"""Outboxes for tests, and what they send, read by another parser."""

from collections import defaultdict

from gateway.ledger import Account
from gateway.publish.naming import Naming
from gateway.publish.outbox import Outbox
from gateway.publish.streams import OfSensors
from gateway.sending import Sending
from tests.packets import parse_publish

ROOM = 1 << 18


def sensors(every=0.0, **more):
    """All sensors sent in one way, without tags."""
    return OfSensors(lambda board: {}, lambda board, sensor: Sending(every, **more))


def outbox(*, rows=False, every=0.0, most=10_000, of=None):
    """An empty outbox and its accounts. of: what holds for sensors, where that is more than `every`."""
    accounts = defaultdict(Account)
    made = Outbox(Naming("g", "gw", "run", rows), accounts.__getitem__, of or sensors(every), most)
    return made, accounts


def sent(box, *, v5=True, now=0.0, room=ROOM):
    """What it sends now, read by another parser."""
    out = []
    for data in box.packets(room, now):
        head = 2 if data[1] < 128 else 3 if data[2] < 128 else 4
        out.append(parse_publish(data[0] & 15, data[head:], 5 if v5 else 4, 0))
        assert len(data) == out[-1].size
    return out


def readings_of(publish):
    """(seq, condensed) of each reading in a message."""
    document = publish.json
    if "rows" not in document:
        return [(document["seq"], document.get("condensed", 0))]
    return [
        (row["seq"], row.get("condensed") or 0)
        for row in (dict(zip(document["columns"], one, strict=True)) for one in document["rows"])
    ]


def features_of(publishes):
    """Those that carry features, as (seq, condensed) in order."""
    return [one for publish in publishes if publish.topic.endswith("/features") for one in readings_of(publish)]

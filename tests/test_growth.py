"""What shows the gateway, over years: boards that come and go, each by another name, leave nothing behind."""

import asyncio
from collections import deque

import pytest

from gateway.feed.feeder import Feeder, Sources
from gateway.feed.protocol import Message, Stream
from gateway.feed.rings import Rings
from gateway.ledger import Refused
from gateway.publish.broker import Limits
from gateway.publish.home.announcer import AGAIN, MOST_STRANGE, SETTLE, STRANGE, TOLD, Announcer
from gateway.publish.home.known import Known
from gateway.publish.home.nouns import Pages
from gateway.publish.packets import Ack
from gateway.publish.streams import OfSensors
from gateway.sending import Alarm, Sending
from gateway.telling.report import Reporter
from gateway.web import asking, hub
from gateway.web.asking import Asking
from gateway.web.hub import Hub
from tests.looks import board, look
from tests.made import features
from tests.outboxes import outbox, sent
from tests.test_feed import computed
from tests.waiting import until

EARLY, ROUNDS = 500, 10_000
CONTAINERS = (dict, list, set, frozenset, tuple, deque)


def held(root):
    """How many things all that is ours holds, reached from `root`."""
    count, seen, rest = 0, set(), [root]
    while rest:
        one = rest.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, CONTAINERS):
            count += len(one)
            rest += [*one.keys(), *one.values()] if isinstance(one, dict) else one
        elif type(one).__module__.startswith("gateway."):
            slots = [name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ())]
            rest += [getattr(one, name, None) for name in slots] + list(getattr(one, "__dict__", {}).values())
    return count


def flat(root, turn, rounds=ROUNDS):
    """Has `turn` happen so often, and holds the size at the end against the one early on."""
    for number in range(EARLY):
        turn(number)
    early = held(root)
    for number in range(EARLY, rounds):
        turn(number)
    assert held(root) <= early, f"{early} things after {EARLY} rounds, {held(root)} after {rounds}"


def test_streams_of_sensors():
    """A board that is let go while a reading of it is computed: its stream, its alarm and its `last` go."""
    there = set()
    of = OfSensors(
        lambda board: {}, lambda board, sensor: Sending(alarm=Alarm(above=30.0)), lambda board, sensor: board in there
    )
    box, _ = outbox(of=of)
    box.opened(Limits(), v5=True)

    def turn(number):
        name = f"b{number}"
        there.add(name)
        box.put([features([1], board=name, value=[31.0])])
        there.discard(name)
        box.streams.renew()
        box.put([features([2], board=name, value=[31.0])])
        while sent(box):
            box.acked([Ack(number, 0) for number in box.window.flights], 0.0)
        box.streams.again(0.0)

    flat((box.streams, box.documents), turn, rounds=2_000)


def test_a_sensor_that_is_back_says_what_was_left_out_before():
    """Its stream is kept as long as it owes that: what is missing can be told from what was condensed."""
    there = {"bench"}
    of = OfSensors(lambda board: {}, lambda board, sensor: Sending(every=5.0), lambda board, sensor: board in there)
    box, accounts = outbox(of=of)
    box.opened(Limits(), v5=True)
    box.put([features([1, 2, 3], mono=[1.0, 2.0, 3.0])])
    there.clear()
    box.streams.renew()
    box.forget("bench")
    there.add("bench")
    box.put([features([4], mono=[90.0])])
    found = [one.json for one in sent(box) if one.topic.endswith("/features")]
    assert [(one["seq"], one.get("condensed", 0)) for one in found] == [(1, 0), (4, 2)]
    assert accounts["bench"].condensed == 2


async def test_documents_of_boards():
    """What was told of a board goes with it."""
    seen = [board("b")]
    reporter = Reporter(lambda: look(*seen), lambda name, payload: None, lambda name, **fields: None)

    def turn(number):
        seen[0] = board(f"b{number}")
        reporter.report(all_of_them=False)
        reporter.forget(f"b{number}")

    flat(reporter, turn, rounds=2_000)


def test_what_home_assistant_is_told():
    """Boards come, have other sensors each day, and go; whoever writes beside them writes on ever other topics."""
    it = Announcer(Known(), lambda name, **fields: None, lambda a, b: a)
    it.opened(0.0)
    now = 0.0

    def send(found):
        out = (it.announce(found) if it.begin(now) else []) + it.right(found, now)
        it.sent([topic for topic, _ in out], now)
        for topic, _ in out:
            it.taken(topic)
        return dict(out)

    def turn(number):
        nonlocal now
        now += TOLD
        name = f"p/device/gateway-g/b{number}/config"
        it.news(now)
        now += SETTLE
        found = Pages({name: b"1", "own": b"%d" % number}, {name: {"S1": "sensor"}, "own": {f"S{number}": "sensor"}})
        assert send(found)[name] == b"1"
        it.heard(name, b"other", now)
        it.heard(f"{name}-strange", b"other", now)
        now += STRANGE + AGAIN
        assert send(found).keys() == {name, f"{name}-strange"}
        it.known.topics.discard(f"{name}-strange")
        it.news(now)
        now += SETTLE
        assert send(Pages({"own": b"%d" % number}, {"own": {f"S{number}": "sensor"}}))[name] == b""

    flat(it, turn)


def test_a_flood_of_strange_topics():
    """Of those that wait to be cleared so many are remembered."""
    it = Announcer(Known(), lambda name, **fields: None, lambda a, b: a)
    it.opened(0.0)
    for number in range(3 * MOST_STRANGE):
        it.heard(f"p/device/gateway-g/x{number}/config", b"1", 0.0)
    assert len(it.right(Pages(), STRANGE)) == MOST_STRANGE


def test_what_a_page_is_told(monkeypatch):
    """The web process while somebody looks for years: boards with their sensors and lines come and go."""
    monkeypatch.setattr(hub, "GONE", 100)
    monkeypatch.setattr(hub, "LEFT", 100)
    shown = Hub(lambda looked_at: None)
    page = shown.join()
    there, documents = set(), {}
    rings = Rings(lambda board, sensor: board in there, most=10)
    refused = {}
    sources = Sources(
        lambda: ({}, documents), lambda: refused.items(), lambda name: None, lambda: (1000.0, 0.0), lambda: True,
        lambda name: {},
    )  # fmt: skip
    feeder = Feeder(sources, rings)
    feeder.look(True)

    def told():
        for head, body in Stream().feed(b"".join(feeder.documents() + feeder.values())):
            shown.take(head["event"], head, body)

    def turn(number):
        name = f"b{number}"
        there.add(name)
        documents[name] = {"sensors": {"S1": {}}}
        refused[name] = [Refused(1.0, "bad_frame", b"x")]
        rings.feed([computed(name)])
        told()
        there.discard(name)
        rings.drop(name)
        del documents[name], refused[name]
        rings.feed([computed(name)])
        told()

    flat((feeder._told, feeder._refused, rings, shown), turn, rounds=3_000)
    assert page.behind
    [left] = [one for one in shown.whole().decode().split("\n\n") if one.startswith("event: documents")]
    assert '"b2999"' in left and '"b2899"' not in left


async def test_hours_that_were_asked_for(monkeypatch):
    """Each is let go as soon as it would not be handed on any more, also when nobody asks again."""
    monkeypatch.setattr(asking, "KEPT", 0.01)

    class Link:
        async def ask(self, what, **about):
            return Message({}, b"1")

    found = Asking(Link())
    await asyncio.gather(*(found.hour(id) for id in range(3_000)))
    await until(lambda: not found._hours)


@pytest.mark.parametrize("names", [10, 10_000])
def test_the_size_is_that_of_what_is_there(names):
    """`held` counts what is held: this test can fail."""
    it = Announcer(Known(), lambda name, **fields: None, lambda a, b: a)
    it._sent = {str(number): b"" for number in range(names)}
    assert held(it) >= names

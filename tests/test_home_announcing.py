"""The part that announces, between what speaks, a connection and a file."""

import asyncio
import json

from gateway.publish.home.announcing import Announcing, Broker, Street
from gateway.publish.home.known import known
from gateway.publish.naming import Naming
from tests.waiting import until

GATEWAY, BENCH = "ha/device/gateway-gw/config", "ha/device/gateway-gw/bench/config"


class Desk:
    """What it is told, and what it does, in order: topics that it sends, "stored", "listen"."""

    def __init__(self):
        self.alarmed = set()
        self.prefix, self.boards, self.order, self.text, self.topics = "ha", {"bench"}, [], "", []
        street = Street(
            prefix=lambda: self.prefix,
            boards=lambda: self.boards,
            may_come=lambda board: board.startswith("usb-"),
            kind=lambda board: "",
            quantity=lambda name: "humidity" if name == "hum" else "",
            hardware=lambda board, sensor: sensor,
            alarmed=lambda board, sensor: sensor in self.alarmed,
        )
        broker = Broker(
            put=lambda topic, payload: self.order.append(topic), listen=self._listen, largest=lambda at: None
        )
        self.it = Announcing(
            Naming("gw", "gateway", "run"), "1", street, broker, store=self._store, event=lambda *_, **__: None
        )

    def _listen(self, topics):
        self.topics = topics

    async def _store(self, text):
        await asyncio.sleep(0)
        self.order.append("stored")
        self.text = text


async def test_what_is_announced_is_written_down_first():
    """Whatever ends this run then, the next one knows what may be retained."""
    desk = Desk()
    desk.it.seen("bench", "hum", "%", ("mean",))
    running = asyncio.ensure_future(desk.it.run())
    desk.it.opened()
    await until(lambda: BENCH in desk.order)
    running.cancel()
    assert desk.order.index("stored") < desk.order.index(GATEWAY) < desk.order.index(BENCH)
    found = known(json.loads(desk.text))
    assert found.topics == {GATEWAY, BENCH}
    assert found.boards["bench"][0].sensor.quantity == "humidity"
    assert desk.topics == ["ha/status", GATEWAY, "ha/device/gateway-gw/+/config"]


async def test_without_a_prefix_nothing_is_said_and_nobody_is_listened_to():
    """And what an earlier run has announced is cleared."""
    desk = Desk()
    desk.prefix = ""
    desk.it.remember(known({"version": 1, "topics": [GATEWAY], "boards": {}}))
    running = asyncio.ensure_future(desk.it.run())
    desk.it.opened()
    await until(lambda: GATEWAY in desk.order)
    desk.it.taken(GATEWAY)
    await until(lambda: json.loads(desk.text)["topics"] == [])
    running.cancel()
    assert (desk.topics, set(desk.order)) == ([], {GATEWAY, "stored"})


async def test_an_alarm_of_a_reload_is_announced_before_its_sensor_speaks():
    """And one that a reload takes out goes; what has not changed is no news."""
    desk = Desk()
    for name in ("S1", "S2"):
        desk.it.seen("bench", name, "°C", ("mean",))
    running = asyncio.ensure_future(desk.it.run())
    desk.it.opened()
    await until(lambda: BENCH in desk.order)
    for alarmed in ({"S2"}, set()):
        before = desk.order.count(BENCH)
        desk.alarmed = alarmed
        desk.it.renew()
        await until(lambda before=before: desk.order.count(BENCH) == before + 1)
        kept = known(json.loads(desk.text)).boards["bench"]
        assert {one.sensor.name for one in kept if one.sensor.alarm} == alarmed
    assert not desk.it.known.watch(lambda board, sensor: False)
    running.cancel()


def test_boards_that_may_come_back_are_absent_and_others_are_not():
    """Of the latter what is retained is taken back, and nothing is said of them any more."""
    desk = Desk()
    desk.it.remember(known({"version": 1, "topics": [], "boards": {"bench": [], "usb-1": [], "gone": []}}))
    assert desk.it.absent() == ["usb-1"]

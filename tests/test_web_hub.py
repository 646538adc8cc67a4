"""What pages are told, by way of the web process: once for all, and newest first for who is slow. No socket."""

import json
from array import array

from gateway.web import hub as hubs
from gateway.web.hub import Hub, printable


def document(n):
    """An event of the gateway."""
    return "documents", {}, json.dumps({"gateway": {"frames": n}, "boards": {}, "left": []}).encode()


def values(*rows):
    """An event of readings: (id, value)."""
    numbers = array("d")
    for id, value in rows:
        numbers.extend((id, 1000.0, value, 4, 0, 0, 0.5, float("nan")))
    return "values", {"time": 1000.25, "keys": [["normalized", "mean"]]}, numbers.tobytes()


def events(data):
    """The events of a stream's bytes, as a browser reads them."""
    out = []
    for block in data.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines())
        if "event" in lines:
            out.append((lines["event"], json.loads(lines["data"])))
    return out


async def test_the_gateway_is_told_when_somebody_looks():
    """With the first page it begins to send, with the last one that goes it ends; others change nothing."""
    told = []
    hub = Hub(told.append)
    pages = [hub.join(), hub.join()]
    for page in pages:
        hub.leave(page)
    assert told == [True, False]


async def test_a_second_page_gets_all_that_is_known():
    """What was sent before a page came is in its first events: documents, sensors, newest values, refused lines."""
    hub = Hub(lambda looked_at: None)
    hub.join()
    hub.take(*document(1))
    sensor = {"id": 1, "board": "b", "sensor": "S1", "unit": "°C"}
    hub.take("sensors", {}, json.dumps({"sensors": [sensor]}).encode())
    hub.take(*values((1, 20.0), (2, 30.0)))
    hub.take(*values((1, 21.0)))
    line = {"time": "…", "why": "garbage", "hex": "411b"}
    hub.take("lines", {}, json.dumps({"board": "b", "refused": [line]}).encode())
    late = hub.join()
    row = [1000.0, 21.0, "ok", {"normalized": 0.5, "mean": None}, None]
    assert events(await late.next(hub.whole)) == [
        ("documents", {"gateway": {"frames": 1}, "boards": {}, "left": []}),
        ("sensors", {"sensors": [sensor]}),
        ("values", {"time": 1000.25, "values": [[1, *row], [2, 1000.0, 30.0, *row[2:]]]}),
        ("lines", {"board": "b", "refused": [{**line, "text": "A\\x1b"}]}),
    ]


async def test_a_slow_page_gets_all_anew_and_keeps_nothing_waiting():
    """A page that takes nothing has a bounded queue; when it is ready, it gets what is newest."""
    hub = Hub(lambda looked_at: None)
    slow, quick = hub.join(), hub.join()
    for n in range(10 * hubs.WAITING):
        hub.take(*document(n))
        assert events(await quick.next(hub.whole))[-1][1]["gateway"] == {"frames": n}
    told = events(await slow.next(hub.whole))
    assert [data["gateway"]["frames"] for name, data in told if name == "documents"] == [n]


async def test_what_left_is_told_to_who_was_behind():
    """Sensors and boards that went while a page was slow are not left standing on it."""
    hub = Hub(lambda looked_at: None)
    slow = hub.join()
    hub.take("documents", {}, b'{"gateway":{},"boards":{"a":{},"b":{}},"left":[]}')
    hub.take("sensors", {}, b'{"sensors":[{"id":1},{"id":2}]}')
    hub.take("gone", {}, b'{"ids":[1]}')
    hub.take("documents", {}, b'{"gateway":{},"boards":{},"left":["a"]}')
    for n in range(hubs.WAITING):
        hub.take(*values((2, n)))
    told = dict(events(await slow.next(hub.whole)))
    assert told["documents"] == {"gateway": {}, "boards": {"b": {}}, "left": ["a"]}
    assert told["gone"] == {"ids": [1]}
    assert told["sensors"] == {"sensors": [{"id": 2}]}


async def test_a_quiet_page_is_kept_alive(monkeypatch):
    """Where nothing happens a comment is sent, so that whoever is between keeps the connection."""
    monkeypatch.setattr(hubs, "KEEP_ALIVE", 0.01)
    hub = Hub(lambda looked_at: None)
    assert (await hub.join().next(hub.whole)).startswith(b":")


def test_bytes_are_shown_so_that_nothing_obeys_them():
    """What does not print, or turns text around, is spelt out."""
    assert printable(b"21.5 \x1b[31m\xff\xc2\xb0C\r\n\xe2\x80\xae") == "21.5 \\x1b[31m\\xff°C\\r\\n\\u202e"

"""When documents go out: on a change at once, at most every second, all every so often; what the gateway is told."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from gateway.model import Drop
from gateway.telling import report
from gateway.telling.report import Reporter
from gateway.telling.status import SensorLook
from tests.looks import account, board, look
from tests.packets import strict
from tests.waiting import until


class Desk:
    """A reporter, what it sees, and what it has sent."""

    def __init__(self):
        self.seen, self.largest, self.looks = look(board(), board("b2")), None, 0
        self.sent, self.events = [], []
        self.reporter = Reporter(self._look, self._send, self._event, lambda name: self.largest)

    def _look(self):
        self.looks += 1
        return self.seen

    def _send(self, name, payload):
        self.sent.append((name, strict(payload)))

    def _event(self, name, **fields):
        self.events.append((name, fields))

    def names(self):
        """Of which documents were sent since the last call."""
        out = [name for name, _ in self.sent]
        self.sent.clear()
        return out


@pytest.fixture
async def desk():
    """A desk whose reporter does not run by itself."""
    return Desk()


async def test_only_what_has_changed(desk):
    """A document goes out when its shape has changed, and all of them when asked for."""
    desk.reporter.report(all_of_them=False)
    assert desk.names() == ["bench", "b2", None]
    desk.seen = look(board(account=account(bytes=2000)), board("b2"), time=1_795_000_070.0)
    desk.reporter.report(all_of_them=False)
    assert desk.names() == []
    desk.seen = look(board(sensors={"S1": SensorLook("silent", 1, None, "°C")}), board("b2"))
    desk.reporter.report(all_of_them=False)
    assert desk.names() == ["bench"]
    desk.reporter.report(all_of_them=True)
    assert desk.names() == ["bench", "b2", None]
    desk.reporter.forget("b2")
    desk.reporter.report(all_of_them=False)
    assert desk.names() == ["b2"]


async def test_a_board_that_is_back_after_a_reload(desk):
    """Its document went when it was closed; it comes anew with the board, though it says what it said before."""
    desk.reporter.report(all_of_them=False)
    both, desk.seen = desk.seen, look(board())
    desk.reporter.report(all_of_them=False)
    desk.names()
    desk.seen = both
    desk.reporter.report(all_of_them=False)
    assert "b2" in desk.names()


async def test_at_most_every_second(desk, monkeypatch):
    """Changes in quick succession are told together; the last of them is always told; all documents come in time."""
    monkeypatch.setattr(report, "LEAST", 0.1)
    monkeypatch.setattr(report, "LOOK", 30.0)
    monkeypatch.setattr(report, "EVERY", 0.65)
    loop = asyncio.get_running_loop()
    running = asyncio.ensure_future(desk.reporter.run())
    await until(lambda: desk.sent)
    began = loop.time()
    desk.names()
    for number in range(60):
        desk.seen = look(board(reason=f"reason {number}"), board("b2"))
        desk.reporter.changed()
        await asyncio.sleep(0.005)
    last = loop.time()
    await until(lambda: desk.sent and any(d.get("reason") == "reason 59" for _, d in desk.sent))
    assert loop.time() - last < 0.2
    assert len(desk.sent) <= (loop.time() - began) / 0.1 + 1
    assert {name for name, _ in desk.sent} == {"bench"}
    desk.names()
    await until(lambda: len(desk.sent) >= 3)
    assert loop.time() - began > 0.5
    assert desk.names() == ["bench", "b2", None]
    running.cancel()


async def test_silence_is_seen_without_a_word(desk, monkeypatch):
    """What changes by nothing but time is seen although nobody calls."""
    monkeypatch.setattr(report, "LEAST", 0.01)
    monkeypatch.setattr(report, "LOOK", 0.01)
    running = asyncio.ensure_future(desk.reporter.run())
    await until(lambda: desk.looks > 5)
    desk.names()
    silent = board(sensors={"S1": SensorLook("silent", 90, None, "°C")})
    desk.seen = replace(desk.seen, boards=(silent, *desk.seen.boards[1:]))
    await until(lambda: desk.sent)
    assert desk.names() == ["bench"]
    running.cancel()


async def test_a_quiet_time_costs_nothing(desk, monkeypatch):
    """Without a word it looks only as often as silence asks for; a word wakes it."""
    monkeypatch.setattr(report, "LEAST", 0.01)
    monkeypatch.setattr(report, "LOOK", 30.0)
    running = asyncio.ensure_future(desk.reporter.run())
    for expected in range(1, 4):
        await until(lambda n=expected: desk.looks == n)
        await asyncio.sleep(0.05)
        assert desk.looks == expected
        desk.reporter.changed()
    running.cancel()


def broker(**more):
    """What the gateway says of its broker."""
    return {**look().broker, **more}


@pytest.mark.parametrize(
    ("key", "fault"),
    [("reason", "broker"), ("refusing", "refused_by_broker"), ("lacking", "broker_lacks"), ("embedded", "embedded")],
)
async def test_faults_of_the_broker(desk, key, fault):
    """Each trouble with the broker is a fault of the gateway, with its sentence, as long as it lasts."""
    desk.seen = look(board(), broker=broker(**{key: "the sentence"}))
    desk.reporter.report(all_of_them=True)
    assert desk.sent[-1][1]["faults"][fault]["text"] == "the sentence"
    desk.seen = look(board())
    desk.sent.clear()
    desk.reporter.report(all_of_them=False)
    assert desk.sent[-1][1]["faults"] == {}
    assert desk.sent[-1][1]["fault_totals"] == {fault: 1}


async def test_a_spool_that_drops_readings(desk):
    """It is a fault of the gateway, and an event."""
    for dropped in (0, 5):
        desk.seen = look(board(account=account(dropped=Counter({Drop.SPOOL_FULL: dropped}))))
        desk.reporter.report(all_of_them=False)
    assert "spool.max_bytes" in desk.sent[-1][1]["faults"]["spool_full"]["text"]
    assert [name for name, _ in desk.events if name.startswith("spool")] == ["spool.full"]


async def test_a_ledger_that_does_not_balance(desk):
    """It is a fault and one event, with the laws, and one event when it balances again."""
    wrong = board(account=account(acknowledged=79))
    for seen in (look(wrong), look(wrong), look(board()), look(board())):
        desk.seen = seen
        desk.reporter.report(all_of_them=True)
    told = [(name, fields) for name, fields in desk.events if name.startswith("ledger")]
    assert [name for name, _ in told] == ["ledger.unbalanced", "ledger.balanced"]
    assert told[0][1]["laws"] == ["bench: readings: 100 came in and 99 are accounted for"]
    gateway = [document for name, document in desk.sent if name is None]
    assert [document["balanced"] for document in gateway] == [False, False, True, True]
    assert ["ledger" in document["faults"] for document in gateway] == [True, True, False, False]


async def test_last_words(desk):
    """Both wills say that the gateway is lost; at a stop each board says that it is offline, and why."""
    for lost in map(strict, desk.reporter.will()):
        assert (lost["state"], lost["reason"]) == ("offline", "lost")
    stopped = {name: strict(payload) for name, payload in desk.reporter.last_words().items()}
    assert {name: (one["state"], one["reason"]) for name, one in stopped.items()} == {
        None: ("offline", "stopped"),
        "bench": ("offline", "the gateway has stopped"),
        "b2": ("offline", "the gateway has stopped"),
    }


async def test_a_broker_that_takes_little(desk):
    """Documents are made for what the broker takes, at the end too."""
    many = {f"sensor {number}": SensorLook("ok", 1, None, "°C") for number in range(50)}
    desk.seen, desk.largest = look(board(sensors=many)), 1500
    desk.reporter.report(all_of_them=True)
    assert desk.sent[0][1]["truncated"] is True
    assert strict(desk.reporter.last_words()["bench"])["truncated"] is True
    desk.largest = None
    desk.reporter.report(all_of_them=True)
    assert len(desk.sent[2][1]["sensors"]) == 50


async def test_a_board_that_comes_later(desk):
    """A board that was found while we run has its document from its first look on."""
    desk.reporter.report(all_of_them=True)
    desk.names()
    desk.seen = replace(desk.seen, boards=(*desk.seen.boards, board("found", state="offline", reason="no such port")))
    desk.reporter.report(all_of_them=False)
    found = dict(desk.sent)["found"]
    assert found["faults"]["link"]["text"] == "no such port"
    assert set(desk.names()) == {None, "found"}

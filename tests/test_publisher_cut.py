"""Connections that break, and brokers that are restarted, killed or deaf: the publish stage loses nothing."""

import asyncio

import pytest

from gateway.publish import publisher
from gateway.publish.suspects import ALONE, LEAST, TOGETHER
from tests.brokers import CUT, FakeBroker, Judge
from tests.publishers import STATUS, bench, firsts, numbers, quick
from tests.waiting import until

__all__ = ["bench", "quick"]  # the fixtures


@pytest.mark.parametrize(("ending", "mosquitto"), [("stop", ("persistence true",))], indirect=["mosquitto"])
@pytest.mark.parametrize("v5", [True, False])
async def test_the_broker_is_restarted(mosquitto, bench, ending, v5):
    """Nothing is lost and order is kept over restarts; `online` is said anew on each connect."""
    async with Judge(mosquitto.port) as judge:
        one = bench(mosquitto.port, v5=v5)
        for round_ in range(3):
            await until(lambda: one.publisher.look()["connected"])
            one.read(300)
            await until(lambda r=round_: one.sum.acknowledged > 200 * r + 50)
            one.read(200)
            getattr(mosquitto, ending)()
            one.read(50)
            await until(lambda: not one.publisher.look()["connected"])
            assert one.publisher.look()["reason"]
            one.closed_until = "the judge is not there yet"
            mosquitto.start()
            await judge.connect()
            one.closed_until = None
        await until(lambda: one.done)
        await until(lambda: len(firsts(numbers(judge.messages))) == 1650)
        assert firsts(numbers(judge.messages)) == list(range(1, 1651))
        assert (one.sum.acknowledged, one.sum.dropped.total()) == (1650, 0)
        assert one.publisher.look()["reconnects"] == 3
        assert len(one.told("broker.lost")) == len(one.told("broker.recovered")) == 3
        await until(lambda: [m.payload for m in judge.messages if m.topic == STATUS][-1] == b"online 4")


@pytest.mark.slow
async def test_the_broker_is_killed(mosquitto, bench):
    """`kill -9`: what it had not acknowledged comes after it is back, in order; what it had was passed on before."""
    async with Judge(mosquitto.port) as judge:
        one = bench(mosquitto.port)
        await until(lambda: one.publisher.look()["connected"])
        for round_ in range(1, 4):
            one.read(400)
            await until(lambda r=round_: one.sum.acknowledged > 400 * (r - 1))
            mosquitto.kill()
            acknowledged = one.sum.acknowledged
            one.read(20)
            await until(lambda: not one.publisher.look()["connected"])
            one.closed_until = "the judge is not there yet"
            mosquitto.start()
            await until(lambda j=judge: j._task.done())
            heard = len(firsts(numbers(judge.messages)))
            assert heard >= acknowledged, "acknowledged and not passed on"
            await judge.connect()
            one.closed_until = None
            await until(lambda: one.done)
        await until(lambda: len(firsts(numbers(judge.messages))) == 1260)
        assert firsts(numbers(judge.messages)) == list(range(1, 1261))
        assert one.sum.acknowledged == 1260


@pytest.mark.slow
@pytest.mark.parametrize(("after", "times"), [(1, LEAST - 1), (7, 5), (20, 5)])
async def test_a_broker_that_cuts_the_line(bench, after, times):
    """A broker that cuts the line again and again, though not thrice at one message, gets everything in order."""
    got = []

    def answer(publish):
        if publish.topic.endswith("/features"):
            got.append(publish)
            if len(got) % after == 0 and len({one.connection for one in got}) <= times:
                return CUT
        return 0

    async with FakeBroker(answer=answer) as fake:
        one = bench(fake.port)
        one.read(150)
        one.read(150, sensor="S2")
        await until(lambda: one.done)
        for sensor in ("S1", "S2"):
            assert firsts(numbers(got, sensor)) == list(range(1, 151))
        assert one.sum.acknowledged == 300
        cuts = len(fake.connects) - 1
        assert cuts == one.publisher.look()["reconnects"] == len(one.told("broker.lost")) >= times
        reasons = {fields["why"] for fields in one.told("broker.lost")}
        assert reasons <= {"the broker closed the connection", "the connection broke (Connection reset by peer)"}
        assert one.told("broker.lost")[0]["in_flight"] > 0


@pytest.mark.slow
async def test_acknowledgements_that_never_come(monkeypatch, bench):
    """The connection stands and pings are answered, and yet it is given up; nothing is lost."""
    monkeypatch.setattr(publisher, "UNANSWERED", 0.05)
    monkeypatch.setattr(publisher, "STALLED", 0.02)
    deaf = True
    async with FakeBroker(answer=lambda _: None if deaf else 0) as fake:
        one = bench(fake.port)
        one.read(30)
        await until(lambda: one.publisher.look()["reconnects"] > TOGETHER + ALONE)
        assert "acknowledged nothing" in one.told("broker.lost")[0]["why"]
        deaf = False
        await until(lambda: one.done)
        assert firsts(numbers(fake.publishes)) == list(range(1, 31))
        assert (one.sum.acknowledged, one.sum.dropped.total()) == (30, 0)
        assert one.publisher.look()["refusing"] is None, "and no message was suspected"
        assert [len(one.told("broker.stalled")), len(one.told("broker.moving"))] == [1, 1], "however often it was lost"


async def test_a_quiet_time_is_no_silence(monkeypatch, bench):
    """Waiting is counted from what was sent, and not from the last acknowledgement before a quiet time."""
    monkeypatch.setattr(publisher, "UNANSWERED", 0.3)
    monkeypatch.setattr(publisher, "STALLED", 0.15)
    monkeypatch.setattr(publisher, "SLOW", 0.1)
    late = []
    async with FakeBroker(answer=lambda publish: None if late else 0) as fake:
        one = bench(fake.port)
        one.read(1)
        await until(lambda: one.done)
        begun = asyncio.get_running_loop().time()
        await until(lambda: asyncio.get_running_loop().time() - begun > 0.25)
        late.append(True)
        one.read(1)
        assert one.publisher.moving()
        sent = asyncio.get_running_loop().time()
        await until(lambda: one.publisher.look()["reconnects"])
        assert asyncio.get_running_loop().time() - sent >= 0.29
        late.clear()

"""When the broker is tried again: the pauses, and who is taken for a second gateway with our id."""

import asyncio
from types import SimpleNamespace
from unittest.mock import AsyncMock, Mock

import pytest

from gateway.publish import contact
from gateway.publish.broker import OF_NO_MESSAGE, TAKEN_OVER, Limits, Refused, Where, Will
from gateway.publish.contact import (
    ABSENT_PAUSE,
    ASKED,
    CUT_PAUSE,
    CUTS,
    DEAF,
    DENIED,
    LONGEST_PAUSE,
    REFUSED_PAUSE,
    RIVAL_LATE,
    RIVAL_PAUSE,
    Contact,
    Handlers,
)
from gateway.publish.suspects import ALONE, TOGETHER


@pytest.fixture
def made(monkeypatch):
    """A contact that is told of losses by hand, its events, and the dice at their highest."""
    monkeypatch.setattr(contact.random, "random", lambda: 1.0)
    events, times = [], [0.0]
    handlers = Handlers(lambda connection: None, lambda code: 0, lambda acks: None, lambda: None)
    where = Where("127.0.0.1", 1883, "gateway-g")
    one = Contact(
        lambda: where, lambda: Will("t", b""), handlers, lambda name, **fields: events.append(name), lambda: times[0]
    )
    one.times = times
    return one, events


def lose(one, now, held=1.0, code=None):
    """The connection that has held so long is lost now; gives the pause."""
    one.times[0] = now
    return one._lost("why", code, now - held, 0, "gateway-g")


def test_pauses_grow_and_are_bounded(made):
    """What breaks again and again is tried ever more rarely; after one that held it is tried at once."""
    one, _ = made
    pauses = [lose(one, float(now)) for now in range(CUTS + 1)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-2], pauses[-1]) == (0.5, CUT_PAUSE, LONGEST_PAUSE)
    assert CUTS > 2 * (TOGETHER + ALONE), "as many as it takes to find two messages"
    assert lose(one, 100.0, held=60.0) == 0.0


def test_a_refusal_with_a_reason_waits_longer(made):
    """An operator has to do something: at most one attempt in 10 s, and one within 20 s."""
    one, events = made
    pauses = [one._refused(Refused("wrong password", 0x86)) for _ in range(20)]
    assert REFUSED_PAUSE[0] <= min(pauses) <= max(pauses) <= REFUSED_PAUSE[1]
    assert REFUSED_PAUSE == (10.0, 20.0)
    assert events == ["broker.refused"], "and it is said once"
    assert one._refused(Refused("no broker")) <= LONGEST_PAUSE


def test_takeovers(made):
    """Three in a minute are a second gateway; from then on each waits at least half a minute, until one has held."""
    one, _ = made
    assert [lose(one, now, code=TAKEN_OVER) < RIVAL_PAUSE[0] for now in (0.0, 1.0, 2.0)] == [True, True, False]
    assert "two gateways have one id; set another gateway.id" in one.trouble
    assert "waits for" in one.trouble
    for number in range(5):
        assert RIVAL_PAUSE[0] <= lose(one, 50.0 * (number + 1), code=TAKEN_OVER) <= RIVAL_PAUSE[1]
    assert lose(one, 260.0) < RIVAL_PAUSE[0], "another kind of loss"
    assert lose(one, 300.0, code=TAKEN_OVER) >= RIVAL_PAUSE[0]
    assert lose(one, 1000.0, held=RIVAL_PAUSE[1] + RIVAL_LATE, code=TAKEN_OVER) < RIVAL_PAUSE[0]


def test_an_outage_is_told_once(made):
    """Its start, once for each thing that there is to say, and its end; while it is away only the sentence changes."""
    one, events = made
    lose(one, 100.0)
    for why in ("nobody there", "no answer", "nobody there"):
        one._refused(Refused(why, away=True))
        assert one.trouble == why
    assert events == ["broker.lost"]
    one._refused(Refused("wrong password", 0x86))
    one._refused(Refused("nobody there", away=True))
    one._refused(Refused("wrong password", 0x86))
    assert events == ["broker.lost", "broker.refused"]
    one._opened(None)
    assert (events.pop(), one.trouble) == ("broker.recovered", None)
    lose(one, 200.0)
    assert events == ["broker.lost", "broker.refused", "broker.lost"]


def test_a_broker_that_is_not_there_is_asked_for_often(made):
    """A machine that says at once that nobody listens costs nothing: at most 1.5 s pass, however long it is away."""
    one, _ = made
    pauses = [one._refused(Refused("nobody there", away=True, absent=True)) for _ in range(100)]
    assert (pauses[0], max(pauses)) == (0.5, ABSENT_PAUSE)
    assert max(one._refused(Refused("no answer", away=True)) for _ in range(100)) == LONGEST_PAUSE
    one._opened(None)
    assert lose(one, 1000.0) == 0.5, "that was no flapping"


def test_takeovers_far_apart(made):
    """One now and then is somebody who tried something out."""
    one, events = made
    for number in range(20):
        assert lose(one, 31.0 * number, code=TAKEN_OVER) < RIVAL_PAUSE[0]
    assert "broker.taken_over" not in events


async def test_a_reload_blames_no_message(made):
    """The way to the broker is another one: the connection is given up with a reason that concerns no message."""
    one, _ = made
    lost = asyncio.get_running_loop().create_future()
    one._where = AsyncMock(return_value=Where("127.0.0.1", 1884, "gateway-g"))
    one._open = Where("127.0.0.1", 1883, "gateway-g"), SimpleNamespace(lost=lost)
    await one.renew()
    assert lost.result()[1] in OF_NO_MESSAGE


def asked(answered):
    """A connection that has asked to listen, and has had an answer or none."""
    return SimpleNamespace(asks=not answered, limits=Limits(), listen=Mock(), mind=Mock())


def test_a_broker_that_cuts_the_line_when_it_is_asked_is_not_asked(made):
    """Twice in turn, soon after it was asked: then not for an hour, and a reload asks again; no message is to blame."""
    one, _ = made
    for _ in range(DENIED):
        line = asked(answered=False)
        one._listen(line, one.times[0])
        assert line.listen.called and line.mind.called
        assert one._denied(line, ASKED / 2, None) in OF_NO_MESSAGE
    line = asked(answered=False)
    one._listen(line, one.times[0])
    assert not line.listen.called and not line.limits.listen and "read" in line.limits.lacking
    one.times[0] += DEAF
    one._listen(line := asked(answered=True), one.times[0])
    assert line.listen.called


@pytest.mark.parametrize(("answered", "held"), [(True, 0.1), (False, 60.0)])
def test_other_losses_do_not_make_it_deaf(made, answered, held):
    """Where the broker had answered, or held for long, a message may be to blame, and it is asked again."""
    one, _ = made
    for _ in range(10):
        assert one._denied(asked(answered), held, None) is None
    one._listen(line := asked(True), 0.0)
    assert line.listen.called

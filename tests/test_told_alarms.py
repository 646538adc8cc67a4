"""What the log is told of alarms: one event as each begins and one as it ends, and few at once."""

import pytest

from gateway.publish.alarm import ABOVE, BELOW, Told
from gateway.telling.told_alarms import MOST, AlarmsTold
from tests.looks import board


@pytest.fixture
def told():
    """What is told of alarms, and the events."""
    events = []
    return AlarmsTold(lambda name, **fields: events.append((name, fields))), events


def on(**states):
    """A look at a board on which these alarms are on."""
    return board(alarms={sensor: Told(state, 0.0, 0.0, 72.5, "°C") for sensor, state in states.items()})


def test_an_alarm_that_begins_and_ends(told):
    """With sensor, side and value, and how long it was; a look at which nothing has changed says nothing."""
    alarms, events = told
    for second, look in enumerate([on(), on(S1=ABOVE), on(S1=ABOVE), on(S1=BELOW), on(), on()]):
        alarms.tell(look, float(second))
    each = {"board": "bench", "sensor": "S1"}
    assert events == [
        ("alarm.raised", {**each, "state": "above", "value": 72.5, "unit": "°C"}),
        ("alarm.raised", {**each, "state": "below", "value": 72.5, "unit": "°C"}),
        ("alarm.cleared", {**each, "state": "below", "after_s": 1.0}),
    ]


def test_many_at_once(told):
    """So many a look, until all are told; those that have ended meanwhile are never told of."""
    alarms, events = told
    many = {f"S{number}": ABOVE for number in range(3 * MOST)}
    alarms.tell(on(**many), 0.0)
    assert len(events) == MOST
    alarms.tell(on(**{key: many[key] for key in list(many)[: 2 * MOST]}), 1.0)
    assert len(events) == 2 * MOST
    for second in range(2, 6):
        alarms.tell(on(), float(second))
    assert [name for name, _ in events].count("alarm.cleared") == 2 * MOST == len(events) // 2

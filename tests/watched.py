"""What a gateway writes at its broker, made by hand, for tests of those who listen."""

import json

from gateway.names import level
from gateway.watch.look import Link, look
from gateway.watch.state import State

RUN = "5f0c2a9d41be"
AT, WALL = 1000.0, 1_795_995_200.0  # monotonic, and s since 1970: 2026-11-29T23:33:20Z
TIME = "2026-11-29T23:33:19.990Z"  # 10 ms before


def topic(*names, gateway="g"):
    """Below gateway/g; names of boards and sensors as levels."""
    *names, kind = names
    return "/".join(["gateway", level(gateway), *map(level, names), kind])


def reading(seq, board="bench", sensor="S1", **more):
    """(topic, payload) of a reading."""
    message = {
        "gateway": "g", "board": board, "sensor": sensor, "run": RUN, "seq": seq, "time": TIME, "value": 20.0 + seq,
        "unit": "°C", "n": 1, "quality": "ok", "normalized": 0.5, "feature": 2.5, "mean": 20.5, "std": 0.5,
    }  # fmt: skip
    return topic(board, sensor, "features"), json.dumps(message | more).encode()


def status(**more):
    """(topic, payload) of the gateway's document."""
    document = {
        "gateway": "g", "state": "online", "reason": None, "run": RUN, "version": "1.2.3", "time": TIME,
        "clock": "synced", "readings": 1280, "inherited": 0, "acknowledged": 1275, "in_flight": 2, "spooled": 0,
        "condensed": 0, "dropped": {"shed": 3}, "balanced": True, "boards": {"online": 1},
        "broker": {"connected": True},
        "spool": {"bytes": 140_000, "oldest": None, "hours_left": 71.5}, "pool": {"workers": 2}, "faults": {},
    }  # fmt: skip
    return topic("status"), json.dumps(document | more).encode()


def board(name="bench", **more):
    """(topic, payload) of a board's document."""
    document = {
        "board": name, "state": "online", "since": "2026-11-29T23:30:00.000Z", "port": "/dev/ttyUSB0", "baud": 9600,
        "format": "csv", "frames": 100, "refused": {"not_a_number": 2}, "readings": 400, "overruns": 0, "reopened": 1,
        "reason": None, "faults": {}, "sensors": {"S1": {"state": "ok", "readings": 9, "last": TIME, "unit": "°C"}},
    }  # fmt: skip
    return topic(name, "status"), json.dumps(document | more).encode()


def heard(*messages, state=None, at=AT, wall=WALL):
    """The state after these messages."""
    state = state or State("gateway")
    for where, payload in messages:
        state.hear(where, payload, at, wall)
    return state


def seen(state, name="g", now=AT, wall=WALL, **link):
    """A look at it."""
    return look(state.gateways[name], Link("broker:1883", "gateway/g/#", **link), now, wall)


def only(state):
    """The one gateway."""
    (gateway,) = state.gateways.values()
    return gateway


def row(state, sensor="S1", **more):
    """That sensor's."""
    return next(one for one in seen(state, **more).rows if one.sensor == sensor)

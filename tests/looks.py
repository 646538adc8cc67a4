"""A look at a gateway with two boards, made up, for the tests of what is told of it."""

from collections import Counter
from dataclasses import replace
from typing import Any

from gateway.ledger import Account
from gateway.model import Drop, Why
from gateway.telling.status import BoardLook, Look, SensorLook


def account(**more: Any) -> Account:
    """An account that balances, with 4 readings in flight."""
    made = Account(
        bytes=1000,
        frames=60,
        decoded=50,
        noise=3,
        refused=Counter({Why.BAD_CHECKSUM: 7}),
        values=110,
        refused_values=Counter({Why.ERROR_MARK: 10}),
        readings=100,
        acknowledged=80,
        condensed=10,
        dropped=Counter({Drop.OUT_OF_RANGE: 4, Drop.REFUSED_BY_BROKER: 2}),
        reopened=1,
        last_refused=b"\xff" * 100,
    )
    return replace(made, **more)


def board(name: str = "bench", **more: Any) -> BoardLook:
    """A board that is online."""
    sensors = {"S1": SensorLook("ok", 90, 1_795_000_000.5, "°C"), "S2": SensorLook("failed", 0, None, "")}
    made = BoardLook(
        name, "online", 1_795_000_000.0, "/dev/serial/by-id/x", 115_200, "csv", None, account(), 4, 0, sensors
    )
    return replace(made, **more)


def look(*boards: BoardLook, **more: Any) -> Look:
    """A look at a gateway that is connected."""
    broker = {
        "connected": True,
        "reconnects": 0,
        "reason": None,
        "refusing": None,
        "embedded": None,
        "lacking": None,
        "stalled": None,
    }
    spool = {"bytes": 0, "oldest": None, "hours_left": None, "trouble": None, "damage": None}
    pool = {"workers": 2, "batches": 9, "retried": 0, "replaced": 0, "not_started": 0, "quarantined": []}
    made = Look("g", "run", "1.0.0", 1_795_000_000.0, 1_795_000_060.25, "synced", boards, broker, spool, pool)
    return replace(made, **more)


def balances(document: dict[str, Any]) -> None:
    """The laws of the ledger hold in a gateway's document."""
    assert document["frames"] == document["decoded"] + document["noise"] + sum(document["refused"].values())
    assert document["values"] == document["readings"] + sum(document["refused_values"].values())
    out = ("acknowledged", "sent_unacknowledged", "in_flight", "spooled", "condensed")
    gone = sum(document[key] for key in out) + sum(document["dropped"].values())
    assert document["readings"] + document["inherited"] == gone
    assert document["balanced"] is True

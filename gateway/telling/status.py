"""The status documents: what the gateway and each board say of themselves. Pure: from one look at everything.

A look is taken at one moment, so the sums of the ledger hold in each document.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from ..instants import instant
from ..ledger import Account, imbalances, total
from .faults import Faults

STATES = ("online", "silent", "offline", "lent")


class SensorLook(NamedTuple):
    """One sensor as its board's document shows it."""

    state: str  # ok | failed | silent
    readings: int
    last: float | None  # s since 1970
    unit: str
    hardware: str = ""  # the board's own name for it; "": the same
    alarm: str | None = None  # above | below


class Raised(Protocol):
    """A sensor's alarm that is on, and the value by which it came."""

    @property
    def word(self) -> str:
        """Above | below."""
        ...

    @property
    def value(self) -> float:
        """In `unit`."""
        ...

    @property
    def unit(self) -> str:
        """As published."""
        ...


@dataclass(frozen=True, slots=True)
class BoardLook:
    """One board: its link, its account, its sensors."""

    name: str
    state: str  # online | silent | offline | lent
    since: float
    port: str
    baud: int  # 0: not known yet
    format: str
    reason: str | None
    account: Account
    in_flight: int
    spooled: int
    sensors: Mapping[str, SensorLook]
    garbage: bool = False  # what comes is no text
    sharer: str | None = None  # another program that has the port open
    note: str | None = None  # what one should know of the port
    naming: Mapping[str, str | None] = field(default_factory=dict)  # faults of names and units: what is wrong, or None
    overdue: bool = False  # it is lent, and for longer than was said
    alarms: Mapping[str, Raised] = field(default_factory=dict)  # those that are on, by sensor


@dataclass(frozen=True, slots=True)
class FormerLook:
    """A board that is not read any more, and whose readings are still counted."""

    name: str
    account: Account
    in_flight: int
    spooled: int


@dataclass(frozen=True, slots=True)
class Look:
    """Everything at one moment. broker, spool and pool are as the gateway's document shows them.

    former: boards that a reload has closed, and those of which only the spool had readings.
    """

    gateway: str
    run: str
    version: str
    started: float
    time: float
    clock: str
    boards: tuple[BoardLook, ...]
    broker: Mapping[str, Any]
    spool: Mapping[str, Any]
    pool: Mapping[str, Any]
    former: tuple[FormerLook, ...] = ()

    @property
    def books(self) -> list[BoardLook | FormerLook]:
        """All that have an account."""
        return [*self.boards, *self.former]


def unbalanced(look: Look) -> list[str]:
    """The laws of the ledger that do not hold, board by board."""
    return [
        f"{board.name}: {law}"
        for board in look.books
        for law in imbalances(board.account, board.in_flight, board.spooled)
    ]


def gateway_document(look: Look, faults: Faults) -> dict[str, Any]:
    """The gateway's document while it is online."""
    books = look.books
    account = total(board.account for board in books)
    states = Counter(board.state for board in look.boards)
    return {
        "gateway": look.gateway,
        "state": "online",
        "reason": None,
        "run": look.run,
        "version": look.version,
        "started": instant(look.started),
        "time": instant(look.time),
        "clock": look.clock,
        **_came_in(account),
        "inherited": account.inherited,
        "acknowledged": account.acknowledged,
        "sent_unacknowledged": account.sent_unacknowledged,
        "in_flight": sum(board.in_flight for board in books),
        "spooled": sum(board.spooled for board in books),
        "condensed": account.condensed,
        "dropped": dict(account.dropped),
        "balanced": not unbalanced(look),
        "boards": {state: states[state] for state in STATES},
        "alarms": sum(len(board.alarms) for board in look.boards),
        "broker": dict(look.broker),
        "spool": dict(look.spool),
        "pool": dict(look.pool),
        "faults": _faults(faults),
        "fault_totals": dict(faults.totals),
    }


def offline(document: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """A document for the end: reason "stopped" when the gateway says it, "lost" when its will does."""
    return {**document, "state": "offline", "reason": reason}


def board_document(board: BoardLook, faults: Faults) -> dict[str, Any]:
    """A board's document."""
    return {
        "board": board.name,
        "state": board.state,
        "since": instant(board.since),
        "port": board.port,
        "baud": board.baud or None,
        "format": board.format,
        "bytes": board.account.bytes,
        **_came_in(board.account),
        "dropped": dict(board.account.dropped),
        "reopened": board.account.reopened,
        "silences": board.account.silences,
        "dtr_pulses": board.account.dtr_pulses,
        "overruns": board.account.overruns,
        "line_errors": board.account.line_errors,
        "retuned": board.account.retuned,
        "count_gaps": board.account.count_gaps,
        "restarts": board.account.restarts,
        "reason": board.reason,
        "alarms": len(board.alarms),
        "faults": _faults(faults),
        "last_refused": board.account.last_refused[:64].hex(),
        "sensors": {
            name: {
                "state": one.state,
                "readings": one.readings,
                "last": None if one.last is None else instant(one.last),
                "unit": one.unit,
                **({"hardware": one.hardware} if one.hardware not in ("", name) else {}),
                **({"alarm": one.alarm} if one.alarm else {}),
            }
            for name, one in board.sensors.items()
        },
    }


def absent(board: str) -> dict[str, Any]:
    """Of a board that may be found again: what is retained of it may be a killed run's, and say that it is online."""
    reason = "it was there in an earlier run, and has not been found since the gateway has started"
    return {"board": board, "state": "offline", "reason": reason, "faults": {}, "sensors": {}}


def shape(document: Mapping[str, Any]) -> object:
    """What of the gateway's document makes it worth telling at once: states, reasons, faults, clock; no counters."""
    broker = document["broker"].get("connected"), document["spooled"] > 0
    faults = {name: one["text"] for name, one in document["faults"].items()}
    boards = document["boards"], document["alarms"]
    return document["state"], document["reason"], faults, broker, boards, document["clock"]


def board_shape(board: BoardLook, faults: Faults) -> object:
    """The same of a board, which may have thousands of sensors: its document is made only where it is told."""
    sensors = {name: one.state for name, one in board.sensors.items()}
    said = {name: fault.text for name, fault in faults.present.items()}
    return board.state, board.reason, said, sensors, board.port, board.alarms


def _came_in(account: Account) -> dict[str, Any]:
    return {
        "frames": account.frames,
        "decoded": account.decoded,
        "noise": account.noise,
        "refused": dict(account.refused),
        "values": account.values,
        "refused_values": dict(account.refused_values),
        "readings": account.readings,
    }


def _faults(faults: Faults) -> dict[str, Any]:
    return {
        name: {"since": instant(fault.since), "count": faults.totals[name], "text": fault.text}
        for name, fault in faults.present.items()
    }

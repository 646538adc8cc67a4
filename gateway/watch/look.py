"""One moment of a watched gateway, to be drawn: what is known of it, and how old that is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .known import Gateway, Stream, natural
from .nouns import BoardTold, Told
from .table import Row

UNHEARD = "unheard"  # nobody tells us: no connection


@dataclass(frozen=True, slots=True)
class Link:
    """The connection to the broker. where: for a person; near: the gateway is on this machine; away: s for
    which it is gone, why; since: s for which it is there."""

    where: str
    topic: str
    near: bool = True
    away: float | None = None
    why: str = ""
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One board as it can be drawn. since: s for which it is so."""

    board: str
    state: str
    told: BoardTold | None
    since: float | None = None
    sensors: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """A gateway at one moment. Times in s."""

    link: Link
    gateway: str
    state: str  # online | offline | "": nothing heard
    run: str
    doubt: str
    told: Told | None
    told_age: float | None
    received: int
    missing: int
    duplicates: int
    strangers: int
    rubbish: int
    worst: str
    beyond: int
    rate: float  # readings/s, of late
    late: tuple[float, float, float] | None  # the least, half and 99 % of the latencies, of late
    boards: Sequence[BoardRow]
    rows: Sequence[Row]


def look(gateway: Gateway, link: Link, now: float, wall: float) -> Look:
    """This moment. now: s, monotonic, as messages were given; wall: s since 1970, by this machine's clock."""
    late = sorted(gateway.late)
    wall -= late[0] if late else 0.0  # by the gateway's clock, as near as one can tell
    told = gateway.told
    age = None
    if told is not None:  # a retained one may have been there for long
        age = max(now - gateway.at, wall - told.time if told.time is not None else 0.0)
    states = {level: gateway.board_state(level) for level in gateway.boards}
    sensors = dict.fromkeys(gateway.boards, 0)
    for board, _ in gateway.streams:
        sensors[board] = sensors.get(board, 0) + 1
    boards = [
        BoardRow(
            board.told.board, states[level], board.told, _ago(board.told.since, wall), sensors[level]
        )
        for level, board in sorted(
            gateway.boards.items(), key=lambda item: (states[item[0]] == "online", natural(item[1].told.board))
        )  # those that are away first
    ]  # fmt: skip
    return Look(
        link=link, gateway=gateway.name, state=gateway.state, run=gateway.run, doubt=gateway.doubt, told=told,
        told_age=age, received=gateway.received, missing=gateway.missing, duplicates=gateway.duplicates,
        strangers=gateway.strangers, rubbish=gateway.rubbish, worst=gateway.worst, beyond=gateway.beyond,
        rate=gateway.rate(now), late=(late[0], _quantile(late, 0.5), _quantile(late, 0.99)) if late else None,
        boards=boards,
        rows=[
            _row(stream, _stale(gateway, link, level, stream, states), now, wall)
            for (level, _), stream in sorted(gateway.streams.items(), key=lambda item: item[1].order)
        ],
    )  # fmt: skip


def _stale(gateway: Gateway, link: Link, level: str, stream: Stream, states: dict[str, str]) -> str:
    """Why the value of a sensor is not of now, or "" where it is."""
    if link.away is not None:
        return UNHEARD
    if gateway.state == "offline" and gateway.told is not None:
        return "lost" if gateway.told.reason == "lost" else "offline"
    if states.get(level, "online") != "online":
        return states[level]
    return stream.state if stream.state in ("failed", "silent") else ""


def _row(stream: Stream, stale: str, now: float, wall: float) -> Row:
    age = now - stream.at if stream.at is not None else _ago(stream.time, wall)
    return Row(
        board=stream.board, sensor=stream.sensor, unit=stream.unit, value=stream.value, features=stream.features,
        quality=stream.quality, recent=stream.recent, age=age, stale=stale, alarm=stream.alarm,
        missing=stream.missing, late=stream.late,
    )  # fmt: skip


def _ago(time: float | None, wall: float) -> float | None:
    return None if time is None else max(0.0, wall - time)


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

"""`gateway bench street`: simulated boards through the whole gateway into a broker and back from a subscriber.

Beside it, round by round, as many `mosquitto_pub` as there are boards, which send the same lines as they are.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from typing import NamedTuple

from ..compute.cores import cores
from .carriers import gateway, mosquitto_pub
from .noise import hint, load
from .shown import progress
from .street_told import Row, Told, pace
from .whole import Phase, Street, street

SECONDS = 3.0  # of a phase
MOST = 60_000  # lines of one that are for mosquitto_pub, which reads them faster than it sends them, and keeps the rest


class Place(NamedTuple):
    """A street of its own, and what is measured there."""

    payload: str
    boards: int  # 0: as many as were asked for
    rates: tuple[float, ...]  # readings/s of all boards together; 0 is as fast as they are read


PLACES = (Place("reading", 0, (0.0, 1_000.0, 5_000.0)), Place("rows", 0, (0.0,)), Place("reading", 16, (1_000.0,)))


async def bench_street(rounds: int, seconds: float, boards: int) -> Told:
    """Measures at most `rounds` rounds of each place, and begins none after `seconds`. Raises Failed, OSError."""
    before, rows, done, broker = load(), [], rounds, ""
    places = [place._replace(boards=place.boards or boards) for place in PLACES if place.boards != boards]
    phases = sum(len(place.rates) for place in places)
    with progress() as said:
        for place in places:
            many = await _measured(place, rounds, seconds * len(place.rates) / phases, said)
            rows += many.rows
            done, broker = min(done, many.rounds), many.broker
    noise = hint(before, cores(), [row.spread for row in rows])
    return Told(broker, done, before, noise, mosquitto_pub() is not None, rows)


class _Measured(NamedTuple):
    broker: str
    rounds: int
    rows: list[Row]


async def _measured(place: Place, rounds: int, seconds: float, said: Callable[[str], None]) -> _Measured:
    """What one place comes to: the gateway's rows, each followed by the one of who runs beside it, if anybody does."""
    said(f"starting {place.boards} boards, broker, gateway ({place.payload}) and subscriber")
    carriers = [gateway(place.payload), *filter(None, [mosquitto_pub()])]
    async with contextlib.AsyncExitStack() as stack:
        streets = [await stack.enter_async_context(street(place.boards, carrier)) for carrier in carriers]
        ways = [(rate, one) for rate in place.rates for one in streets]
        made: dict[tuple[float, Street], list[Phase]] = {way: [] for way in ways}
        end, done = time.monotonic() + seconds, 0
        while done < rounds and (not done or time.monotonic() < end):
            for rate, one in ways if done % 2 == 0 else ways[::-1]:
                said(f"round {done + 1} of {rounds}: {one.carrier.name}, {place.payload}, {pace(rate)}")
                made[rate, one].append(await one.phase(rate, SECONDS, math.inf if one is streets[0] else MOST))
            done += 1
    rows = []
    for rate in place.rates:
        own, *others = [Row(one.carrier, place.boards, rate, made[rate, one]) for one in streets]
        rows += [own.beside(others[0]), *others] if others else [own]
    return _Measured(streets[0].broker.name, done, rows)

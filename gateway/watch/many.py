"""A fleet, watched: pictures on a terminal, of which a gateway can be opened, or lines, or JSON."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from ..publish.subscriber import Refused
from ..shown import shown
from ..threads import in_thread
from .choice import Choice
from .fleet import Fleet, MemberRow, states
from .hearing import Hearing
from .known import Gateway
from .listing import keys
from .one import CHANGES, PROGRESS, REFRESH, SHARE, draw
from .output import Lines, put
from .overview import Moment, Pick, Sheet, sheet, sheet_lines, struck, summary
from .sentences import MANY
from .state import State
from .terminal import Terminal
from .waits import either, first_of, over_in

SETTLED = 2.0  # s after a connection until all that is retained has come


def moment(hearing: Hearing, fleet: Fleet, note: str = "") -> Moment:
    """The fleet now; while there is no broker, as it was when that went."""
    link = hearing.link
    away = link.away or 0.0
    rows = fleet.rows(time.monotonic() - away, time.time() - away)
    return Moment(link, rows, fleet.rubbish, fleet.worst, fleet.beyond, note)


async def json_all(hearing: Hearing, fleet: Fleet, out: Lines, over: asyncio.Event) -> None:
    """What comes is written as it comes; here what only time tells, and the end."""
    while not await over_in(over, CHANGES):
        if _settled(hearing):
            for news in fleet.aged(time.monotonic(), time.time()):
                out.write(news)
    rows = moment(hearing, fleet).rows
    out.write(("end", "", {"gateways": len(rows), **states(rows), "rubbish": fleet.rubbish, "beyond": fleet.beyond}))


async def say_all(hearing: Hearing, fleet: Fleet, over: asyncio.Event) -> None:
    """Lines: which gateways have changed, and now and then how it goes."""
    before: dict[str, MemberRow] = {}
    said, away = time.monotonic(), False
    while True:
        ended = await over_in(over, CHANGES)
        now = moment(hearing, fleet)
        lines = []
        if away is not (now.link.away is not None):
            away = not away
            lines.append(f"no broker: {shown(now.link.why, 300)}" if away else f"connected again to {now.link.where}")
        if _settled(hearing) or ended:
            rows = {row.level: row for row in now.rows}
            changed = list(fleet_changes(before, rows))
            lines += changed if len(changed) <= MANY else [*changed[: MANY - 1], f"and {len(changed) - MANY + 1} more"]
            before = rows
        if ended or time.monotonic() - said >= PROGRESS:
            said = time.monotonic()
            lines.append(summary(now.rows))
        put("".join(f"{time.strftime('%H:%M:%S')} {line}\n" for line in lines))
        if ended:
            return


def fleet_changes(before: Mapping[str, MemberRow], now: Mapping[str, MemberRow]) -> Iterator[str]:
    """What is different between two moments, a sentence a gateway."""
    for level, row in now.items():
        was = before.get(level)
        name = shown(row.name)
        if was is None or (was.state, was.run) != (row.state, row.run):
            yield f"{name}: {row.state}, run {shown(row.run, 14)}"
        for fault, text in row.faults.items():
            if was is None or was.faults.get(fault) != text:
                yield f"{name}, {shown(fault)}: {shown(text, 300)}"
        for fault in was.faults.keys() - row.faults.keys() if was is not None and row.state == "online" else ():
            yield f"{name}, {shown(fault)}: over"
    for level in before.keys() - now.keys():
        yield f"{shown(before[level].name)}: gone"


async def draw_all(hearing: Hearing, fleet: Fleet, over: asyncio.Event) -> None:
    """Pictures of the fleet, and of the gateways that are opened out of it, until over, which q sets as well."""
    pick, note = Pick(), ""
    while not over.is_set():
        pick = await _fleet(hearing, fleet, over, pick, note)
        if pick.opened:
            note = await _opened(hearing, pick.opened, over)
            pick = replace(pick, opened="")


async def _fleet(hearing: Hearing, fleet: Fleet, over: asyncio.Event, pick: Pick, note: str) -> Pick:
    """Until a gateway is opened or over; gives what is chosen then."""
    again, done = asyncio.Event(), asyncio.Event()
    seen = Seen(pick, again, done)
    with Terminal(seen.take, again.set, over.set) as terminal:
        while not over.is_set() and not done.is_set():
            again.clear()
            began = time.monotonic()
            now = moment(hearing, fleet, note)
            width, height = terminal.screen.size()
            seen.sheet = sheet(now, seen.pick, width, height)
            seen.pick = seen.sheet.pick
            lines = sheet_lines(now, seen.sheet, width, height)
            await in_thread(partial(terminal.screen.draw, lines), "view")
            await first_of(max(REFRESH, SHARE * (time.monotonic() - began)), again, over, done)
    if seen.pick.listing.over:
        over.set()
    return seen.pick


async def _opened(fleet: Hearing, level: str, over: asyncio.Event) -> str:
    """One gateway, by a connection of its own, until q there, or over. Gives a sentence where it cannot be heard."""
    source = replace(fleet.source, level=level, fleet=False)
    state, back = State(source.mqtt.prefix, level), asyncio.Event()
    hearing = Hearing(source, state)
    listening = asyncio.create_task(hearing.run())
    leaving = asyncio.create_task(over.wait())
    leaving.add_done_callback(lambda _: back.set())
    try:
        await either(listening, hearing.connected.wait(), over.wait())
        known = partial(lambda: state.gateways.get(level) or Gateway(level))
        await either(listening, draw(hearing, known, back, Choice(below=True)))
        await hearing.goodbye()
    except Refused as refused:
        return source.said(str(refused))
    finally:
        leaving.cancel()
        listening.cancel()
        await asyncio.wait({listening, leaving})
    return ""


def _settled(hearing: Hearing) -> bool:
    return hearing.link.away is None and hearing.link.since > SETTLED


class Seen:
    """What is on the screen, and what was chosen to be. done: set when the fleet is to be left."""

    def __init__(self, pick: Pick, again: asyncio.Event, done: asyncio.Event) -> None:
        self.pick = pick
        self.sheet: Sheet | None = None
        self._again, self._done = again, done

    def take(self, data: bytes) -> None:
        """Keys."""
        for key in keys(data):
            if self.sheet is not None and not self._done.is_set():
                self.pick = struck(self.pick, key, self.sheet)
                if self.pick.listing.over or self.pick.opened:  # what is typed after that is not for this list
                    self._done.set()
        self._again.set()

"""A watched gateway in lines, where there is no terminal to draw on: what has changed, how it goes. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ..shown import shown
from .heading import latency
from .look import Look
from .table import counted

MANY = 20  # lines of what changed at once; the others are counted


def changes(before: Look | None, now: Look) -> list[str]:
    """What is different between two looks, a sentence each. before: None at the first."""
    found = list(_changes(before, now))
    return found if len(found) <= MANY else [*found[: MANY - 1], f"and {len(found) - MANY + 1} more changes"]


def progress(look: Look) -> str:
    """How it goes, in one line."""
    text = f"{shown(look.gateway)}: {counted(look.received, 'reading')} of {counted(len(look.rows), 'sensor')}"
    text += f" received, {look.missing:,} missing, {look.duplicates:,} twice, {look.rate:,.0f}/s"
    if look.told is not None and look.told.counts.get("spooled"):
        text += f", {look.told.counts['spooled']:,} in the spool"
    if said := latency(look):
        text += f", {said}"
    if look.strangers:
        text += f"; {counted(look.strangers, 'reading')} of another run"
    if look.rubbish:
        text += f"; {counted(look.rubbish, 'message')} that no gateway writes"
    return text


def _changes(before: Look | None, now: Look) -> Iterator[str]:
    if (before.link.away is None if before else True) is not (now.link.away is None):
        yield (
            f"no broker: {shown(now.link.why, 300)}"
            if now.link.away is not None
            else f"connected again to {now.link.where}"
        )
    if (before.state, before.run) != (now.state, now.run) if before else now.state:
        reason = f" ({shown(now.told.reason)})" if now.state == "offline" and now.told is not None else ""
        yield f"gateway {shown(now.gateway)}: {now.state or 'nothing heard of it'}{reason}, run {shown(now.run)}"
    if now.doubt and (before is None or before.doubt != now.doubt):
        yield f"gateway {shown(now.gateway)}: {now.doubt}"
    was = {row.board: row.state for row in before.boards} if before else {}
    here = {row.board for row in now.boards}
    for row in now.boards:
        if was.get(row.board) != row.state:
            why = f" ({shown(row.told.reason, 300)})" if row.told is not None and row.told.reason else ""
            yield f"board {shown(row.board)}: {row.state}{why}"
    for board in sorted(was.keys() - here):
        yield f"board {shown(board)}: gone"
    faults, had = _faults(now), _faults(before) if before else {}
    for (board, name), text in faults.items():
        if had.get((board, name)) != text:
            yield f"fault {_named(board, name)}: {shown(text, 400)}"
    for board, name in sorted(had.keys() - faults.keys()):
        if board or now.state == "online":  # what is wrong with a gateway that is gone is not known
            yield f"fault {_named(board, name)}: {'over' if not board or board in here else 'gone'}"
    alarms = {(row.board, row.sensor): row.alarm for row in now.rows}
    had_alarms = {(row.board, row.sensor): row.alarm for row in before.rows} if before else {}
    for board, sensor in sorted(alarms.keys() | had_alarms.keys()):
        state, was_state = alarms.get((board, sensor)), had_alarms.get((board, sensor))
        if (state or "") != (was_state or ""):
            yield f"alarm {shown(board)}/{shown(sensor)}: {'gone' if state is None else state or 'over'}"


def _faults(look: Look) -> dict[tuple[str, str], str]:
    """By board, "" for the gateway itself, and name."""
    found = {("", name): text for name, text in look.told.faults.items()} if look.told is not None else {}
    for row in look.boards:
        for name, text in row.told.faults.items() if row.told is not None else ():
            found[row.board, name] = text
    return found


def _named(board: str, name: str) -> str:
    return f"{shown(name)} of {shown(board)}" if board else shown(name)

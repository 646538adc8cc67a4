"""`gateway watch`: listens at the broker, and draws, or says line by line, or writes as JSON, what comes."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from functools import partial
from pathlib import Path

from ..commands.ends import CONFIG, DONE, WRONG_USE, failed
from ..config import Wrong
from ..live import possible
from ..publish.subscriber import Refused
from .choosing import chosen
from .fleet import Fleet
from .hearing import Hearing
from .known import Gateway
from .many import draw_all, json_all, moment, say_all
from .one import draw, look_at, say
from .output import Full, Lines
from .overview import summary
from .picture import MAYBE
from .sentences import progress
from .source import Source, source
from .state import State
from .waits import either


def watch(options: argparse.Namespace, configuration: Path) -> int:
    """Watches until q, Ctrl-C or for options.seconds (0: without an end); gives the exit code. Raises Unfit.

    configuration: where it is, if options.url does not say where the broker is.
    """
    try:
        found = source(options, configuration)
    except Wrong as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        if options.url:
            return WRONG_USE
        print("gateway: on another machine than the gateway's: gateway watch --url mqtt://BROKER", file=sys.stderr)
        return CONFIG
    return asyncio.run(_watch(found, options.seconds, options.json))


async def _watch(found: Source, seconds: float, as_json: bool) -> int:
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, over.set)
    try:
        if found.level is None and not found.fleet:
            found = await chosen(found)
        out = Lines(over)
        state = Fleet(found.mqtt.prefix) if found.fleet else State(found.mqtt.prefix, found.level)
        hearing = Hearing(found, state, out.write if as_json else None)
        listening = asyncio.create_task(hearing.run())
        try:
            await either(listening, hearing.connected.wait(), over.wait())
            if seconds:
                loop.call_later(seconds, over.set)
            if isinstance(state, Fleet):
                await _many(hearing, listening, state, out if as_json else None, over)
            else:
                await _one(hearing, listening, state, out if as_json else None, over)
            out.check()
            await hearing.goodbye()
        finally:
            listening.cancel()
            await asyncio.wait({listening})
    except Refused as refused:
        return failed(found.said(str(refused)))
    except Full as full:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left over cannot be written at the exit either
        return failed(str(full))
    if not state.gateways:
        return failed(f"nothing has come of {found.topic} at {hearing.link.where}{MAYBE}")
    return DONE


async def _one(
    hearing: Hearing, listening: asyncio.Task[None], state: State, out: Lines | None, over: asyncio.Event
) -> None:
    """A gateway, until over. out: for lines of JSON; None: for a person."""
    gateway = partial(_known, state, hearing.source.level or "")
    if out is not None:
        await either(listening, over.wait())
        one = gateway()
        out.write(("end", one.name, _counts(one)))
    elif possible(sys.stdout):
        await either(listening, draw(hearing, gateway, over))
        if state.gateways:
            print(progress(look_at(hearing, gateway())))
    else:
        await either(listening, say(hearing, gateway, over))


async def _many(
    hearing: Hearing, listening: asyncio.Task[None], fleet: Fleet, out: Lines | None, over: asyncio.Event
) -> None:
    """A fleet, until over; as `_one`."""
    if out is not None:
        await either(listening, json_all(hearing, fleet, out, over))
    elif possible(sys.stdout):
        await either(listening, draw_all(hearing, fleet, over))
        print(summary(moment(hearing, fleet).rows))
    else:
        await either(listening, say_all(hearing, fleet, over))


def _known(state: State, level: str) -> Gateway:
    """The gateway of that topic level; before anything has come, one of which nothing is known."""
    return state.gateways.get(level) or Gateway(level)


def _counts(gateway: Gateway) -> dict[str, int]:
    return {
        "received": gateway.received, "missing": gateway.missing, "duplicates": gateway.duplicates,
        "strangers": gateway.strangers, "rubbish": gateway.rubbish, "sensors": len(gateway.streams),
    }  # fmt: skip

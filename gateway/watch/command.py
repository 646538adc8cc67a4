"""`gateway watch`: listens at the broker, and draws, or says line by line, or writes as JSON, what comes."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from pydantic_core import to_json

from ..commands.ends import CONFIG, DONE, WRONG_USE, failed
from ..config import Wrong
from ..live import possible
from ..publish.subscriber import Refused
from ..threads import in_thread
from .choice import Choice, keys, pressed
from .choosing import chosen
from .hearing import Hearing
from .known import Gateway
from .look import Look, look
from .picture import MAYBE, Page, page, picture
from .sentences import changes, progress
from .source import Source, source
from .state import News, State
from .terminal import Terminal

REFRESH, SHARE = 0.25, 8  # s between two pictures at least, and times as long as one took: an eighth of a core at most
PROGRESS, CHANGES = 10.0, 1.0  # s between lines of progress, and between looks at what has changed


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
        if found.level is None:
            found = await chosen(found)
    except Refused as refused:
        return failed(found.said(str(refused)))
    state = State(found.mqtt.prefix, found.level)
    out = Lines(over)
    hearing = Hearing(found, state, out.write if as_json else None)
    listening = asyncio.create_task(hearing.run())
    try:
        await _either(listening, hearing.connected.wait(), over.wait())
        if seconds:
            loop.call_later(seconds, over.set)
        gateway = partial(_known, state, found.level or "")
        if as_json:
            await _either(listening, over.wait())
        elif possible(sys.stdout):
            await _either(listening, _draw(hearing, gateway, over))
        else:
            await _either(listening, _say(hearing, gateway, over))
        one = gateway()
        if as_json:
            out.write(("end", one.name, _counts(one)))
            out.check()
        elif possible(sys.stdout) and state.gateways:
            print(progress(_look(hearing, one)))
        await hearing.goodbye()
    except Refused as refused:
        return failed(found.said(str(refused)))
    finally:
        listening.cancel()
        await asyncio.wait({listening})
    if not state.gateways:
        return failed(f"nothing has come of {found.topic} at {hearing.link.where}{MAYBE}")
    return DONE


async def _either(listening: asyncio.Task[None], *others: Awaitable[object]) -> None:
    """Returns when one of the others has ended. Raises what listening or they end with."""
    tasks = [asyncio.ensure_future(one) for one in others]
    try:
        done, _ = await asyncio.wait({listening, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def _known(state: State, level: str) -> Gateway:
    """The gateway of that topic level; before anything has come, one of which nothing is known."""
    return state.gateways.get(level) or Gateway(level)


def _look(hearing: Hearing, gateway: Gateway) -> Look:
    return look(gateway, hearing.link, time.monotonic(), time.time())


async def _say(hearing: Hearing, gateway: Callable[[], Gateway], over: asyncio.Event) -> None:
    """Lines: what has changed, and now and then how it goes."""
    before, said = None, time.monotonic()
    while True:
        ended = await _over_in(over, CHANGES)
        now = _look(hearing, gateway())
        lines = changes(before, now)
        if (ended or time.monotonic() - said >= PROGRESS) and (now.state or now.boards or now.rows):
            said = time.monotonic()
            lines.append(progress(now))
        for line in lines:
            print(f"{time.strftime('%H:%M:%S')} {line}")
        sys.stdout.flush()
        if ended:
            return
        before = now


async def _draw(hearing: Hearing, gateway: Callable[[], Gateway], over: asyncio.Event) -> None:
    """Pictures, as the keys say."""
    again = asyncio.Event()
    shown = Shown(again, over)
    with Terminal(shown.take, again.set, over.set) as terminal:
        while not over.is_set():
            again.clear()
            began = time.monotonic()
            shown.look = (
                shown.look if shown.choice.paused and shown.look else _held(_look(hearing, gateway()), shown.choice)
            )
            width, height = terminal.screen.size()
            shown.page = page(shown.look, shown.choice, width, height)
            shown.choice = shown.page.choice
            lines = picture(shown.look, shown.page, width, height)
            await in_thread(
                partial(terminal.screen.draw, lines), "view"
            )  # a stopped terminal (Ctrl-S) stops nothing else
            pause = max(REFRESH, SHARE * (time.monotonic() - began))
            if not await _over_in(over, 0.02):
                await _first_of(pause, again, over)


def _held(now: Look, choice: Choice) -> Look:
    """Of a look that is to stay nothing goes on."""
    return replace(now, rows=[replace(row, recent=tuple(row.recent)) for row in now.rows]) if choice.paused else now


class Shown:
    """What is on the screen, and what was chosen to be."""

    def __init__(self, again: asyncio.Event, over: asyncio.Event) -> None:
        self.choice = Choice()
        self.look: Look | None = None
        self.page: Page | None = None
        self._again, self._over = again, over

    def take(self, data: bytes) -> None:
        """Keys."""
        for key in keys(data):
            titles = self.page.titles if self.page else ()
            visible = [one.title for one in self.page.columns] if self.page else ()
            paused = self.choice.paused
            self.choice = pressed(self.choice, key, max(1, self.page.room if self.page else 1), titles, visible)
            if self.choice.paused and not paused and self.look is not None:
                self.look = _held(self.look, self.choice)
        if self.choice.over:
            self._over.set()
        self._again.set()


async def _first_of(seconds: float, *events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.wait(waits)


async def _over_in(over: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await over.wait()
    except TimeoutError:
        return False


class Lines:
    """JSON, a document a line, on standard output. over: set when nobody reads it any more."""

    def __init__(self, over: asyncio.Event) -> None:
        self._over = over
        self._gone: BrokenPipeError | None = None

    def write(self, news: News) -> None:
        """One line."""
        if self._gone is not None:
            return
        kind, gateway, what = news
        try:
            sys.stdout.buffer.write(to_json({"kind": kind, "gateway": gateway, **what}, inf_nan_mode="null") + b"\n")
            sys.stdout.buffer.flush()
        except BrokenPipeError as error:  # raised where a command can end by it: see `check`
            self._gone = error
            self._over.set()

    def check(self) -> None:
        """Raises BrokenPipeError where a line could not be written."""
        if self._gone is not None:
            raise self._gone


def _counts(gateway: Gateway) -> dict[str, int]:
    return {
        "received": gateway.received, "missing": gateway.missing, "duplicates": gateway.duplicates,
        "strangers": gateway.strangers, "rubbish": gateway.rubbish, "sensors": len(gateway.streams),
    }  # fmt: skip

"""One gateway, watched: pictures on a terminal as the keys say, or lines where there is none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from ..threads import in_thread
from .choice import Choice, pressed
from .hearing import Hearing
from .known import Gateway
from .listing import keys
from .look import Look, look
from .output import put
from .picture import Page, page, picture
from .sentences import changes, progress
from .terminal import Terminal
from .waits import first_of, over_in

REFRESH, SHARE = 0.25, 8  # s between two pictures at least, and times as long as one took: an eighth of a core at most
PROGRESS, CHANGES = 10.0, 1.0  # s between lines of progress, and between looks at what has changed


def look_at(hearing: Hearing, gateway: Gateway) -> Look:
    """A look at it now."""
    return look(gateway, hearing.link, time.monotonic(), time.time())


async def say(hearing: Hearing, gateway: Callable[[], Gateway], over: asyncio.Event) -> None:
    """Lines: what has changed, and now and then how it goes."""
    before, said = None, time.monotonic()
    while True:
        ended = await over_in(over, CHANGES)
        now = look_at(hearing, gateway())
        lines = changes(before, now)
        if (ended or time.monotonic() - said >= PROGRESS) and (now.state or now.boards or now.rows):
            said = time.monotonic()
            lines.append(progress(now))
        put("".join(f"{time.strftime('%H:%M:%S')} {line}\n" for line in lines))
        if ended:
            return
        before = now


async def draw(
    hearing: Hearing, gateway: Callable[[], Gateway], over: asyncio.Event, choice: Choice | None = None
) -> None:
    """Pictures, as the keys say, until over, which q sets as well. choice: what is chosen at first."""
    again = asyncio.Event()
    shown = Shown(again, over, choice or Choice())
    with Terminal(shown.take, again.set, over.set) as terminal:
        while not over.is_set():
            again.clear()
            began = time.monotonic()
            shown.look = (
                shown.look if shown.choice.paused and shown.look else _held(look_at(hearing, gateway()), shown.choice)
            )
            width, height = terminal.screen.size()
            shown.page = page(shown.look, shown.choice, width, height)
            shown.choice = shown.page.choice
            lines = picture(shown.look, shown.page, width, height)
            await in_thread(
                partial(terminal.screen.draw, lines), "view"
            )  # a stopped terminal (Ctrl-S) stops nothing else
            pause = max(REFRESH, SHARE * (time.monotonic() - began))
            if not await over_in(over, 0.02):
                await first_of(pause, again, over)


def _held(now: Look, choice: Choice) -> Look:
    """Of a look that is to stay nothing goes on."""
    return replace(now, rows=[replace(row, recent=tuple(row.recent)) for row in now.rows]) if choice.paused else now


class Shown:
    """What is on the screen, and what was chosen to be."""

    def __init__(self, again: asyncio.Event, over: asyncio.Event, choice: Choice) -> None:
        self.choice = choice
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
            if self.page is not None:  # several keys come at once over a slow line: End, then up
                last = max(0, self.page.total - self.page.room)
                self.choice = replace(self.choice, top=min(self.choice.top, last))
            if self.choice.paused and not paused and self.look is not None:
                self.look = _held(self.look, self.choice)
        if self.choice.listing.over:
            self._over.set()
        self._again.set()

"""The bridge's process as the gateway's loop sees it: started, written to, watched, and started again when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from ...threads import in_thread
from ..custom.ends import Ends, how
from ..link import Link
from ..process import Process, spawn
from ..wire import READY
from .bridge import serve
from .setting import Setting

PATIENCE = 5.0  # s of the bridge's silence: it speaks four times in one
STARTING = 30.0  # s for its first word
PAUSE_LEAST, PAUSE_MOST = 0.5, 15.0  # s between starts
STABLE = 10.0  # s after which an end is no sign that the next one is near


class Carrier:
    """Keeps one bridge. heard: see Link. away: is told, as a clause, why there is none."""

    def __init__(self, setting: Setting, heard: Callable[[int, bytes], None], away: Callable[[str], None]) -> None:
        self._setting, self._heard, self._away = setting, heard, away
        self._link: Link | None = None
        self._process: Process | None = None
        self._starting: asyncio.Task[None] | None = None
        self._ends = Ends()
        self._pause, self._since = PAUSE_LEAST, 0.0
        self._turn = 0  # counts those that were let go
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        """Starts one in the background, again and again until it is there."""
        self._starting = self._loop.create_task(self._start())

    async def stop(self) -> None:
        """Ends it, for good."""
        self._let_go()
        await self._ends.gone(set(), 1.0)

    def renew(self) -> None:
        """Ends it, and starts another at once."""
        self._let_go()
        self._pause = PAUSE_LEAST
        self.start()

    def send(self, number: int, data: bytes) -> None:
        """Sends a message, where there is a bridge."""
        if self._link is not None:
            self._link.post(number, data)

    async def _start(self) -> None:
        while True:
            try:
                order = await in_thread(self._setting.order, "cluster")
                process = await in_thread(partial(spawn, serve), "spawn", unwanted=self._unwanted)
                break
            except OSError as error:
                self._away(f"has no bridge: {error}")
            await asyncio.sleep(self._pause)
            self._pause = min(PAUSE_MOST, 2 * self._pause)
        self._process, self._since = process, self._loop.time()
        self._link = Link(process.pipe, self._said, self._lost)
        self._link.send(READY, order, STARTING)

    def _said(self, number: int, data: bytes) -> None:
        """Raises Nonsense."""
        self._heard(number, data)
        if self._link is not None:
            self._link.expect(PATIENCE)

    def _lost(self, why: str, fault: bool) -> None:
        """It has ended, or has to."""
        self._away("has lost its bridge")
        turn = self._turn + 1
        said = "has lost its bridge, which {}"
        self._let_go(lambda code: self._again(turn, said.format(how(code) if why == "ended" else why)))

    def _again(self, turn: int, why: str) -> None:
        """Starts another after a while, if none was started or ended meanwhile."""
        if turn != self._turn:
            return
        self._away(why)
        if self._loop.time() - self._since > STABLE:
            self._pause = PAUSE_LEAST

        async def later() -> None:
            pause, self._pause = self._pause, min(PAUSE_MOST, 2 * self._pause)
            await asyncio.sleep(pause)
            await self._start()

        self._starting = self._loop.create_task(later())

    def _let_go(self, then: Callable[[int | None], None] = lambda code: None) -> None:
        """Closes the socket, at which it ends; what hangs is killed."""
        self._turn += 1
        if self._starting is not None:
            self._starting.cancel()
            self._starting = None
        if self._link is not None:
            self._link.close()
            self._link = None
        if self._process is not None:
            self._ends.bury(self._process, then)
            self._process = None

    def _unwanted(self, process: Process) -> None:
        """A bridge has come that nobody waits for any more: its closed socket ends it."""
        process.pipe.close()
        if not self._loop.is_closed():
            self._ends.bury(process, lambda code: None)

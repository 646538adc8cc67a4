"""One feature's process as the gateway sees it: started, asked, watched, and killed without grace. Never tried twice.

The loop never waits: sockets do not block, and the process is started in a thread.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from ...threads import in_thread
from ..link import Link
from ..process import Process, spawn
from ..wire import READY, Nonsense
from .answers import LARGEST
from .ends import KILLED, Ends, how
from .output import Output
from .warden import serve

IMPORT = 30.0  # s for the import of a module: what takes long belongs there
PAUSE_LEAST, PAUSE_MOST = 0.1, 5.0  # s between attempts to start one


class Heard(NamedTuple):
    """Who hears of a process.

    ready: it can be asked. answered: the next answer to what it was asked, in order; raises Nonsense when it is none.
    lost: it has gone, and why, as a clause; and whether that is a miss of the feature. printed: a line, and how many.
    """

    ready: Callable[[], None]
    answered: Callable[[bytes], None]
    lost: Callable[[str, bool], None]
    printed: Callable[[str, int], None]


class Spawned(NamedTuple):
    """A process, and our end of what it prints to."""

    process: Process
    printed: socket.socket


def _spawn() -> Spawned:
    """Blocks until it is there. Raises OSError."""
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            return Spawned(spawn(serve, theirs), ours)
        except BaseException:
            ours.close()
            raise


class Runner:
    """Keeps at most one process. order: what it has to import, see work.py; deadline: s for each call."""

    def __init__(self, order: bytes, deadline: float, heard: Heard, event: Callable[..., None]) -> None:
        self.idle = False  # there, and without a call
        self._order, self._deadline, self._heard, self._event = order, deadline, heard, event
        self._link: Link | None = None
        self._process: Process | None = None
        self._due, self._next = 0, 1  # answers that are due, and the number of the next
        self._starting: asyncio.Task[None] | None = None
        self._parting = False  # it has ended, and how is not known yet
        self._spawning: set[asyncio.Future[Spawned]] = set()
        self._ends = Ends()
        self._output: Output | None = None

    @property
    def there(self) -> bool:
        """Whether there is a process, or soon will be."""
        return self._starting is not None or self._process is not None or self._parting

    def start(self) -> None:
        """Starts a process where there is none; tried again until it is there."""
        if not self.there:
            self._starting = asyncio.get_running_loop().create_task(self._start())

    def ask(self, data: bytes, calls: int) -> None:
        """Hands over so many calls; ask only while `idle`."""
        assert self.idle and self._link is not None
        self.idle, self._due, self._next = False, calls, 1
        self._link.send(1, data, self._deadline)

    def end(self) -> None:
        """Ends the process at once, and forgets what it was asked."""
        if self._starting is not None:
            self._starting.cancel()
            self._starting = None
        self._parting = False
        self._let_go()

    async def gone(self, patience: float) -> None:
        """Waits until nothing of it is left, at most `patience` seconds."""
        await self._ends.gone(self._spawning, patience)

    # a process comes

    async def _start(self) -> None:
        loop, pause = asyncio.get_running_loop(), PAUSE_LEAST
        began = loop.time()
        while True:
            try:
                process, printed = await self._spawned()
                break
            except OSError as error:
                self._event("pool.worker_failed", why=str(error))
            await asyncio.sleep(pause)
            pause = min(PAUSE_MOST, 2 * pause)
        if pause > PAUSE_LEAST:
            self._event("pool.worker_replaced", worker=process.pid, after_s=round(loop.time() - began, 1))
        self._starting = None
        self._process = process
        self._output = Output(printed, self._heard.printed)
        self._link = Link(process.pipe, self._message, self._broken, LARGEST)
        self._due = 0
        self._link.send(READY, self._order, IMPORT)

    async def _spawned(self) -> Spawned:
        """A process, from a thread that holds up no exit. Raises OSError."""
        spawning = asyncio.ensure_future(in_thread(_spawn, "spawn"))
        self._spawning.add(spawning)
        try:
            spawned = await asyncio.shield(spawning)
        except asyncio.CancelledError:
            spawning.add_done_callback(self._unwanted)
            raise
        except BlockingIOError as error:  # not even a thread can start
            self._spawning.discard(spawning)
            raise OSError(f"a worker process cannot start: {error.strerror}") from error
        except OSError:
            self._spawning.discard(spawning)
            raise
        self._spawning.discard(spawning)
        return spawned

    def _unwanted(self, spawning: asyncio.Future[Spawned]) -> None:
        """A process has come that nobody waits for any more."""
        self._spawning.discard(spawning)
        if not spawning.cancelled() and spawning.exception() is None:
            process, printed = spawning.result()
            process.pipe.close()
            printed.close()
            self._ends.bury(process, lambda code: None)

    # it speaks

    def _message(self, number: int, data: bytes) -> None:
        """Raises Nonsense for what is not due."""
        if self._link is None:  # it was ended by an answer that came with this one
            return
        if number == READY and not self.idle and not self._due:
            self._link.rest()
            if data:
                self._lost(data[:400].decode(errors="replace"), True)
                return
        elif number == self._next and self._due:
            self._next, self._due = self._next + 1, self._due - 1
            if self._due:
                self._link.renew()
            else:
                self._link.rest()
            self._heard.answered(data)
            if self._due or self._link is None:
                return
        else:
            raise Nonsense(f"nobody waits for message {number}")
        self.idle = True
        self._heard.ready()

    # it goes

    def _broken(self, why: str, fault: bool) -> None:
        """The socket has ended, or it was silent, or what came was nonsense."""
        importing = not self.idle and not self._due
        if why == "ended":
            self._parting = True
            self._let_go(partial(self._ended, not self.idle))
        elif why == "was silent":
            limit = f"{IMPORT:.0f} s" if importing else f"{self._deadline * 1000:.0f} ms"
            self._lost(f"was not imported within {limit}" if importing else f"did not answer within {limit}", True)
        else:
            self._lost("disturbed the gateway's socket", True)

    def _lost(self, why: str, miss: bool) -> None:
        self._let_go()
        self._heard.lost(why, miss)

    def _ended(self, busy: bool, code: int | None) -> None:
        """The process has ended by itself: how, says its exit code."""
        if self._parting:
            self._parting = False
            self._heard.lost(how(code), busy or code not in KILLED)

    def _let_go(self, then: Callable[[int | None], None] | None = None) -> None:
        """Closes the socket, at which what watches over the process kills it and all that it started."""
        self.idle, self._due = False, 0
        if self._link is not None:
            self._link.close()
            self._link = None
        if self._process is not None:
            self._ends.bury(self._process, partial(self._buried, self._output, then))
            self._process = self._output = None

    @staticmethod
    def _buried(output: Output | None, then: Callable[[int | None], None] | None, code: int | None) -> None:
        if output is not None:
            output.close()
        if then is not None:
            then(code)

"""The bridge: a process of the gateway's that knows Dask, so that the gateway's own does not: tasks in, answers out.

It looks at the scheduler four times a second and at its workers as the scheduler sees them, asks each new one which
version it has, and tells the gateway how all that stands. When the scheduler has gone it tries again and again.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import random
import socket
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from ..wire import READY, Inbox, framed
from ..worker import settle_in
from . import letters
from .staff import Staff

if TYPE_CHECKING:
    from .dask import Scheduler

LOOK = 0.25  # s between looks at the scheduler, and in which the gateway is told how it stands
LOOK_EACH = 0.005  # s more for each worker, where there are many: the scheduler tells of them all
SILENT = 2.0  # s for its answer; what is under way has a patience of its own
GREETING = 30.0  # s for a worker to say which version it has; it may be busy
IMPORTS = 60.0  # s for it to import a feature
PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0)  # s between attempts to connect; each is drawn from its upper half
PIECE = 1 << 18  # bytes read at once


def serve(pipe: socket.socket) -> None:
    """Serves the gateway on `pipe` until it lets go."""
    os.setsid()
    settle_in(pipe)
    logging.disable(logging.CRITICAL)  # what is wrong with a cluster, its standing says
    pipe.setblocking(False)
    asyncio.run(Bridge(pipe).run())


class Bridge:
    """What the bridge knows: the order, the scheduler while there is one, its workers, and the tasks under way."""

    def __init__(self, pipe: socket.socket) -> None:
        self._pipe = pipe
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._beside: set[asyncio.Task[None]] = set()
        self._scheduler: Scheduler | None = None
        self._staff = Staff(letters.Order("", ""), b"")
        self._away = letters.Standing()

    async def run(self) -> None:
        """Until the gateway lets go; then the process ends."""
        reader, self._writer = await asyncio.open_connection(sock=self._pipe)
        inbox = Inbox()
        try:
            while piece := await reader.read(PIECE):
                for number, data in inbox.feed(piece):
                    if number == READY:
                        self._staff = Staff(*letters.order_of(data))
                        self._also(self._keep())
                        self._also(self._tell())
                    else:
                        self._take(number, data)
        except ConnectionError:
            pass
        os._exit(0)  # threads of Dask's and a scheduler that does not answer hold up no end

    def _also(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Runs it beside the rest. What it raises ends the process: the gateway starts another."""
        task = asyncio.create_task(coroutine)
        self._beside.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._beside.discard(task)
        error = asyncio.CancelledError() if task.cancelled() else task.exception()  # nobody of ours cancels it
        if error is not None:
            print(f"the bridge to the cluster ends: {type(error).__name__}: {error}", flush=True)
            os._exit(1)

    # tasks

    def _take(self, number: int, data: bytes) -> None:
        if data[:1] == letters.FORGET:
            if (task := self._under_way.get(number)) is not None:
                task.cancel()
        else:
            task = self._under_way[number] = asyncio.create_task(self._answer(number, data))
            task.add_done_callback(lambda _: self._under_way.pop(number, None))

    async def _answer(self, number: int, data: bytes) -> None:
        from .dask import Away, Failed

        try:
            answer = letters.DONE + await self._computed(data)
        except Away:
            return  # the gateway takes all back once it hears that
        except Failed as error:
            answer = letters.NOT + str(error).encode(errors="replace")
        self._writer.write(framed(number, answer))

    async def _computed(self, data: bytes) -> bytes:
        from .dask import Away

        if self._scheduler is None:
            raise Away("is not there")
        if data[:1] == letters.BATCH:
            return _bytes(await self._scheduler.compute("batch", data[1:], on=self._staff.fit()))
        return await self._called(self._scheduler, letters.call_of(data))

    async def _called(self, scheduler: Scheduler, call: letters.Call) -> bytes:
        """What a feature answers; who has failed does not get it for a while."""
        from .dask import Failed, Killed

        staff, now = self._staff, asyncio.get_running_loop().time()
        order, on = staff.order.features[call.feature], staff.fit(call.feature)
        try:
            answer = _bytes(await scheduler.compute("called", order, staff.mark, call.data, on=on, knows="address"))
        except Killed as error:
            staff.shut(call.feature, str(error), now)
            raise
        if answer[:1] == letters.BADLY:
            address, why = letters.badly_of(answer)
            staff.failed(address, call.feature, why, now)
            raise Failed(f"has a worker that failed: {address} {why}")
        if answer == letters.UNPREPARED:
            for address in staff.unprepared():
                self._also(self._prepare(scheduler, address))
            raise Failed("has workers that do not have the feature any more")
        return answer

    # the scheduler

    async def _tell(self) -> None:
        """Tells the gateway how all stands, for as long as it listens."""
        while True:
            self._say()
            await asyncio.sleep(LOOK)

    def _say(self) -> None:
        now = asyncio.get_running_loop().time()
        standing = self._away if self._scheduler is None else self._staff.standing(now)
        self._writer.write(framed(READY, letters.told(standing)))

    async def _keep(self) -> None:
        """Connects, again and again, and looks after what is connected."""
        try:
            await asyncio.to_thread(importlib.import_module, ".dask", __package__)  # takes seconds on a slow board
        except ImportError as error:
            self._away = letters.Standing(letters.AWAY, f"needs serial-edge-gateway[cluster] ({error})")
            return
        from .dask import Away, connected

        order, attempt = self._staff.order, 0
        while True:
            try:
                self._scheduler = await connected(order.address, order.ca, order.cert, order.key)
                attempt = 0
                await self._look_after(self._scheduler)
            except Away as error:
                self._away = letters.Standing(letters.AWAY, str(error))
            if self._scheduler is not None:
                self._also(self._scheduler.close())
            self._scheduler = None
            self._staff.gone()
            self._say()
            for task in list(self._under_way.values()):  # the gateway has taken them back
                task.cancel()
            await asyncio.sleep(PAUSES[min(attempt, len(PAUSES) - 1)] * random.uniform(0.5, 1.0))
            attempt += 1

    async def _look_after(self, scheduler: Scheduler) -> None:
        """Looks at it until it has gone. Raises Away."""
        from .dask import Away

        loop = asyncio.get_running_loop()
        while True:
            try:
                async with asyncio.timeout(SILENT):
                    workers = await scheduler.workers()
            except TimeoutError:
                raise Away(f"has not answered for {SILENT:.0f} s") from None
            for address in self._staff.look(workers, loop.time()):
                self._also(self._greet(scheduler, address))
            for address in self._staff.again(loop.time()):
                self._also(self._prepare(scheduler, address))
            await asyncio.sleep(max(LOOK, len(workers) * LOOK_EACH))

    async def _greet(self, scheduler: Scheduler, address: str) -> None:
        """Asks a new worker which version it has, and has it import the features."""
        from .dask import Away, Failed

        staff = self._staff
        try:
            async with asyncio.timeout(GREETING):
                version = str(await scheduler.compute("hello", on=[address], first=True))
        except (TimeoutError, Away):
            return staff.forget(address)
        except Failed as error:
            return staff.said(address, "", f"has no gateway {staff.order.version} that answers ({error})")
        if version == staff.order.version:
            await self._prepare(scheduler, address)
        return staff.said(address, version)

    async def _prepare(self, scheduler: Scheduler, address: str) -> None:
        """Has a worker import the features."""
        from .dask import Away, Failed

        staff = self._staff
        for at, order in enumerate(staff.order.features):
            try:
                async with asyncio.timeout(IMPORTS):
                    why = await scheduler.compute(
                        "prepared", order, staff.modules, on=[address], first=True, knows="local_directory"
                    )
            except TimeoutError:
                why = f"it was not imported within {IMPORTS:.0f} s"
            except (Failed, Away) as error:
                why = str(error)
            staff.able(address, at, str(why))


def _bytes(answer: object) -> bytes:
    """What came from a worker, which may be anything. Raises Failed."""
    from .dask import Failed

    if not isinstance(answer, bytes):
        raise Failed("answered nonsense")
    return answer

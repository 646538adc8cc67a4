"""A whole street to be measured: simulated boards, who carries their lines, a broker, a subscriber; phase after phase.

Each board is one sensor, unless others than the usual ones speak as the boards.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import sys
import time
from array import array
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..demo.children import Child
from ..demo.news import News
from . import tree
from .brokers import Broker, broker
from .carriers import ID, Carrier
from .count import Count
from .ear import Ear

START = 60.0  # s for all of it to be ready, on a slow machine
QUIET, DRAIN = 3.0, 60.0  # s without a new reading, and in all, before what has not arrived counts as lost
LOOK = 0.5  # s between two looks at the memory
SENDER = ("gateway.bench.sender",)
FIRST = 5.0  # lines/s of each board at the start: the first line of a port that was opened is half a line


class Failed(Exception):
    """It cannot be measured; the text says why."""


@dataclass(frozen=True, slots=True)
class Phase:
    """What one phase came to. Times in s, memory in bytes."""

    sent: int
    received: int
    duplicates: int
    seconds: float  # from the first line to the last reading
    cpu: float  # of the carrier: the gateway and its workers, or whoever
    broker_cpu: float
    memory: int  # the most that was seen of the carrier
    took: array[float]  # of each reading, from its line to the subscriber
    replayed: int = 0  # had been on the disk
    disordered: int = 0  # came behind a later one of their sensor
    wrong: int = 0  # have a feature that is not right

    @property
    def lost(self) -> int:
        """Sent and not received."""
        return self.sent - self.received


class Street:
    """All of it at work. talk: the module that speaks as the boards, and its first words."""

    def __init__(
        self, broker: Broker, boards: int, directory: Path, carrier: Carrier, talk: Sequence[str] = SENDER
    ) -> None:
        self.broker, self.boards = broker, boards
        self.count = Count(carrier.read)
        self._directory, self.carrier, self._talk = directory, carrier, talk
        self._pids: list[int] = []  # of the carrier
        self._news = News()
        self._said: list[dict[str, Any]] = []  # by the boards
        self._trouble = ""
        self._children: list[Child] = []
        self._control = -1

    async def start(self) -> None:
        """Returns when each board has been heard of. Raises Failed."""
        read, self._control = os.pipe()
        ports = self._directory / "ports"
        ports.mkdir()
        try:
            arguments = (str(ports), str(self.boards), str(read))
            command = [sys.executable, "-P", "-m", *self._talk, *arguments]
            await self._child(self._talk[0], command, said=self._boards_said, pass_fds=(read,))
        finally:
            os.close(read)
        await self._until(lambda: bool(self._said), START, "the simulated boards did not start")
        for command in self.carrier.commands(self.broker, ports, self.boards):
            self._pids.append((await self._child(self.carrier.name, command)).pid)
        end = time.monotonic() + START
        while self.count.boards < self.boards:
            if time.monotonic() > end:
                raise Failed(f"{self.boards - self.count.boards} of the simulated boards were not heard of")
            await self._order(FIRST * self.boards, 1.0)
        await self._quiet()

    async def phase(self, rate: float, seconds: float, most: float = math.inf) -> Phase:
        """Has the boards talk, `rate` lines/s of all together (0: as fast as they are read). Raises Failed.

        most: lines as fast as they are read; for a carrier that reads faster than it sends.
        """
        count = self.count
        cpu, broker_cpu = self._cpu(), tree.cpu(self.broker.pid)
        count.begin(time.monotonic())
        memory = asyncio.create_task(self._most_memory())
        try:
            told = await self._order(rate, seconds, most)
            for came in (lambda: count.arrived, lambda: count.received):
                await self._news.all_came(came, told["lines"], QUIET, DRAIN, self._broken)
        finally:
            memory.cancel()
        cpu, broker_cpu = self._cpu() - cpu, tree.cpu(self.broker.pid) - broker_cpu
        count.look()
        return Phase(
            told["lines"], count.received, count.duplicates, max(0.0, count.last - told["began"]), cpu, broker_cpu,
            self._memory, count.took, count.replayed, count.disordered, count.wrong,
        )  # fmt: skip

    async def silence(self, seconds: float) -> float:
        """Cores that the carrier has in use while no board talks, over so many seconds. Raises Failed."""
        began, cpu = time.monotonic(), self._cpu()
        await self._happens(lambda: False, seconds)
        return (self._cpu() - cpu) / (time.monotonic() - began)

    async def end(self) -> None:
        """Ends all processes."""
        if self._control >= 0:
            os.close(self._control)
        for child in reversed(self._children):
            await child.end()

    # what happens

    def heard(self, topic: bytes, payload: bytes) -> None:
        """A message has come to the subscriber."""
        if topic.endswith(self.carrier.level):
            self.count.take(topic, payload, time.monotonic())
            self._news.came()

    def broker_gone(self) -> None:
        """The subscriber's connection has ended."""
        self._fail("the broker closed the subscriber's connection")

    def _boards_said(self, line: bytes) -> None:
        self._said.append(json.loads(line))
        self._news.came()

    def _fail(self, why: str) -> None:
        self._trouble = self._trouble or why
        self._news.came()

    async def _child(self, name: str, command: Sequence[str], **more: Any) -> Child:
        def ended() -> None:
            self._fail(f"{name} has ended by itself: {child.last_words}")

        child = await Child.program(command, ended=ended, **more)
        self._children.append(child)
        return child

    async def _order(self, rate: float, seconds: float, most: float = math.inf) -> dict[str, Any]:
        """Has the boards talk for so long; gives what they say at the end."""
        already = len(self._said)
        os.write(self._control, b"%g %g %g\n" % (rate, seconds, most))
        await self._until(lambda: len(self._said) > already, seconds + START, "the simulated boards came to no end")
        return self._said[-1]

    async def _quiet(self) -> None:
        """Waits until nothing more comes of what was said at the start."""
        seen = -1
        while seen != self.count.heard:
            seen = self.count.heard
            await asyncio.sleep(LOOK)

    async def _until(self, holds: Callable[[], bool], patience: float, otherwise: str) -> None:
        if not await self._happens(holds, patience):
            raise Failed(f"{otherwise} within {patience:g} s")

    async def _happens(self, holds: Callable[[], bool], patience: float) -> bool:
        """Waits until `holds()`; whether it does within `patience` (s). Raises Failed when a part has ended."""
        return await self._news.until(lambda: holds() or self._broken(), patience)

    def _broken(self) -> bool:
        """False; raises Failed when a part has ended."""
        if self._trouble:
            raise Failed(self._trouble)
        return False

    async def _most_memory(self) -> None:
        self._memory = 0
        while True:
            self._memory = max(self._memory, sum(map(tree.pss, self._pids)))
            await asyncio.sleep(LOOK)

    def _cpu(self) -> float:
        return sum(map(tree.cpu, self._pids))


@contextlib.asynccontextmanager
async def street(boards: int, carrier: Carrier, talk: Sequence[str] = SENDER) -> AsyncIterator[Street]:
    """All of it, ready; at the end no process and no file is left. talk: see Street. Raises Failed, OSError."""
    with TemporaryDirectory(prefix="gateway-bench-") as name:
        directory = Path(name)
        async with broker(directory) as found:
            made = Street(found, boards, directory, carrier, talk)
            transport = await Ear.open(found.port, f"gateway/{ID}/#", made.heard, made.broker_gone)
            try:
                await made.start()
                yield made
            finally:
                await made.end()
                transport.abort()

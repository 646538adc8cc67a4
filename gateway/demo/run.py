"""All parts of the demo in one process tree: starts them in the order in which no reading can be missed, and ends them.

This process starts the boards and `gateway run` as children and is the subscriber. Boards write only to a reader, and
the gateway finds their ports only when the subscription is known to hold: the gateway's status has come through it.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..extras import WEB, without
from .children import Child, each_line
from .judge import Judge
from .news import News
from .setting import GATEWAY, baud_for, configuration, free_port

if TYPE_CHECKING:
    from ..publish.subscriber import Connection

START = 30.0  # s for each part to start, on a slow machine
QUIET, DRAIN = 3.0, 60.0  # s without a new reading, and in all, before what has not arrived counts as lost
GOODBYE = 12.0  # s for the gateway to stop


class Failed(Exception):
    """The demo cannot go on; its text says why, and what to do."""


class Run:
    """One run of all parts. directory: an empty one, for the boards' ports and the gateway's configuration."""

    def __init__(self, boards: int, rate: float, seconds: float, directory: Path) -> None:
        self.judge = Judge(GATEWAY, {})
        self.written: Mapping[str, Any] = {}  # with what the boards ended
        self.trouble: list[str] = []  # what went wrong on the way, a sentence each
        self.port = free_port()  # of the broker
        self.page = None if without(WEB) else free_port()  # of the web page
        self.phase = "starting the boards"  # "" while they talk
        self.boards, self.rate, self.seconds = boards, rate, seconds
        self._directory = directory
        self._children: list[Child] = []
        self._connection: Connection | None = None
        self._log: asyncio.Task[None] | None = None
        self._plugs: Sequence[Mapping[str, Any]] = ()
        self._news = News()  # something has happened: whoever waits looks whether it is what he waits for
        self._stopping = False
        self.over = asyncio.Event()  # everything has ended

    async def run(self) -> None:
        """From the start to the last reading. Raises Failed."""
        loop, main = asyncio.get_running_loop(), asyncio.current_task()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._signalled, main)
        boards = await self._start_boards()
        gateway = await self._start_gateway()
        connection = await self._subscribe(gateway)
        self.phase = "plugging the boards in"
        (self._directory / "plugged").symlink_to(self._directory / "ports")
        await self._news.until(lambda: self.judge.received > 0 or self._is_over(boards, gateway, connection), math.inf)
        self.phase = ""
        await self._news.until(lambda: self._is_over(boards, gateway, connection), math.inf)
        self.phase = "waiting for the last readings"
        await self._stop_boards(boards)
        await self._drain(gateway, connection)
        await self._stop_gateway(gateway, connection)
        await boards.end()
        if boards.code not in (0, -signal.SIGTERM):  # the signal may find it past its handler, on its way out
            self.trouble.append(f"the simulated boards failed: {boards.last_words}")
        await self._logged()
        self.phase = ""

    async def end(self) -> None:
        """Ends whatever still runs; may be called at any time."""
        for child in reversed(self._children):
            await child.end()
        if self._connection is not None:
            self._connection.close()
        await self._logged()
        self.over.set()

    def stop(self) -> None:
        """Lets the boards stop soon, as if their time were over."""
        self._stopping = True
        self._news.came()

    def _signalled(self, main: asyncio.Task[Any] | None) -> None:
        """The first signal ends the demo, the second gives it up."""
        if self._stopping and main is not None:
            main.cancel()
        self.stop()

    # the parts

    async def _start_boards(self) -> Child:
        """Starts the boards, whose ports are not where the gateway will look."""
        loop = asyncio.get_running_loop()
        read, write = os.pipe()
        try:
            log = asyncio.StreamReader()
            await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(log), os.fdopen(read, "rb"))
            self._log = asyncio.create_task(each_line(log, lambda line: self.judge.wrote(line)))
            arguments = [
                "--json", "--boards", str(self.boards), "--rate", str(self.rate), "--baud", str(baud_for(self.rate)),
                "--links", str(self._directory / "ports"), "--linger", str(DRAIN), "--log", f"/dev/fd/{write}",
            ]  # fmt: skip
            if self.seconds:
                arguments += ["--seconds", str(self.seconds), "--wait", str(START)]
            boards = await self._child("simulators", arguments, said=self._boards_said, pass_fds=(write,))
        finally:
            os.close(write)
        await self._started(boards, lambda: bool(self._plugs), "the simulated boards")
        self.judge = Judge(GATEWAY, {plug["name"]: plug["sensors"] for plug in self._plugs})
        return boards

    async def _start_gateway(self) -> Child:
        self.phase = "starting the gateway and its broker"
        file = self._directory / "gateway.toml"
        boards = [(str(plug["name"]), int(plug["baud"])) for plug in self._plugs]
        file.write_text(configuration(self.port, self._directory / "plugged", boards, self.page), encoding="utf-8")
        return await self._child("gateway", ["run", "-c", str(file)])

    async def _subscribe(self, gateway: Child) -> Connection:
        """Connects and subscribes, and waits until the gateway's status has come: so the subscription holds."""
        from ..publish.subscriber import Refused, Where, subscribed  # loads while the gateway starts

        where = Where("127.0.0.1", self.port, "demo-subscriber", v5=False)
        patience = time.monotonic() + START
        while self._connection is None:
            try:
                self._connection = await subscribed(where, ["gateway/#"], self._heard, qos=1)
            except Refused as refused:
                if time.monotonic() > patience:
                    raise Failed(f"{refused}: {gateway.last_words}") from None
                await self._news.until(lambda: self._has_ended(gateway), 0.05)
                self._check(gateway, "the gateway")
        self._connection.lost.add_done_callback(lambda lost: self._news.came())
        await self._started(gateway, lambda: self.judge.status.get("state") == "online", "the gateway")
        return self._connection

    async def _stop_boards(self, boards: Child) -> None:
        if not self.written:
            boards.terminate()
        await self._news.until(lambda: bool(self.written) or self._has_ended(boards), DRAIN)
        if not self.written:
            raise Failed(f"the simulated boards ended without a word on what they wrote: {boards.last_words}")

    async def _drain(self, gateway: Child, connection: Connection) -> None:
        """Waits for what was written and has not arrived, as long as some of it keeps coming."""
        judge = self.judge
        if connection.lost.done():  # its broker goes with the gateway, and is heard of first
            await self._news.until(lambda: self._has_ended(gateway), QUIET)
        if self._has_ended(gateway):
            self.trouble.append(f"the gateway has ended by itself: {gateway.last_words}")
        elif connection.lost.done():
            self.trouble.append(f"the subscriber lost its broker: {connection.lost.result()[0]}")
        readings = self.written["readings"]
        await self._news.all_came(lambda: judge.received, readings, QUIET, DRAIN, lambda: bool(self.trouble))

    async def _stop_gateway(self, gateway: Child, connection: Connection) -> None:
        """Stops it, and hears its last words."""
        self.phase = "stopping the gateway"
        gateway.terminate()
        await self._news.until(lambda: self.judge.status.get("reason") == "stopped" or connection.lost.done(), GOODBYE)
        await gateway.end()
        if self.judge.status.get("reason") != "stopped" and not self.trouble:
            self.trouble.append("the gateway's last status did not arrive; accepted and published are from before")

    async def _child(
        self,
        module: str,
        arguments: Sequence[str],
        said: Callable[[bytes], None] = lambda line: None,
        pass_fds: tuple[int, ...] = (),
    ) -> Child:
        child = await Child.start(module, arguments, said=said, ended=self._news.came, pass_fds=pass_fds)
        self._children.append(child)
        return child

    # what happens

    async def _logged(self) -> None:
        """Waits for the end of the boards' log, which comes with theirs."""
        if self._log is not None:
            await self._log

    def _boards_said(self, line: bytes) -> None:
        document = json.loads(line)
        if "readings" in document:
            self.written = document
        else:
            self._plugs = document["boards"]
        self._news.came()

    def _heard(self, topic: str, payload: bytes) -> None:
        self.judge.hear(topic, payload, time.monotonic())
        self._news.came()

    def _is_over(self, boards: Child, gateway: Child, connection: Connection) -> bool:
        ended = self._has_ended(boards) or self._has_ended(gateway)
        return self._stopping or bool(self.written) or ended or connection.lost.done()

    @staticmethod
    def _has_ended(child: Child) -> bool:
        return child.code is not None

    async def _started(self, child: Child, holds: Callable[[], bool], what: str) -> None:
        """Waits until `holds()`. Raises Failed when `child` ends or takes too long, or the demo is to stop."""
        await self._news.until(lambda: holds() or self._stopping or self._has_ended(child), START)
        self._check(child, what)
        if not holds():
            raise Failed(f"{what} did not start in {START:g} s")

    def _check(self, child: Child, what: str) -> None:
        if self._stopping:
            raise Failed("stopped before any board had spoken")
        if self._has_ended(child):
            raise Failed(f"{what} did not start: {child.last_words}")

"""The service: builds the street from a configuration, runs it, and stops it. The only file that knows all three rooms.

Data goes one way: readers -> stage -> publisher. Three things travel back: backpressure (backlog.py), acknowledgement
(into the ledger), and stop (sources first, then stage after stage).
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import time
from collections.abc import Coroutine
from typing import Any

from . import __version__, state, systemd
from .backlog import WAITING, Valve
from .clock import Clock
from .compute.cores import cores
from .compute.room import Custom, Room
from .config import Config, plan_for
from .config.password import read as password
from .ingest.discover import discover
from .ingest.formats import FORMATS
from .ingest.notes import noted
from .ingest.reader import Reader
from .ingest.sharing import watch
from .ledger import Account, total
from .logs import log
from .looks import board_look, former
from .model import Board, Chunk, Drop, Features, Sample
from .publish.boot import boot_id
from .publish.client import Refused, Where, Will
from .publish.publisher import Keeping, Naming, Publisher
from .publish.spool.spool import Spool
from .publish.spool.sql import Trouble
from .report import Reporter
from .status import BoardLook, Look

COMPUTING, PUBLISHING = 2.0, 2.0  # s that each may take at a stop


class Service:
    """One run of the gateway with one configuration."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.run_id = secrets.token_hex(6)
        self.started = time.time()
        self.clock = Clock()
        self.workers = config.workers or cores()
        self.accounts: dict[str, Account] = {}
        self.readers: dict[str, Reader] = {}
        self.stage = Room(
            lambda board, sensor: plan_for(config, board, sensor),
            self._computed,
            self._dropped,
            workers=self.workers,
            linger=config.linger,
            custom=Custom(config.custom, config.path.parent, config.deadline, config.memory),
            event=self._event,
        )
        self.folder = config.state_dir or state.default()
        self.spool = Spool(
            self.folder,
            config.spool_bytes,
            config.spool_age,
            boot_id(),
            inherited=self._inherited,
            dropped=self._dropped,
            clock_set=lambda: self.clock.word() is None,
            event=self._event,
        )
        self.naming = Naming(config.id, config.mqtt.prefix, self.run_id, config.mqtt.payload == "rows")
        self.publisher = Publisher(
            self._where,
            self.naming,
            account=self.accounts.__getitem__,
            tags=self._tags,
            every=lambda board, sensor: plan_for(config, board, sensor).every,
            will=self._will,
            connected=self._connected,
            progress=lambda: self.valve.relieve(),
            clock=lambda: self.clock.ahead(self.stage.began),
            most=WAITING,
            keeping=Keeping(self.spool, self.stage, config.at_risk, self.stage.now, lambda board, _: self._tags(board)),
            event=self._event,
        )
        self.valve = Valve(self._under_way, self.publisher.moving)
        self.reporter = Reporter(self._look, self._send_status, log, lambda: self.publisher.largest)
        self._embedded: Any = None
        self._lock = -1
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: asyncio.Future[None] | None = None

    # life

    async def run(self, stop: asyncio.Event) -> None:
        """Runs until `stop` is set, then drains.

        Raises OSError when no worker, or no broker of its own, can start, and NoState when its directory is of no use.
        """
        mqtt = self.config.mqtt
        self._failed = asyncio.get_running_loop().create_future()
        self._lock = state.claimed(self.folder)
        try:
            if mqtt.embedded:
                from .publish.embedded import Embedded  # an extra: imported only where it is used

                self._embedded = await Embedded.start(mqtt.listen, mqtt.username or None, self._password(), self._event)
            await self.stage.start()
            self.spool.start = self.stage.began
            try:
                await self.spool.open()
            except Trouble as error:
                raise state.NoState(f"state_dir: the spool cannot be opened: {error}") from error
            log("service.started", gateway=self.config.id, run=self.run_id, version=__version__,
                boards=len(self.config.boards), workers=self.workers, broker=mqtt.url)  # fmt: skip
            named = {board.port.path for board in self.config.boards}
            for board in self.config.boards:
                if board.port.path == "auto":
                    self._start(discover(board, named, self._add))
                else:
                    self._add(board)
            self._start(watch(self.readers))
            self._start(self.publisher.run(), "publisher")
            self._start(self.publisher.keep())
            self._start(self.reporter.run())
            systemd.notify(READY="1", STATUS=f"reading {len(self.config.boards)} boards")
            await self._until(stop)
            await self._drain()
        finally:
            await self._end(self._tasks)
            await self.stage.end()
            if self._embedded is not None:
                await self._embedded.stop()
            os.close(self._lock)

    async def _until(self, stop: asyncio.Event) -> None:
        """Waits for `stop`. Raises what a part of the street has failed with: a bug, better told than hidden."""
        assert self._failed is not None
        over = self._failed

        def stopped(_: object) -> None:
            if not over.done():
                over.set_result(None)

        stopping = asyncio.ensure_future(stop.wait())
        stopping.add_done_callback(stopped)
        try:
            await over
        finally:
            stopping.cancel()

    async def _drain(self) -> None:
        """Ports close; what is under way is computed and published; the gateway says that it is offline."""
        began = time.monotonic()
        log("service.stopping", reason="told to stop")
        systemd.notify(STOPPING="1", STATUS="bringing out what is under way")
        publishing = {task for task in self._tasks if task.get_name() == "publisher"}
        await self._end(self._tasks - publishing)
        left = await self.stage.stop(COMPUTING)
        await self.publisher.finish(self._last_words, PUBLISHING, left)
        account = total(self.accounts.values())
        spooled = sum(map(self.publisher.spooled, self.accounts))
        log("service.stopped", readings=account.readings, acknowledged=account.acknowledged, spooled=spooled,
            dropped=account.dropped.total(), took_s=round(time.monotonic() - began, 1))  # fmt: skip

    def _last_words(self) -> dict[str, bytes]:
        return {self._status_topic(board): text for board, text in self.reporter.last_words("stopped").items()}

    def _start(self, part: Coroutine[Any, Any, None], name: str = "") -> None:
        """Runs a part of the street until the end of the service."""
        task = asyncio.get_running_loop().create_task(part, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            assert self._failed is not None
            if not self._failed.done():
                self._failed.set_exception(error)

    @staticmethod
    async def _end(tasks: set[asyncio.Task[None]]) -> None:
        ending = list(tasks)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    # ingest

    def _add(self, board: Board) -> None:
        """Starts to read a board: one of the configuration, or one that was found."""
        account = self.accounts.setdefault(board.name, Account())
        reader = Reader(board, FORMATS[board.format](board.options), self._take, account, self.reporter.changed)
        self.readers[board.name] = reader
        self._start(reader.run())
        self._start(noted(board, self._event))

    def _take(self, board: str, samples: list[Sample], chunk: Chunk) -> None:
        self.stage.take(board, samples, chunk)
        self.valve.fed(board, self.readers[board])

    # compute

    def _computed(self, features: list[Features]) -> None:
        self.publisher.put(features)

    def _inherited(self, board: str, readings: int) -> None:
        self.accounts.setdefault(board, Account()).inherited += readings

    def _tags(self, board: str) -> dict[str, str]:
        return dict(self.readers[board].board.tags) if board in self.readers else {}

    def _dropped(self, board: str, reason: Drop, readings: int) -> None:
        self.accounts[board].dropped[reason] += readings
        if reason is Drop.SHED:
            self.reporter.changed()

    # publish

    def _password(self) -> str | None:
        """Read anew for each attempt: it may have been changed. Raises Refused, with a sentence."""
        file = self.config.mqtt.password_file
        try:
            return None if file is None else password(file)
        except (OSError, ValueError) as error:
            raise Refused(f"mqtt.password_file: {file} cannot be used: {error}") from None

    def _where(self) -> Where:
        mqtt = self.config.mqtt
        client_id = f"gateway-{self.config.id}"
        user, password = mqtt.username or None, self._password()
        return Where(mqtt.host, mqtt.port, client_id, user, password, mqtt.version == "5")

    def _will(self) -> Will:
        return Will(self._status_topic(None), self.reporter.last_words("lost")[None])

    def _connected(self) -> None:
        self.reporter.report(all_of_them=True)

    def _status_topic(self, board: str | None) -> str:
        return f"{self.naming.base if board is None else self.naming.board(board)}/status"

    def _send_status(self, board: str | None, payload: bytes) -> None:
        self.publisher.document(self._status_topic(board), payload)

    def _event(self, name: str, **fields: Any) -> None:
        """What a room has to tell goes to the log, and is a reason to look at the status."""
        log(name, **fields)
        self.reporter.changed()

    # one look at everything

    def _under_way(self, board: str) -> int:
        return self.stage.held(board) + self.publisher.held(board)

    def _in_flight(self, board: str) -> int:
        return self.stage.held(board) + self.publisher.in_flight(board)

    def _look(self) -> Look:
        return Look(
            gateway=self.config.id,
            run=self.run_id,
            version=__version__,
            started=self.started,
            time=time.time(),
            clock=self.clock.word() or "synced",
            boards=tuple(map(self._board_look, self.readers)),
            broker={
                **self.publisher.look(),
                "url": self.config.mqtt.url,
                "embedded": self._embedded.trouble if self._embedded is not None else None,
            },
            spool=self.spool.look(self._rate()) | {"trouble": self.spool.trouble, "damage": self.spool.damage},
            pool=self.stage.look(),
            former=former(self.accounts, self.readers, self._in_flight, self.publisher.spooled),
        )

    def _rate(self) -> float:
        """Readings/s so far."""
        readings = sum(account.readings for account in self.accounts.values())
        return readings / max(1.0, self.stage.now())

    def _board_look(self, name: str) -> BoardLook:
        stage, spooled = self.stage, self.publisher.spooled(name)
        account, in_flight = self.accounts[name], self._in_flight(name)
        return board_look(self.readers[name], stage.sensors(name), account, in_flight, spooled, stage.now())


async def serve(config: Config) -> int:
    """Runs the gateway until SIGTERM or SIGINT; gives the exit code."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await Service(config).run(stop)
    return 0

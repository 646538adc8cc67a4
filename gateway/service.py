"""The service: builds the street from a configuration, joins it to the broker, runs it, and stops it.

Data goes one way: readers -> stage -> publisher. Three things travel back: backpressure (backlog.py), acknowledgement
(into the ledger), and stop (sources first, then stage after stage).
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any

from . import __version__, orders, remembered, signals, state, systemd
from .backlog import WAITING, Valve
from .clock import Clock
from .config import Config
from .ledger import total
from .log.lines import log
from .model import Drop, Features, Sample
from .moving import Moving
from .notes import Notes
from .parts import Part, Parts, done_before
from .publish.boot import boot_id
from .publish.client import Refused
from .publish.publisher import Keeping, Naming, OfSensors, Publisher
from .publish.spool.disk import Claim
from .publish.spool.spool import Spool
from .publish.spool.sql import Trouble
from .reloading import Reloading
from .showing import Showing
from .street import Street
from .telling.looks import board_look, former
from .telling.status import BoardLook, Look
from .way import Way

COMPUTING, PUBLISHING = 2.0, 2.0  # s that each may take at a stop


class Service:
    """One run of the gateway with one configuration."""

    def __init__(self, config: Config) -> None:
        self.run_id = secrets.token_hex(6)
        self.started = time.time()
        self.clock = Clock()
        self.street = Street(
            config, self._computed, self._dropped, self._took,
            changed=lambda: self.showing.reporter.changed(), event=self._event,
        )  # fmt: skip
        self.boards, self.stage = self.street.boards, self.street.stage
        self.accounts, self.readers = self.boards.accounts, self.boards.readers
        self.folder = config.state_dir or state.default()
        self._lock = state.Lock(self.folder)
        self.notes = Notes(self.folder, lambda text: self.showing.faults.tell("notes", text), self._event)
        self.spool = Spool(
            self.folder, config.spool_bytes, config.spool_age, boot_id(),
            inherited=self._inherited, dropped=self._dropped, clock_set=lambda: self.clock.word() is None,
            claim=Claim(self._lock.again, self._lock.let_go), event=self._event,
        )  # fmt: skip
        self.naming = Naming(config.id, config.mqtt.prefix, self.run_id, config.mqtt.payload == "rows")
        self.way = Way(lambda: self.config)
        self.publisher = Publisher(
            self.way,
            self.naming,
            account=self.accounts.__getitem__,
            of=OfSensors(self.boards.tags, self.street.sending, self.boards.has),
            will=lambda: self.showing.will(),
            connected=lambda: self.showing.connected(),
            progress=lambda: self.valve.relieve(),
            clock=lambda: self.clock.ahead(self.stage.began),
            unset_until=lambda: self.clock.unset_until(self.stage.began),
            most=WAITING,
            keeping=Keeping(
                self.spool, self.stage, config.at_risk, self.stage.now, lambda board, _: self.boards.tags(board)
            ),
            event=self._event,
            heard=lambda topic, payload: self.showing.heard(topic, payload),
        )
        self.valve = Valve(self._under_way, self.publisher.moving)
        self.moves = Moving(self.stage.oldest, lambda: self.stage.look()["trouble"] is not None, log)
        self._embedded: Any = None
        self.showing = Showing(
            lambda: self.config, self.boards, self.publisher, self.notes, self._look,
            moves=self.moves, now=self.stage.now, event=self._event,
            alarmed=lambda board, sensor: self.street.sending(board, sensor).alarm is not None,
        )  # fmt: skip
        self.reloading = Reloading(
            config, self.street, self.publisher, renewed=self.showing.renew,
            gone=self.showing.gone, in_flight=self._in_flight, event=self._event,
            wrong=lambda text: self.showing.faults.tell("config", text),
        )  # fmt: skip

    @property
    def config(self) -> Config:
        """As it counts now."""
        return self.reloading.config

    # life

    async def run(self, stop: asyncio.Event) -> None:
        """Runs until `stop` is set, then drains.

        Raises OSError when no worker, or no broker of its own, can start, and NoState when its directory is of no use.
        """
        self.parts = parts = Parts()
        self._lock.claim()
        try:
            if not await done_before(stop, self._found()):
                self._stopping()
                return
            self.spool.start = self.stage.began
            try:
                await self.spool.open()
            except Trouble as error:
                raise state.NoState(f"state_dir: the spool cannot be opened: {error}") from error
            log("service.started", gateway=self.config.id, run=self.run_id, version=__version__,
                boards=len(self.config.boards), workers=self.street.workers, broker=self.config.mqtt.url)  # fmt: skip
            self.reloading.ready()  # it waits for no board
            noting = parts.start(self.notes.run())
            parts.start(remembered.kept(self.notes, self.config.base, self.boards.rates, self.boards.tuned))
            parts.start(remembered.lent(self.notes, self.boards.loans))
            self.boards.open(self.config.boards, parts)
            publishing = parts.start(self.publisher.run())
            parts.start(self.publisher.keep())
            self.showing.start(parts, self._failed)
            parts.start(self.reloading.run(parts))
            asked = orders.Orders(self.config.path, self.folder, self.readers, self.boards, self.spool)
            parts.start(orders.heed(asked, self.folder, self._event))
            await parts.until(stop)
            await self._drain(publishing, noting)
        finally:
            await parts.end()
            await self.stage.end()
            if self._embedded is not None:
                await self._embedded.stop()
            self._lock.let_go()

    async def _found(self) -> None:
        """Starts a broker, where it shall be our own, and the workers."""
        if (mqtt := self.config.mqtt).embedded:
            from .publish.embedded import Embedded  # an extra: imported only where it is used

            try:
                secret = await self.way.own()
            except Refused as error:
                raise OSError(str(error)) from None
            self._embedded = await Embedded.start(mqtt.listen, mqtt.username or None, secret, self._event)
        await self.stage.start()

    @staticmethod
    def _stopping() -> None:
        log("service.stopping", reason="told to stop")
        systemd.notify(STOPPING="1", STATUS="bringing out what is under way")

    async def _drain(self, *lasting: Part) -> None:
        """Ports close; what is under way is computed and published; the gateway says that it is offline."""
        began = time.monotonic()
        self._stopping()
        await self.parts.end(self.parts.running - {*lasting})
        left = await self.stage.stop(COMPUTING)
        await self.showing.finish()
        await self.publisher.finish(self.showing.last_words, PUBLISHING, left)
        account = total(self.accounts.values())
        spooled = sum(map(self.publisher.spooled, self.accounts))
        log("service.stopped", readings=account.readings, inherited=account.inherited,
            acknowledged=account.acknowledged, spooled=spooled, dropped=account.dropped.total(),
            reasons=dict(account.dropped), took_s=round(time.monotonic() - began, 1))  # fmt: skip

    # ingest, and the ledger

    @staticmethod
    def _failed(part: str, error: Exception) -> None:
        """Of a part that the street does without."""
        log("service.failed", where=part, error=repr(error))

    def _took(self, board: str, _samples: list[Sample]) -> None:
        self.valve.fed(board, self.readers[board])

    def _inherited(self, board: str, readings: int) -> None:
        self.boards.account(board).inherited += readings

    def _dropped(self, board: str, reason: Drop, readings: int) -> None:
        self.accounts[board].dropped[reason] += readings
        if reason is Drop.SHED:
            self.showing.reporter.changed()

    # publish

    def _computed(self, features: list[Features]) -> None:
        self.publisher.put(features)
        self.showing.feed(features)

    def _event(self, name: str, **fields: Any) -> None:
        """What a room has to tell goes to the log, and is a reason to look at the status."""
        log(name, **fields)
        self.showing.reporter.changed()

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
        return sum(account.readings for account in self.accounts.values()) / max(1.0, self.stage.now())

    def _board_look(self, name: str) -> BoardLook:
        stage, spooled, names = self.stage, self.publisher.spooled(name), self.boards.sensors(name)
        account, in_flight, alarms = self.accounts[name], self._in_flight(name), self.publisher.streams.raised(name)
        known = stage.sensors(name)
        return board_look(self.readers[name], known, names, account, in_flight, spooled, stage.now(), alarms)


async def serve(config: Config) -> int:
    """Runs the gateway until SIGTERM or SIGINT; SIGHUP reads the configuration again. Gives the exit code."""
    stop, service = asyncio.Event(), Service(config)
    loop = asyncio.get_running_loop()
    signals.heed(loop, stop.set, service.reloading.ask)
    systemd.stay_awake(loop, service.moves)
    await service.run(stop)
    signals.be_deaf(loop)
    return 0

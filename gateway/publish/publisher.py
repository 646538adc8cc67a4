"""The publish stage: features in, messages out, each until the broker has acknowledged it; over any outage.

What is sent, and in which order, is the outbox's; here it meets the connection, the loop and the end.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ..ledger import Account
from ..model import Features
from .broker import OF_NO_MESSAGE, STALLING
from .client import Connection, Where, Will
from .contact import GOODBYE, Contact, Handlers
from .keeper import Keeper, Keeping, rest_of
from .naming import Naming
from .outbox import Outbox
from .overwritten import topics
from .packets import Ack
from .streams import OfSensors, Spoke

__all__ = ["Keeping", "Naming", "OfSensors", "Publisher"]

UNANSWERED = 30.0  # s without any acknowledgement, while some are due, before the connection is given up
STALLED = 10.0  # s of that before it is told
SLOW = 0.5  # s without an acknowledgement after which the broker no longer moves
LAST_WORDS = 0.5  # s of the patience at the end that are kept for the farewell


class Publisher:
    """Brings features and documents to the broker.

    account: of a board, where outcomes are counted. of: what holds for sensors. where, will: made anew for each
    connection. connected: called when one is open, to put out the documents again. progress: called when readings have
    been acknowledged, and when the connection is lost. most: readings that may wait here while the broker is away.
    clock: what Features.mono lacks to s since 1970, or None while the machine's clock is not set; unset_until: when it
    was set, on the clock of Features.mono, infinity while it is not; asked for each batch, so they shall be quick.
    keeping: with a spool, what it is to be done with. heard: gets (topic, payload) of what `listen` asks for.
    """

    def __init__(
        self,
        where: Callable[[], Awaitable[Where]],
        naming: Naming,
        *,
        account: Callable[[str], Account],
        of: OfSensors,
        will: Callable[[], Will],
        connected: Callable[[], None],
        progress: Callable[[], None] = lambda: None,
        clock: Callable[[], float | None] = lambda: 0.0,
        unset_until: Callable[[], float] = lambda: -math.inf,
        most: int = 100_000,
        keeping: Keeping | None = None,
        event: Callable[..., None] = lambda name, **fields: None,
        heard: Callable[[str, bytes], None] | None = None,
    ) -> None:
        self.naming = naming
        self._outbox = Outbox(naming, account, of, most)
        self.streams = self._outbox.streams
        self.alarms, self.unsettled = self.streams.alarms, self._outbox.unsettled
        self.spool = keeping.spool if keeping is not None else None
        self._keeper: Keeper | None = None
        if keeping is not None:
            spool = keeping.spool
            self._outbox.watched(spool.done, lambda: spool.why_shed)
            self._outbox.crossing.uncopied, self._outbox.crossing.promoted = spool.uncopied, spool.promoted
            self._keeper = Keeper(self._outbox, keeping, run=naming.run, pump=self._pump, unset_until=unset_until)
        self._outbox.refusals.event = event
        handlers = Handlers(self._opened, self._closed, self._acked, self._pump, heard)
        self._contact = Contact(where, will, handlers, event, mine=topics(naming.base) if heard else ())
        self._on_connected, self._progress, self._event = connected, progress, event
        self._clock, self._unset_until = clock, unset_until
        self._connection: Connection | None = None
        self._idle = asyncio.Event()
        self._given_up = False  # the connection that is there, by us
        self._stalled: float | None = None  # since when; it is over with an acknowledgement, on whichever connection
        self._due_since = 0.0  # the last acknowledgement, or what was sent first after a time with nothing under way
        self._check: asyncio.TimerHandle | None = None
        self._paced: asyncio.TimerHandle | None = None  # when the pace allows more from the disk

    # what there is to say

    def look(self) -> dict[str, Any]:
        """How it is with the broker. reason, refusing, lacking: one sentence each, while there is something to say."""
        connection = self._connection
        return {
            "connected": connection is not None,
            "reconnects": self._contact.reconnects,
            "reason": self._contact.trouble,
            "refusing": self._outbox.refusals.text,
            "lacking": connection.limits.lacking if connection is not None else None,
            "stalled": STALLING if self._stalled is not None and connection is not None else None,
        }

    def largest(self, topic: str) -> int | None:
        """Bytes that the broker takes in a document of `topic`; None where no limit is known."""
        return self._outbox.largest(topic)

    def moving(self) -> bool:
        """Whether the broker takes what it is sent: connected, and something was acknowledged of late."""
        recent = asyncio.get_running_loop().time() < self._due_since + SLOW
        return self._connection is not None and (recent or not self._outbox.window.flights)

    def held(self, board: str) -> int:
        """Readings of `board` that are in this stage's memory: waiting, or sent and not acknowledged."""
        return self._outbox.held(board)

    def in_flight(self, board: str) -> int:
        """Those of them that are on no disk."""
        return self._outbox.held(board) - self._outbox.crossing.copied(board)

    def spooled(self, board: str) -> int:
        """Readings of `board` on the disk, whatever else they are."""
        return self._outbox.crossing.copied(board) + (self.spool.held(board) if self.spool is not None else 0)

    # in and out

    def put(self, pieces: list[Features]) -> None:
        """Takes in computed readings, in order within each sensor."""
        self._outbox.put(pieces, unset_until=self._unset_until(), now=asyncio.get_running_loop().time())
        self._pump()

    def renew(self) -> None:
        """The configuration was read again: what holds for sensors may be another."""
        self.streams.renew()
        self._pump()

    async def reconnect(self) -> None:
        """The way to the broker, or what is shown to it, may have changed: if so, it is connected anew."""
        await self._contact.renew()

    def forget(self, board: str) -> None:
        """The board is not read any more, and nothing of it is in flight."""
        self._outbox.forget(board)

    def watched(self, spoke: Spoke, told: Callable[[str], None]) -> None:
        """spoke: is told of each `last`; told: of the topics of documents that the broker has taken."""
        self.streams.spoke, self._outbox.documents.told = spoke, told

    def listen(self, topics: list[str]) -> None:
        """From now on these are listened to, on this connection and on all later ones."""
        self._contact.listen(topics)

    def again(self) -> None:
        """Says again what the alarms' topics should say, behind what waits."""
        if self.streams.again(self._clock()):
            asyncio.get_running_loop().call_later(0.05, self.again)
        self._pump()

    def document(self, topic: str, payload: bytes, *, behind: bool = False) -> None:
        """Publishes a retained document; of one topic only the newest counts. behind: readings need not wait for it."""
        self._outbox.documents.put(topic, payload, behind=behind)
        loop = asyncio.get_running_loop()
        loop.call_soon(self._pump)  # with those that are put beside it, and take an old one's place

    def _pump(self) -> None:
        """Sends what the window and the wire have room for."""
        connection = self._connection
        if connection is None:
            return
        loop, wire = asyncio.get_running_loop(), connection.wire
        unacknowledged = not connection.limits.qos
        if unacknowledged and wire.empty:
            self._outbox.landed()
            self._moves(loop.time())
        nothing_due, waits = not self._outbox.window.flights, self._outbox.waits
        if waits and (packets := b"".join(self._outbox.packets(wire.room, loop.time(), self._clock()))):
            if nothing_due:
                self._due_since = loop.time()
            if self._check is None:
                self._check = loop.call_later(STALLED, self._unanswered)
            wire.write(packets)
            if unacknowledged and wire.empty:
                loop.call_soon(self._pump)
        wire.be_patient(self._outbox.window.roomy)
        if self._keeper is not None:
            self._keeper.hungry()
            if self._paced is None and self._outbox.window.room > 0 and self._outbox.replay.ready(loop.time()):
                self._paced = loop.call_later(self._outbox.turns.pace.pause, self._pump_again)
        self._settle()

    def _pump_again(self) -> None:
        self._paced = None
        self._pump()

    def _settle(self) -> None:
        if self._outbox.idle:
            self._idle.set()
        else:
            self._idle.clear()

    def _acked(self, acks: list[Ack]) -> None:
        loop = asyncio.get_running_loop()
        self._moves(loop.time())
        self._due_since = loop.time()
        again = self._outbox.acked(acks, self._due_since)
        if again is not None:
            loop.call_later(again, self._pump)
        self._pump()
        self._progress()

    def _unanswered(self) -> None:
        """The connection stands and pings are answered, but no message is: it is no good."""
        self._check, loop = None, asyncio.get_running_loop()
        if self._connection is None or not self._outbox.window.flights:
            return
        left = self._due_since + UNANSWERED - loop.time()
        if left > UNANSWERED - STALLED:
            self._check = loop.call_later(left - (UNANSWERED - STALLED), self._unanswered)
        elif left > 0:
            self._check = loop.call_later(left, self._unanswered)
            if self._stalled is None:
                self._stalled = self._due_since
                self._event("broker.stalled", url=self._connection.where.text, why=STALLING)
        elif not self._connection.lost.done():
            self._given_up = True
            self._connection.lost.set_result((f"the broker acknowledged nothing for {UNANSWERED:.0f} s", None))

    def _moves(self, now: float) -> None:
        if self._stalled is not None and self._connection is not None:
            self._event("broker.moving", url=self._connection.where.text, after_s=round(now - self._stalled, 1))
        self._stalled = None

    # the connection

    async def run(self) -> None:
        """Connects, and again whenever the connection is lost; until cancelled or `finish` has been called."""
        await self._contact.run()

    async def keep(self) -> None:
        """Moves readings to the disk and back, for ever; with a spool only."""
        if self._keeper is not None:
            await self._keeper.run()

    def _opened(self, connection: Connection) -> None:
        self._connection = connection
        if self._keeper is not None:
            self._keeper.connected = True
        self._outbox.opened(connection.limits, v5=connection.where.v5)
        self._on_connected()
        self._pump()

    def _closed(self, code: int | None = None) -> int:
        """Gives how many readings were on the wire; they go again with the next. code: the broker's reason."""
        cut, self._given_up = not self._given_up and code not in OF_NO_MESSAGE, False
        self._connection = None
        if self._keeper is not None:
            self._keeper.connected = False
        if self._check is not None:
            self._check.cancel()
            self._check = None
        in_flight = self._outbox.closed(asyncio.get_running_loop().time(), cut=cut)
        self._progress()
        return in_flight

    async def finish(
        self, last_words: Callable[[], dict[str, bytes]], patience: float, left: Sequence[Features] = ()
    ) -> None:
        """Brings out what waits, then the documents of `last_words`, and disconnects; gives up after `patience` s.

        What could not be brought out goes to the disk, with `left`, which came after it; without one it is dropped, and
        counted. last_words: topic -> payload, made when that is known. `keep` has to have ended.
        """
        self._contact.end()
        deadline = asyncio.get_running_loop().time() + patience
        rest = self._outbox.replay.take_all()
        await self._until_idle(deadline - LAST_WORDS)
        for features in left if self._keeper is None else await self._keeper.finish(left, patience):
            self._outbox.shed(features.board, len(features))
        self._outbox.lanes.shed_all()
        self._outbox.documents.clear()
        for topic, payload in last_words().items():
            self.document(topic, payload)
        await self._until_idle(max(deadline, asyncio.get_running_loop().time() + LAST_WORDS))
        self._given_up = True  # what ends now ends for our sake
        if (connection := self._connection) is not None:
            if self._outbox.said:  # else our goodbye would take the will back, and leave us online for ever
                connection.disconnect()
                await asyncio.wait({connection.lost}, timeout=GOODBYE)
            connection.close()
        self._closed()
        self._outbox.lanes.shed_all()
        if self.spool is not None:
            await self.spool.close(rest_of([*rest, *self._outbox.replay.take_all()]), patience)

    async def _until_idle(self, deadline: float) -> None:
        """Waits until everything is acknowledged, the connection is gone, or the deadline."""
        connection = self._connection
        if connection is None:
            return
        self._settle()
        idle: asyncio.Future[Any] = asyncio.ensure_future(self._idle.wait())
        left = max(0.0, deadline - asyncio.get_running_loop().time())
        await asyncio.wait([idle, connection.lost], timeout=left, return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()

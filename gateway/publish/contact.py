"""The contact with the broker, kept over one outage after another: when it is tried again, and what is told of it."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from ..backoff import attempts_after, delay
from .broker import ADMINISTRATIVE, TAKEN_OVER, WRONG_VERSION, Refused, Where, Will
from .client import Connection, connect
from .packets import Ack

LONGEST_PAUSE = 15.0  # s: back at most 20 s after any outage
CUT_PAUSE, CUTS = 2.0, 12  # s after a cut, while there were few, or after a connection that took something: suspects.py
ABSENT_PAUSE = 1.5  # s while nobody listens there: back at most 2 s after the broker is
REFUSED_PAUSE = (10.0, 20.0)  # s after a refusal with a reason: an operator has to do something
RIVAL_PAUSE = (30.0, 45.0)  # s after a takeover, once it is known that somebody else has our client id
TAKEOVERS = (3, 60.0)  # known by this many in so many seconds …
RIVAL_LATE = 5.0  # s … until a connection has held for so much longer than the other's pause, if it is one of us
ASKED, DENIED, DEAF = 5.0, 2, 3600.0  # s after we asked to listen; cuts in a row within these; s without asking then
TAKEN_OVER_SAID = "taken over"
RENEWED = "it was connected anew, since a reload has changed the way to the broker, or what this gateway shows it"
GOODBYE = 0.5  # s for the broker to close the connection after our goodbye


@dataclass(frozen=True, slots=True)
class Handlers:
    """Who has to do with a connection.

    opened: gets a new one. closed: it is gone, with the broker's reason; gives the readings that were on the wire.
    acked, drained, heard: see `connect`.
    """

    opened: Callable[[Connection], None]
    closed: Callable[[int | None], int]
    acked: Callable[[list[Ack]], None]
    drained: Callable[[], None]
    heard: Callable[[str, bytes], None] | None = None


class Contact:
    """Connects, and again. where, will: made anew for each attempt; where may raise Refused. event: for the log.

    mine: where others have no business to write; what they do write there is heard too.
    """

    def __init__(
        self,
        where: Callable[[], Awaitable[Where]],
        will: Callable[[], Will],
        handlers: Handlers,
        event: Callable[..., None],
        clock: Callable[[], float] = time.monotonic,
        mine: Sequence[str] = (),
    ) -> None:
        self.reconnects = 0
        self.trouble: str | None = None  # one sentence, once a connection has failed or was lost
        self._where, self._will, self._handlers, self._event, self._now = where, will, handlers, event, clock
        self._url = ""
        self._v5 = True  # until the broker has shown that it does not speak it
        self._attempts = 0  # in this outage
        self._took = False  # whether the broker has acknowledged anything on this connection
        self._flaps = 0  # connections in a row that did not hold
        self._lost_at: float | None = None
        self._said: set[str] = set()  # what was told of this outage
        self._takeovers: deque[float] = deque(maxlen=TAKEOVERS[0])
        self._rival = False
        self._ending = False
        self._open: tuple[Where, Connection] | None = None  # the connection that stands, and what it was made for
        self._topics: list[str] = []  # on which it listens
        self._mine = list(mine)
        self._denials = 0  # connections in a row that ended as they were asked to let us listen
        self._deaf_until = -math.inf
        self._renewed = asyncio.Event()  # what `where` gives may be another since this attempt began

    @property
    def _rival_gone(self) -> float:
        """S that a connection has to hold to show that nobody else has our client id."""
        return RIVAL_PAUSE[1] + RIVAL_LATE

    def end(self) -> None:
        """No new attempts; a connection that is still being made is given up in peace."""
        self._ending = True

    def listen(self, topics: list[str]) -> None:
        """From now on these are listened to, on this connection and on all later ones."""
        before, self._topics = self._topics, topics
        if self._open is not None and self._open[1].limits.listen:
            self._open[1].listen(topics, instead_of=before)

    async def renew(self) -> None:
        """Connects anew if `where` is another than the connection was made for; tries at once while there is none."""
        self._renewed.set()
        self._deaf_until = -math.inf
        if self._open is None:
            return
        try:
            where = await self._where()
        except Refused:  # what is there holds until it is needed
            return
        if self._open is not None and self._open[0] != where and not (lost := self._open[1].lost).done():
            lost.set_result((RENEWED, ADMINISTRATIVE))  # by us: no message is to blame for it

    async def run(self) -> None:
        """Until cancelled; returns after `end`, when the connection is gone."""
        while not self._ending:
            self._renewed.clear()
            wait = await self._once()
            if not self._ending:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._renewed.wait(), wait)

    async def _once(self) -> float:
        """One connection from start to end; gives the seconds to wait before the next."""
        try:
            where = await self._where()
            self._url = where.text
            connection = await self._connected(where)
        except Refused as error:
            return self._refused(error)
        if self._ending:
            connection.disconnect()
            await asyncio.wait({connection.lost}, timeout=GOODBYE)
            connection.close()
            return 0.0
        since = self._now()
        self._open = where, connection
        self._listen(connection, since)
        self._opened(connection)
        in_flight, code = 0, None
        try:
            if self._renewed.is_set():  # while this one was made
                await self.renew()
            if self._rival:
                await self._alone(connection)
            why, code = await connection.lost
            code = self._denied(connection, self._now() - since, code)
        finally:
            self._open = None
            in_flight = self._handlers.closed(code)
            connection.close()
        return 0.0 if self._ending else self._lost(why, code, since, in_flight, where.client_id)

    def _listen(self, connection: Connection, now: float) -> None:
        """Asks to be told of what others write, unless that has ended connections."""
        if now < self._deaf_until:
            connection.limits = replace(connection.limits, listen=False)
            return
        connection.listen(self._topics)
        connection.mind(self._mine)

    def _denied(self, connection: Connection, held: float, code: int | None) -> int | None:
        """The code to go by: where the broker ends a connection and does not say no, no message is to blame."""
        if not connection.asks or held > ASKED:
            self._denials = 0
            return code
        self._denials += 1
        if self._denials >= DENIED:
            self._denials, self._deaf_until = 0, self._now() + DEAF
        return code if code == TAKEN_OVER else ADMINISTRATIVE

    async def _connected(self, where: Where) -> Connection:
        """A connection by the newest version that both speak."""
        if where.v5 and self._v5:
            try:
                return await self._connect(where)
            except Refused as error:
                if error.code != WRONG_VERSION:
                    raise
        connection = await self._connect(replace(where, v5=False))
        self._v5 = False
        return connection

    async def _connect(self, where: Where) -> Connection:
        self._took = False
        handlers = self._handlers
        return await connect(
            where, acked=self._acked, drained=handlers.drained, heard=handlers.heard, will=self._will()
        )

    def _acked(self, acks: list[Ack]) -> None:
        self._took = True
        self._handlers.acked(acks)

    def _refused(self, error: Refused) -> float:
        self._v5 = True  # it may be another one when it is back
        self._attempts += 1
        self.trouble = why = str(error)
        if why not in self._said and not (error.away and self._said):  # that it is away is said once
            self._said.add(why)
            self._event("broker.refused", url=self._url, why=why)
        self._lost_at = self._lost_at or self._now()
        if error.code is not None:
            return random.uniform(*REFUSED_PAUSE)
        return _pause(self._attempts, ABSENT_PAUSE if error.absent else LONGEST_PAUSE)

    def _opened(self, connection: Connection) -> None:
        self._attempts = 0
        if self._lost_at is None:
            self._event("broker.connected", url=self._url, version="5" if connection.where.v5 else "3.1.1")
        elif self._rival:
            self.trouble = _two(connection.where.client_id)
        else:
            self._recovered()
        self._handlers.opened(connection)

    def _recovered(self) -> None:
        away = self._now() - (self._lost_at or 0.0)
        self.trouble, self._lost_at = None, None
        self._said.clear()
        self._event("broker.recovered", url=self._url, after_s=round(away, 1), reconnects=self.reconnects)

    def _lost(self, why: str, code: int | None, since: float, in_flight: int, client_id: str) -> float:
        now = self._now()
        self._lost_at = self._lost_at or now
        self.reconnects += 1
        self._flaps = attempts_after(self._flaps, now - since)
        if self._taken_over(code, since, now):
            wait = random.uniform(*RIVAL_PAUSE)
            self.trouble = f"{_two(client_id)}; this one waits for {wait:.0f} s before it tries again"
            if TAKEN_OVER_SAID not in self._said:
                self._said.add(TAKEN_OVER_SAID)
                self._event("broker.taken_over", url=self._url, client_id=client_id, times=len(self._takeovers))
            return wait
        self.trouble = why
        if not self._said:
            self._said.add(why)
            self._event("broker.lost", url=self._url, why=why, in_flight=in_flight)
        if why == RENEWED:
            return 0.0
        return _pause(self._flaps, CUT_PAUSE if self._took or self._flaps <= CUTS else LONGEST_PAUSE)

    async def _alone(self, connection: Connection) -> None:
        """Returns when the connection is lost, or has held for so long that nobody else has our client id."""
        done, _ = await asyncio.wait({connection.lost}, timeout=self._rival_gone)
        if not done:
            self._rival = False
            self._recovered()

    def _taken_over(self, code: int | None, since: float, now: float) -> bool:
        """Whether it was somebody else who has our client id, and is there to stay."""
        if now - since >= self._rival_gone:
            self._rival = False
        if code != TAKEN_OVER:
            return False
        self._takeovers.append(now)
        if len(self._takeovers) == TAKEOVERS[0] and now - self._takeovers[0] <= TAKEOVERS[1]:
            self._rival = True
        return self._rival


def _two(client_id: str) -> str:
    return (
        f"another client connects as {client_id!r} and throws this one out: two gateways have one id; "
        "set another gateway.id in one of them"
    )


def _pause(attempts: int, most: float) -> float:
    return delay(attempts, random.random(), most=most, first=0.5)

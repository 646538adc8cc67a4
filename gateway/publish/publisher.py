"""The publish stage: features in, messages out, each until the broker has acknowledged it; over one outage after another.

Everything of QoS 1 passes one window, so that the broker's Receive Maximum holds: retained documents first, of which
only the newest of a topic counts, then the lanes of the sensors, in turn.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..backoff import attempts_after, delay
from ..ledger import Account
from ..model import Drop, Features
from ..names import level
from .client import TAKEN_OVER, WRONG_VERSION, Connection, Refused, Where, Will, connect
from .lanes import Lanes, Piece
from .messages import MOST_ROWS
from .packets import Ack, publish, topic_part
from .stream import Stream
from .window import UNSTATED, Flight, Window

OWN_LIMIT = 100  # packets under way at most, whatever the broker allows: more brings nothing and costs at a reconnect
UNANSWERED = 30.0  # s without any acknowledgement, while some are due, before the connection is given up
SLOW = 0.5  # s without an acknowledgement after which the broker no longer moves
GOODBYE = 0.5  # s for the broker to close the connection after our goodbye
TAKEOVERS = (3, 60.0)  # this many in so many seconds: somebody else has our client id
WORST = 0x80  # reasons from here on are failures
NOT_AUTHORIZED, TOPIC_INVALID, PAYLOAD_INVALID, TOO_LARGE = 0x87, 0x90, 0x99, 0x95


@dataclass(frozen=True, slots=True)
class Naming:
    """Who we are on the broker, and how we write."""

    gateway: str
    prefix: str
    run: str
    rows: bool = False  # a message a batch instead of one a reading

    @property
    def base(self) -> str:
        """The gateway's own topic, without its last level."""
        return f"{self.prefix}/{level(self.gateway)}"

    def board(self, name: str) -> str:
        """A board's topic, without its last level."""
        return f"{self.base}/{level(name)}"

    def sensor(self, board: str, name: str) -> str:
        """A sensor's topic, without its last level."""
        return f"{self.board(board)}/{level(name)}"


class Publisher:
    """Brings features and documents to the broker.

    account: of a board, where outcomes are counted. tags, every: of (board) and of (board, sensor).
    will: made anew for each connection. connected: called when one is open, to put out the documents again.
    progress: called when readings have been acknowledged, and when the connection is lost.
    most: readings that may wait here while the broker is away. clock: "unsynced", or None when it has been set.
    """

    def __init__(
        self,
        where: Callable[[], Where],
        naming: Naming,
        *,
        account: Callable[[str], Account],
        tags: Callable[[str], dict[str, str]],
        every: Callable[[str, str], float],
        will: Callable[[], Will],
        connected: Callable[[], None],
        progress: Callable[[], None] = lambda: None,
        clock: Callable[[], str | None] = lambda: None,
        most: int = 100_000,
        event: Callable[..., None] = lambda name, **fields: None,
    ) -> None:
        self.naming = naming
        self.lanes = Lanes(most, self._shed)
        self.reconnects = 0
        self.trouble: str | None = "not connected yet"  # one sentence while there is no connection
        self.refusing: str | None = None  # one sentence while the broker refuses messages
        self._where, self._account, self._tags, self._every = where, account, tags, every
        self._will, self._on_connected, self._progress = will, connected, progress
        self._clock, self._event = clock, event
        self._streams: dict[tuple[str, str], Stream] = {}
        self._documents: dict[str, bytes] = {}
        self._window = Window()
        self._on_wire: Counter[str] = Counter()  # readings, by board
        self._connection: Connection | None = None
        self._v5 = True
        self._idle = asyncio.Event()
        self._finishing = False
        self._answered_at = 0.0
        self._check: asyncio.TimerHandle | None = None
        self._lost_at: float | None = None
        self._takeovers: deque[float] = deque(maxlen=TAKEOVERS[0])

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._connection is not None

    def moving(self) -> bool:
        """Whether the broker takes what it is sent: connected, and something was acknowledged of late."""
        waited = asyncio.get_running_loop().time() - self._answered_at
        return self._connection is not None and (not self._window.flights or waited < SLOW)

    def held(self, board: str) -> int:
        """Readings of `board` that are in this stage: waiting, or sent and not acknowledged."""
        return self.lanes.held(board) + self._on_wire[board]

    # in

    def put(self, pieces: list[Features]) -> None:
        """Takes in computed readings, in order within each sensor."""
        clock = self._clock()
        for features in pieces:
            stream = self._stream(features.board, features.sensor)
            if (last := stream.last(features, clock)) is not None:
                self._documents[stream.last_topic] = last
            account = self._account(features.board)

            def condensed(readings: int, account: Account = account) -> None:
                account.condensed += readings

            if (piece := stream.condense(features, condensed)) is not None:
                self.lanes.put(piece)
        self._pump()

    def document(self, topic: str, payload: bytes) -> None:
        """Publishes a retained document; of one topic only the newest counts."""
        self._documents.pop(topic, None)
        self._documents[topic] = payload
        self._pump()

    def _stream(self, board: str, sensor: str) -> Stream:
        key = (board, sensor)
        stream = self._streams.get(key)
        if stream is None:
            naming = self.naming
            identity = (naming.gateway, board, sensor, naming.run)
            stream = Stream(naming.sensor(board, sensor), identity, self._tags(board), self._every(board, sensor))
            self._streams[key] = stream
        return stream

    def _shed(self, board: str, readings: int) -> None:
        self._account(board).dropped[Drop.SHED] += readings

    # out

    def _pump(self) -> None:
        """Sends what the window and the wire have room for."""
        connection = self._connection
        if connection is None or connection.wire.full:
            return
        now = asyncio.get_running_loop().time()
        out: list[bytes] = []
        while (room := self._window.room) > 0:
            if self._documents:
                topic = next(iter(self._documents))
                out += self._document_packet(connection, topic, self._documents.pop(topic))
                continue
            piece = self.lanes.next(MOST_ROWS if self.naming.rows else room, now)
            if piece is None:
                break
            out += self._packets(connection, piece)
        if out:
            connection.wire.write(b"".join(out))
            if self._check is None:
                self._answered_at = now
                self._check = asyncio.get_running_loop().call_later(UNANSWERED, self._unanswered)
        self._settle()

    def _settle(self) -> None:
        if self._window.flights or self._documents or self.lanes.waiting:
            self._idle.clear()
        else:
            self._idle.set()

    def _document_packet(self, connection: Connection, topic: str, payload: bytes) -> list[bytes]:
        limits = connection.limits
        if limits.packet is not None and len(payload) + len(topic.encode()) + 16 > limits.packet:
            self.refusing = f"the document on {topic} is larger than the {limits.packet} bytes that the broker takes"
            return []
        number = self._window.add(Flight(None, topic, payload)) if limits.qos else None
        return [publish(topic_part(topic), payload, number, v5=self._v5, retain=limits.retain)]

    def _packets(self, connection: Connection, piece: Piece) -> list[bytes]:
        """The packets of a piece: one a reading, or one for all; each its own flight."""
        features, limits, v5 = piece.features, connection.limits, self._v5
        stream = self._stream(features.board, features.sensor)
        clock = self._clock()
        if self.naming.rows:
            payloads = [stream.writer.rows(features, piece.first, piece.last, piece.condensed, clock)]
            cuts = [piece]
        else:
            payloads = list(stream.writer.readings(features, piece.first, piece.last, piece.condensed, clock))
            cuts = [Piece(features, i, i + 1, piece.condensed) for i in range(piece.first, piece.last)]
        out = []
        for cut, payload in zip(cuts, payloads, strict=True):
            if limits.packet is not None and len(payload) + len(stream.features_topic) + 10 > limits.packet:
                out += self._too_large(connection, cut)
                continue
            if not limits.qos:
                self._account(features.board).sent_unacknowledged += len(cut)
                out.append(publish(stream.features_topic, payload, None, v5=v5))
                continue
            number = self._window.add(Flight(cut, stream.topic))
            self._on_wire[features.board] += len(cut)
            out.append(publish(stream.features_topic, payload, number, v5=v5))
        return out

    def _too_large(self, connection: Connection, piece: Piece) -> list[bytes]:
        """Rows are halved until they fit; a single reading that does not fit is dropped."""
        if len(piece) == 1:
            self._account(piece.features.board).dropped[Drop.TOO_LARGE] += 1
            return []
        middle = (piece.first + piece.last) // 2
        halves = (Piece(piece.features, first, last, piece.condensed) for first, last in ((piece.first, middle), (middle, piece.last)))
        return [packet for half in halves for packet in self._packets(connection, half)]

    def _acked(self, acks: list[Ack]) -> None:
        self._answered_at = asyncio.get_running_loop().time()
        for number, reason in acks:
            flight = self._window.acknowledged(number)
            if flight is None:
                continue
            piece = flight.piece
            if piece is not None:
                self._on_wire[piece.features.board] -= len(piece)
            if reason >= WORST:
                self._failed(flight, reason)
            elif piece is not None:
                self._account(piece.features.board).acknowledged += len(piece)
                self.refusing = None
        self._pump()
        self._progress()

    def _failed(self, flight: Flight, reason: int) -> None:
        """The broker answered that it does not take a message."""
        if flight.piece is None:
            self.refusing = f"the broker refuses messages on {flight.topic} (reason {reason:#04x}); check its access list"
            return
        if reason in (TOPIC_INVALID, PAYLOAD_INVALID, TOO_LARGE):
            drop = Drop.TOO_LARGE if reason == TOO_LARGE else Drop.REFUSED_BY_BROKER
            self._account(flight.piece.features.board).dropped[drop] += len(flight.piece)
            return
        wait = 60.0 if reason == NOT_AUTHORIZED else 5.0
        self.refusing = f"the broker refuses messages on {flight.topic} (reason {reason:#04x}); check its access list"
        loop = asyncio.get_running_loop()
        self.lanes.back([flight.piece])
        self.lanes.hold(flight.piece, loop.time() + wait)
        loop.call_later(wait, self._pump)

    # the connection

    async def run(self) -> None:
        """Connects, and again whenever the connection is lost; until cancelled or `finish` has been called."""
        loop = asyncio.get_running_loop()
        attempts = 0
        while not self._finishing:
            where = self._where()
            self._v5 = self._v5 and where.v5
            try:
                connection = await connect(replace(where, v5=self._v5), acked=self._acked, will=self._will())
            except Refused as error:
                if error.code == WRONG_VERSION and self._v5:
                    self._v5 = False
                    continue
                self._v5 = where.v5
                attempts += 1
                wait = self._pause(attempts) if error.code is None else random.uniform(10.0, 20.0)
                if self.trouble != str(error):
                    self._event("broker.refused", url=where.text, why=str(error))
                self.trouble = str(error)
                self._lost_at = self._lost_at or loop.time()
                await asyncio.sleep(wait)
                continue
            since = loop.time()
            self._open(connection)
            in_flight = 0
            try:
                why, code = await connection.lost
            finally:
                in_flight = self._on_wire.total()
                self._closed()
                connection.close()
            if self._finishing:
                return
            self.reconnects += 1
            attempts = attempts_after(attempts, loop.time() - since)
            wait = self._pause(attempts)
            if self._taken_over(code, loop.time()):
                why = (
                    f"another client connects as {where.client_id!r} and throws this one out: "
                    "two gateways have one id; set another gateway.id in one of them"
                )
                wait = random.uniform(30.0, 45.0)
                self._event("broker.taken_over", url=where.text, client_id=where.client_id, times=TAKEOVERS[0])
            else:
                self._event("broker.lost", url=where.text, why=why, in_flight=in_flight)
            self._lost_at = self._lost_at or loop.time()
            self.trouble = why
            await asyncio.sleep(wait)

    @staticmethod
    def _pause(attempts: int) -> float:
        """Up to 15 s: back at most 5 s after a short outage, and 20 s after any."""
        return delay(attempts, random.random(), most=15.0, first=0.5)

    def _open(self, connection: Connection) -> None:
        limits = connection.limits
        self._connection, self.trouble, self.refusing = connection, None, None
        self._window.limit = min(OWN_LIMIT, limits.receive or (OWN_LIMIT if self._v5 else UNSTATED))
        url = connection.where.text
        if self._lost_at is None:
            self._event("broker.connected", url=url, version="5" if self._v5 else "3.1.1")
        else:
            away = asyncio.get_running_loop().time() - self._lost_at
            self._event("broker.recovered", url=url, after_s=round(away, 1), reconnects=self.reconnects)
        self._lost_at = None
        for stream in self._streams.values():
            stream.forget_last()
        self._on_connected()
        self._pump()

    def _closed(self) -> None:
        """Puts back what was on the wire; it goes again with the next connection."""
        self._connection = None
        if self._check is not None:
            self._check.cancel()
            self._check = None
        flights = list(self._window.clear())
        self._on_wire.clear()
        self.lanes.back(flight.piece for flight in flights if flight.piece is not None)
        for flight in flights:
            if flight.piece is None:
                self._documents.setdefault(flight.topic, flight.payload)
        self._progress()

    def _taken_over(self, code: int | None, now: float) -> bool:
        if code != TAKEN_OVER:
            return False
        self._takeovers.append(now)
        return len(self._takeovers) == TAKEOVERS[0] and now - self._takeovers[0] <= TAKEOVERS[1]

    def _unanswered(self) -> None:
        """The connection stands and pings are answered, but no message is: it is no good."""
        self._check = None
        loop = asyncio.get_running_loop()
        if self._connection is None or not self._window.flights:
            return
        left = self._answered_at + UNANSWERED - loop.time()
        if left > 0:
            self._check = loop.call_later(left, self._unanswered)
        elif not self._connection.lost.done():
            self._connection.lost.set_result((f"the broker acknowledged nothing for {UNANSWERED:.0f} s", None))

    async def finish(self, farewell: dict[str, bytes], patience: float) -> None:
        """Brings out what waits, then the farewell documents, and disconnects; gives up after `patience` seconds.

        What could not be brought out is dropped, and counted.
        """
        self._finishing = True
        deadline = asyncio.get_running_loop().time() + patience
        if self._connection is not None:
            await self._until_idle(deadline - 0.5)
            self._documents.clear()
            for topic, payload in farewell.items():
                self.document(topic, payload)
            await self._until_idle(deadline)
            if (connection := self._connection) is not None:
                connection.disconnect()
                await asyncio.wait({connection.lost}, timeout=GOODBYE)
        self.lanes.shed_all()

    async def _until_idle(self, deadline: float) -> None:
        """Waits until everything is acknowledged, the connection is gone, or the deadline."""
        connection = self._connection
        if connection is None:
            return
        self._settle()
        idle = asyncio.ensure_future(self._idle.wait())
        timeout = max(0.0, deadline - asyncio.get_running_loop().time())
        await asyncio.wait({idle, connection.lost}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()



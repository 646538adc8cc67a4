"""What waits for the broker and what is under way to it: features in, packets out, acknowledgements in.

Pure: no loop, no clock, no socket. Everything of QoS 1 passes one window, so that the broker's Receive Maximum holds:
retained documents first, of which only the newest of a topic counts, then the lanes of the sensors, in turn. With a
broker that takes QoS 0 only, what has left our hands takes the place of what is acknowledged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from ..ledger import Account
from ..model import Drop, Features
from .broker import TOO_LARGE, Limits
from .lanes import Lanes, Piece
from .messages import MOST_ROWS
from .naming import Naming
from .packets import Ack, fits, publish, topic_part
from .refusals import CUT, INVALID, WORST, Refusals, pause
from .stream import Stream
from .suspects import Suspects
from .window import UNSTATED, Flight, Window

TOPIC = 1000  # bytes of a packet that a document leaves to its topic
OWN_LIMIT = 100  # packets under way at most, whatever the broker allows: more brings nothing and costs at a reconnect


class Outbox:
    """The readings and documents of one gateway on their way out; every reading is counted to its end.

    account: of a board, where outcomes are counted. tags, every: of (board) and of (board, sensor).
    most: readings that may wait.
    """

    def __init__(
        self,
        naming: Naming,
        account: Callable[[str], Account],
        tags: Callable[[str], dict[str, str]],
        every: Callable[[str, str], float],
        most: int,
    ) -> None:
        self.lanes = Lanes(most, self._shed)
        self.window = Window()
        self.refusals = Refusals()
        self.documents: dict[str, bytes] = {}
        self._naming, self._account, self._tags, self._every = naming, account, tags, every
        self._streams: dict[tuple[str, str], Stream] = {}
        self._on_wire: Counter[str] = Counter()  # readings, by board
        self._limits, self._v5 = Limits(), True
        self._most_rows = MOST_ROWS
        self._suspects = Suspects()
        self._too_long: dict[str, int] = {}  # bytes of the document of a topic that the broker did not take

    def held(self, board: str) -> int:
        """Readings of `board` that are here: waiting, or sent and not acknowledged."""
        return self.lanes.held(board) + self._on_wire[board]

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not (self.window.flights or self.documents or self.lanes.waiting)

    @property
    def said(self) -> bool:
        """Whether the broker has taken all documents."""
        return not self.documents and all(flight.piece for flight in self.window.flights.values())

    @property
    def largest(self) -> int | None:
        """Bytes that the broker takes in a document, as far as is known."""
        known = [size - 1 for size in self._too_long.values()]
        if self._limits.packet is not None:
            known.append(max(0, self._limits.packet - TOPIC))
        return min(known, default=None)

    # in

    def put(self, pieces: list[Features], clock: str | None) -> None:
        """Takes in computed readings, in order within each sensor."""
        for features in pieces:
            stream = self._stream(features)
            if (last := stream.last(features, clock)) is not None:
                self.documents[stream.last_topic] = last
            piece, condensed = stream.condense(features)
            self._account(features.board).condensed += condensed
            if piece is not None:
                self.lanes.put(piece)

    def document(self, topic: str, payload: bytes) -> None:
        """Takes in a retained document; it goes behind those that wait."""
        self.documents.pop(topic, None)
        self.documents[topic] = payload

    def _stream(self, features: Features) -> Stream:
        key = board, sensor = features.board, features.sensor
        stream = self._streams.get(key)
        if stream is None:
            identity = (self._naming.gateway, board, sensor, self._naming.run)
            stream = Stream(self._naming.sensor(board, sensor), identity, self._tags(board), self._every(board, sensor))
            self._streams[key] = stream
        return stream

    def _shed(self, board: str, readings: int) -> None:
        self._account(board).dropped[Drop.SHED] += readings

    # the connection

    def opened(self, limits: Limits, *, v5: bool) -> None:
        """There is a broker, which takes so much."""
        self._limits, self._v5 = limits, v5
        self._set_limit()
        for stream in self._streams.values():
            stream.forget_last()

    def _set_limit(self) -> None:
        usual = min(OWN_LIMIT, self._limits.receive or (OWN_LIMIT if self._v5 else UNSTATED))
        self.window.limit = 1 if self._suspects.alone else usual

    def closed(self, *, cut: bool) -> int:
        """It is gone: what was on the wire goes back, to go again with the next. Gives how many readings that were.

        cut: it was the broker, or the network, that ended it.
        """
        flights = list(self.window.clear())
        in_flight = self._on_wire.total()
        self._on_wire.clear()
        pieces = [flight.piece for flight in flights if flight.piece is not None]
        for piece in pieces:
            piece.tried = True
        self.lanes.back(pieces)
        self.documents = {flight.topic: flight.payload for flight in flights if flight.piece is None} | self.documents
        if cut and flights and self._limits.qos and self._suspects.cut([flight.mark for flight in flights]):
            self._guilty(flights[0])
        return in_flight

    def _guilty(self, flight: Flight) -> None:
        """The broker cuts the line at this message, again and again: it does not go again as it is."""
        self.refusals.add(flight.topic, CUT)
        piece = flight.piece
        if piece is None:
            self._too_long[flight.topic] = len(flight.payload)
        elif len(piece) > 1:
            self._most_rows = max(1, len(piece) // 2)
        else:
            self.lanes.drop(piece)
            self._account(piece.features.board).dropped[Drop.REFUSED_BY_BROKER] += 1

    # out

    def packets(self, room: int, now: float, clock: str | None) -> Iterator[bytes]:
        """What may be sent now, until the window is full or about `room` bytes are given. now: s, monotonic."""
        while room > 0 and self.window.room > 0:
            if self.documents:
                topic = next(iter(self.documents))
                packets = self._document(topic, self.documents.pop(topic))
            else:
                piece = self.lanes.next(self._most_rows if self._naming.rows else self.window.room, now)
                if piece is None:
                    return
                stream = self._stream(piece.features)
                packets = (
                    self._rows(piece, stream, clock) if self._naming.rows else self._readings(piece, stream, clock)
                )
            for packet in packets:
                room -= len(packet)
                yield packet

    def _document(self, topic: str, payload: bytes) -> Iterator[bytes]:
        part = topic_part(topic)
        if not fits(part, payload, self._limits.packet):
            self.refusals.add(topic, TOO_LARGE)
        elif len(payload) < self._too_long.get(topic, len(payload) + 1):
            yield self._sent(Flight(None, topic, payload), part, payload)

    def _readings(self, piece: Piece, stream: Stream, clock: str | None) -> Iterator[bytes]:
        """A packet for each reading."""
        features, most = piece.features, self._limits.packet
        payloads = stream.writer.readings(features, piece.first, piece.last, piece.condensed, clock)
        for i, payload in enumerate(payloads, piece.first):
            cut = Piece(features, i, i + 1, piece.condensed, piece.tried)
            if fits(stream.topic_part, payload, most):
                yield self._sent(Flight(cut, stream.topic), stream.topic_part, payload)
            else:
                self._too_large(cut, stream)

    def _rows(self, piece: Piece, stream: Stream, clock: str | None) -> Iterator[bytes]:
        """One packet for all rows. If that is too large they go back, and from now on fewer go at once."""
        most = self._limits.packet
        payload = stream.writer.rows(piece.features, piece.first, piece.last, piece.condensed, clock)
        if most is None or fits(stream.topic_part, payload, most):
            yield self._sent(Flight(piece, stream.topic), stream.topic_part, payload)
        elif len(piece) == 1:
            self._too_large(piece, stream)
        else:
            self._most_rows = max(1, min(len(piece) - 1, len(piece) * most // len(payload)))
            self.lanes.back([piece])

    def _sent(self, flight: Flight, topic: bytes, payload: bytes) -> bytes:
        """Notes a flight; gives its packet."""
        number, piece = self.window.add(flight), flight.piece
        if piece is not None:
            self._on_wire[piece.features.board] += len(piece)
        retain = piece is None and self._limits.retain
        return publish(topic, payload, number if self._limits.qos else None, v5=self._v5, retain=retain)

    def _too_large(self, piece: Piece, stream: Stream) -> None:
        self._account(piece.features.board).dropped[Drop.TOO_LARGE] += len(piece)
        self.refusals.add(stream.topic, TOO_LARGE)
        self.lanes.skipped(piece)

    # back

    def acked(self, acks: list[Ack], now: float) -> float | None:
        """What the broker answered. Gives the seconds after which something refused may be tried again, if anything."""
        again = None
        for number, reason in acks:
            flight = self.window.acknowledged(number)
            if flight is None:
                continue
            piece = flight.piece
            if piece is not None:
                self._on_wire[piece.features.board] -= len(piece)
            if self._suspects.answered(flight.mark):
                self._set_limit()
            if reason >= WORST:
                self.refusals.add(flight.topic, reason)
                if piece is not None and self._refused(piece, reason, now):
                    again = max(again or 0.0, pause(reason))
                elif piece is None and reason == TOO_LARGE:
                    self._too_long[flight.topic] = len(flight.payload)
                continue
            self.refusals.clear(flight.topic)
            if piece is not None:
                self._account(piece.features.board).acknowledged += len(piece)
        return again

    def _refused(self, piece: Piece, reason: int, now: float) -> bool:
        """Whether it is of use to try again later."""
        if reason == TOO_LARGE and len(piece) > 1:
            self._most_rows = max(1, len(piece) // 2)
            self.lanes.back([piece])
        elif reason in INVALID:
            drop = Drop.TOO_LARGE if reason == TOO_LARGE else Drop.REFUSED_BY_BROKER
            self._account(piece.features.board).dropped[drop] += len(piece)
        else:
            self.lanes.back([piece])
            self.lanes.hold(piece, now + pause(reason))
            return True
        return False

    def landed(self) -> None:
        """All that was given out has left us, which is all that can be known with QoS 0."""
        for flight in self.window.clear():
            if (piece := flight.piece) is not None:
                self._account(piece.features.board).sent_unacknowledged += len(piece)
        self._on_wire.clear()

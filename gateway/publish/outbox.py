"""What waits for the broker and what is under way to it: features in, packets out, answers in.

Pure: no loop, no clock, no socket. Everything of QoS 1 passes one window, so that the broker's Receive Maximum holds:
status documents first, then the lanes of the sensors, in turn with their `last`, then what comes back from the disk.
With a broker that takes QoS 0 only, what has left our hands takes the place of what is acknowledged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from itertools import groupby

from ..ledger import Account
from ..model import Drop, Features
from .broker import TOO_LARGE, Limits
from .crossing import Crossing
from .dating import dated, marked
from .lane import Piece
from .lanes import Among
from .naming import Naming
from .packets import Ack, fits, publish, topic_part
from .refusals import WORST
from .spool.nouns import Block
from .streams import OfSensors, Streams
from .suspects import Suspects
from .turns import Turns
from .verdicts import Verdicts
from .window import UNSTATED, Flight, Window

Packets = Iterator[bytes] | None
EXPLAINED = 1.0  # s after a refusal in which the end of the connection is put down to it
OTHERS_FIRST = 2.0  # s that a suspect waits for what is not suspected
OWN_LIMIT = 100  # packets under way at most, whatever the broker allows: more brings nothing and costs at a reconnect


class Outbox:
    """The readings and documents of one gateway on their way out; every reading is counted to its end.

    account: of a board, where outcomes are counted. of: what holds for sensors. most: live readings that may wait.
    """

    def __init__(
        self,
        naming: Naming,
        account: Callable[[str], Account],
        of: OfSensors,
        most: int,
    ) -> None:
        self.turns = Turns(most, self.shed, rows=naming.rows)
        self.lanes, self.replay = self.turns.live, self.turns.replay
        self.window = Window()
        self.crossing = Crossing(self.lanes, self.window)
        self._verdicts = Verdicts(account, self.turns, self.crossing)
        self.refusals, self.documents = self._verdicts.refusals, self._verdicts.documents
        self.streams = Streams(naming, of, self.documents)
        self._naming, self._account = naming, account
        self._why_shed: Callable[[], Drop] = lambda: Drop.SHED
        self._limits, self._v5, self._suspects = Limits(), True, Suspects()
        self._refused: dict[str, tuple[Flight, float]] = {}  # on this connection, by topic: the last, and when
        self._others_since: float | None = None  # s, monotonic; since when those who are not suspected have their turn

    def watched(self, done: Callable[[Block, int], None], why_shed: Callable[[], Drop]) -> None:
        """There is a spool. done: told of readings that need their block no more; why_shed: what shed ones count as."""
        self._verdicts.done, self._why_shed = done, why_shed

    def held(self, board: str) -> int:
        """Live readings of `board` that are here: waiting, sent and not acknowledged, or on their way to the disk."""
        return self.lanes.held(board) + self.window.live[board] + self.crossing.moving(board)

    @property
    def waits(self) -> bool:
        """Whether there is anything to send."""
        return bool(self.documents or self.lanes.waiting or self.replay.waiting)

    @property
    def idle(self) -> bool:
        """Whether no document and nothing live waits or is under way."""
        return not (self.window.flights or self.documents or self.lanes.waiting)

    @property
    def said(self) -> bool:
        """Whether the broker has taken all documents."""
        return not self.documents and all(flight.piece for flight in self.window.flights.values())

    def unsettled(self, topics: Collection[str]) -> set[str]:
        """Those of these topics whose document waits, or is on the wire."""
        flying = {flight.topic for flight in self.window.flights.values()}
        return {topic for topic in topics if topic in flying or self.documents.waits([topic])}

    def largest(self, topic: str) -> int | None:
        """Bytes that the broker takes in a document of `topic`, as far as is known."""
        return self.documents.largest(topic, self._limits.packet)

    # in

    def forget(self, board: str) -> None:
        """Lets go what is kept of a board that is not read any more; what still comes from the disk makes it anew."""
        self.turns.forget(board)
        self._suspects.forget(board)
        self.streams.forget(board)

    def put(self, pieces: list[Features], *, unset_until: float = -math.inf, now: float = 0.0) -> None:
        """Takes in computed readings, in order within each sensor. unset_until: as dating.py takes it."""
        for features in marked(pieces, unset_until):
            piece, condensed = self.streams.take(features)
            self._account(features.board).condensed += condensed
            if piece is not None:
                self.turns.put(piece, now)

    def return_from_disk(self, block: Block, features: Features, condensed: dict[int, int]) -> None:
        """Takes in a block, to be sent again."""
        self.replay.put(Piece(features, 0, len(features), condensed, block=block))

    def shed(self, board: str, readings: int) -> None:
        """Readings of `board` are given up for want of room."""
        self._account(board).dropped[self._why_shed()] += readings

    # the connection

    def opened(self, limits: Limits, *, v5: bool) -> None:
        """There is a broker, which takes so much."""
        self._limits, self._v5 = limits, v5
        self.documents.opened()
        self._set_limit()
        self._refused.clear()
        self._others_since = None
        self.streams.opened()

    def _set_limit(self) -> None:
        self.window.limit = min(OWN_LIMIT, self._limits.receive or (OWN_LIMIT if self._v5 else UNSTATED))

    def closed(self, now: float, *, cut: bool) -> int:
        """It is gone: what was on the wire goes back, to go again with the next. Gives the live readings among that.

        cut: it was the broker, or the network, that ended it. now: s, monotonic.
        """
        in_flight = self.window.live.total()
        flights = list(self.window.clear())
        if cut and self._is_blamed(flights, now) and self._verdicts.cut(flights[0], now):
            del flights[0]
        self.documents.back(flight for flight in flights if flight.piece is None)
        live, replayed = [], []
        for flight in flights:
            if (piece := flight.piece) is None:
                continue
            piece.tried = True
            if piece.block is not None:
                replayed.append(piece)
            elif flight.copy is not None:
                self.crossing.promoted(flight.copy)
                self.lanes.parted(piece)
            else:
                live.append(piece)
        self.lanes.back(live)
        self.replay.back(replayed)
        return in_flight

    def _is_blamed(self, flights: list[Flight], now: float) -> bool:
        """Whether the line was cut for the one message on the wire; it may have been for one that was refused."""
        for flight in (refused := [flight for flight, at in self._refused.values() if now - at < EXPLAINED]):
            self._verdicts.cut_after(flight, now)
        if refused or not flights or not self._limits.qos:
            return False
        return self._suspects.cut([flight.mark for flight in flights], now)

    # out

    def packets(self, room: int, now: float, clock: float | None = 0.0) -> Iterator[bytes]:
        """What may be sent now, until the window is full or about `room` bytes are given.

        now: s, monotonic. clock: what Features.mono lacks to s since 1970; None while the machine's clock is not set.
        """
        while room > 0 and self.window.room > 0:
            packets = self._others_first(now, clock) if self._suspects.any else self._any(now, clock)
            if packets is None:
                return
            for packet in packets:
                room -= len(packet)
                yield packet

    def _any(
        self, now: float, clock: float | None, topics: Callable[[str], bool] | None = None, lanes: Among | None = None
    ) -> Packets:
        document = self.documents.next(topics)
        piece = None if document else self.turns.next(self.window, self._verdicts.most_rows, now, lanes)
        if piece is None:
            document = document or self.documents.next(topics, behind=True)
            return None if document is None else self._document(*document, now)
        self.documents.behind_due = True
        return self._rows(piece, clock) if self._naming.rows else self._readings(piece, clock)

    def _others_first(self, now: float, clock: float | None) -> Packets:
        """What is not suspected. When nothing of that waits, or after a while, a suspect, with nothing beside it."""
        suspects = self._suspects.all
        since = self._others_since = now if self._others_since is None else self._others_since
        if now - since < OTHERS_FIRST or not (
            self.documents.waits(suspects.topics) or self.turns.may_go(suspects.lanes, now)
        ):
            others = self._any(
                now, clock, lambda topic: topic not in suspects.topics, lambda lane: lane not in suspects.lanes
            )
            if others is not None:
                return others
        if self.window.flights:
            return None
        self._suspects.expire(now)
        self.window.limit, self._others_since = 1, None
        for named in (self._suspects.fresh, suspects):
            packets = self._any(now, clock, named.topics.__contains__, named.lanes.__contains__)
            if packets is not None:
                if not (sent := list(packets)):
                    self._set_limit()
                return iter(sent)
        self._set_limit()
        return self._others_first(now, clock) if now > since else None

    def _document(self, topic: str, payload: bytes, now: float) -> Iterator[bytes]:
        part = topic_part(topic)
        if not fits(part, payload, self._limits.packet):
            self.refusals.add(topic, TOO_LARGE)
        elif not self.documents.stays(topic, payload, now):
            yield self._sent(Flight(None, topic, payload), part, payload)

    def _readings(self, piece: Piece, clock: float | None) -> Iterator[bytes]:
        """A packet for each reading."""
        features, word = dated(piece.features, clock)
        stream, most, back = self.streams.of(features), self._limits.packet, piece.block is not None
        write = stream.writer_of(piece).readings
        for i, payload in enumerate(write(features, piece.first, piece.last, piece.condensed, word, back), piece.first):
            cut = Piece(piece.features, i, i + 1, piece.condensed, piece.tried, piece.block)
            if most is None or fits(stream.topic_part, payload, most):
                yield self._sent(Flight(cut, stream.topic), stream.topic_part, payload)
            else:
                self._verdicts.too_large(cut, stream.topic)

    def _rows(self, piece: Piece, clock: float | None) -> Iterator[bytes]:
        """One packet for all rows. If that is too large they go back, and from now on fewer go at once."""
        features, word = dated(piece.features, clock)
        stream, most, back = self.streams.of(features), self._limits.packet, piece.block is not None
        write = stream.writer_of(piece).rows
        payload = write(features, piece.first, piece.last, piece.condensed, word, back)
        if most is None or fits(stream.topic_part, payload, most):
            yield self._sent(Flight(piece, stream.topic), stream.topic_part, payload)
        elif len(piece) == 1:
            self._verdicts.too_large(piece, stream.topic)
        else:
            self._verdicts.most_rows = max(1, min(len(piece) - 1, len(piece) * most // len(payload)))
            self.turns.of(piece).back([piece])

    def _sent(self, flight: Flight, topic: bytes, payload: bytes) -> bytes:
        """Notes a flight; gives its packet."""
        number, retain = self.window.add(flight), flight.piece is None and self._limits.retain
        return publish(topic, payload, number if self._limits.qos else None, v5=self._v5, retain=retain)

    # back

    def acked(self, acks: list[Ack], now: float) -> float | None:
        """What the broker answered. Gives the seconds after which something refused may be tried again, if anything."""
        again = None
        taken = self.window.acknowledged
        answered = [(flight, reason) for number, reason in acks if (flight := taken(number)) is not None]
        self._suspects.answered([flight for flight, _ in answered])
        for refused, some in groupby(answered, lambda one: one[1] >= WORST):
            if not refused:
                self._verdicts.taken([flight for flight, _ in some])
                continue
            for flight, reason in some:
                if flight.piece is None or len(flight.piece) == 1:  # more of them are cut up, and go again
                    self._refused[flight.topic] = flight, now
                if (wait := self._verdicts.refused(flight, reason, now)) is not None:
                    again = max(again or 0.0, wait)
        if not self.window.flights:
            self._set_limit()  # a suspect may have gone alone
        return again

    def landed(self) -> None:
        """All that was given out has left us: with QoS 0 that takes the place of an answer."""
        flights = list(self.window.clear())
        self._suspects.answered(flights)
        for flight in flights:
            self._verdicts.left(flight)
        self._set_limit()

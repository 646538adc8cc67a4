"""What is on the wire and not yet acknowledged: at most as many packets as the broker takes at once."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from .lane import Piece
from .suspects import Mark

FIRST_ID, LAST_ID = 0x0100, 0xFFFF  # ids below are left to the client's own packets
UNSTATED = 20  # a broker of 3.1.1 states no limit; this is what mosquitto takes


@dataclass(slots=True, eq=False)
class Flight:
    """One PUBLISH under way: readings, or a retained document (piece None). copy: the block that has them, too."""

    piece: Piece | None
    topic: str
    payload: bytes = b""  # of a document only; readings are written anew when they go again
    copy: int | None = None

    @property
    def mark(self) -> Mark:
        """Which message it is, also when it goes again."""
        if (piece := self.piece) is None:
            return Mark(self.topic, -1)
        return Mark(self.topic, piece.features.seq[piece.first], piece.lane)


@dataclass(slots=True)
class Window:
    """The packets under way, in the order in which they were sent."""

    limit: int = UNSTATED
    flights: dict[int, Flight] = field(default_factory=dict)
    replayed: int = 0  # packets under way with what had been on the disk
    live: Counter[str] = field(default_factory=Counter)  # readings under way that had not been there, by board
    _last: int = LAST_ID

    @property
    def room(self) -> int:
        """How many more may be sent now."""
        return self.limit - len(self.flights)

    @property
    def roomy(self) -> bool:
        """Whether nobody waits for the next acknowledgement: less than half of it is taken."""
        return 2 * len(self.flights) < self.limit

    def add(self, flight: Flight) -> int:
        """Notes that `flight` is sent; gives its packet id."""
        number = self._last
        while True:
            number = FIRST_ID if number == LAST_ID else number + 1
            if number not in self.flights:
                break
        self._last = number
        self.flights[number] = flight
        self._count(flight.piece, 1)
        return number

    def _count(self, piece: Piece | None, packets: int) -> None:
        if piece is None:
            return
        if piece.block is None:
            self.live[piece.features.board] += packets * (piece.last - piece.first)
        else:
            self.replayed += packets

    def acknowledged(self, number: int) -> Flight | None:
        """The flight of that id, no longer under way; None for an id that nobody waits for."""
        flight = self.flights.pop(number, None)
        if flight is not None:
            self._count(flight.piece, -1)
        return flight

    def unsafe(self) -> Iterator[tuple[Piece, Flight]]:
        """Live readings that are on no disk, in the order in which they were sent."""
        return (
            (piece, flight)
            for flight in self.flights.values()
            if flight.copy is None and (piece := flight.piece) is not None and piece.block is None
        )

    def clear(self) -> Iterator[Flight]:
        """All that was under way, in order: the connection is gone."""
        flights, self.flights, self.replayed = self.flights, {}, 0
        self.live.clear()
        yield from flights.values()

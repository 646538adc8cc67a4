"""Retained documents on their way out: of one topic only the newest counts, and what was too large stays away. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from .packets import overhead, topic_part
from .window import Flight

SMALLER = 0.75  # of the size at which the line was cut: less than that, since each cut costs all others


class Documents:
    """Documents that wait, in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: dict[str, bytes] = {}
        self._too_long: dict[str, int] = {}  # bytes of the document of a topic that the broker did not take
        self._cutting: set[str] = set()  # those of these topics at which it closed the connection

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, topic: str, payload: bytes) -> None:
        """Takes in a document; it goes behind those that wait."""
        self._waiting.pop(topic, None)
        self._waiting[topic] = payload

    def next(self) -> tuple[str, bytes]:
        """The next one: topic and payload."""
        topic = next(iter(self._waiting))
        return topic, self._waiting.pop(topic)

    def back(self, flights: Iterable[Flight]) -> None:
        """What was on the wire goes again, unless there is something newer."""
        self._waiting = {flight.topic: flight.payload for flight in flights} | self._waiting

    def clear(self) -> None:
        """Forgets those that wait."""
        self._waiting.clear()

    def refused(self, flight: Flight, *, cut: bool = False) -> None:
        """The broker does not take one of this size. cut: it said so by closing the connection."""
        self._too_long[flight.topic] = len(flight.payload)
        if cut:
            self._cutting.add(flight.topic)

    def opened(self) -> None:
        """There is a new connection: the limit of before may have been raised. What cost the last one stays away."""
        self._too_long = {topic: size for topic, size in self._too_long.items() if topic in self._cutting}

    def too_long(self, topic: str, payload: bytes) -> bool:
        """Whether the broker has refused one like it."""
        return len(payload) >= self._too_long.get(topic, len(payload) + 1)

    def largest(self, topic: str, packet: int | None) -> int | None:
        """Bytes of payload that the broker takes in a document of `topic`, as known. packet: bytes, in all."""
        known = [int(SMALLER * size) if each in self._cutting else size - 1 for each, size in self._too_long.items()]
        if packet is not None:
            known.append(max(0, packet - overhead(topic_part(topic), packet)))
        return min(known, default=None)

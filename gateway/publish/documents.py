"""Retained documents on their way out: of one topic only the newest counts, and what was too large stays away. Pure.

A broker says that one is too large, or closes the connection at it and says nothing: it may be its size, or its topic.
So a much smaller one is tried soon, a few times, and after that any, ever more rarely.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .packets import overhead, topic_part
from .window import Flight

SMALLER = 0.75  # of the size at which the line was cut: such a one is tried soon
TRIES = 3  # of smaller ones; if that has not helped it is not the size


@dataclass(slots=True)
class Cut:
    """The line was cut at a document. size: of that, in bytes; until: s, monotonic; count: how many times in a row."""

    size: int
    until: float
    count: int


class Documents:
    """Documents that wait, in the order in which they came; behind all others those that may wait for readings."""

    def __init__(self) -> None:
        self._waiting: dict[str, bytes] = {}
        self._behind: dict[str, bytes] = {}
        self.behind_due = False  # readings have gone, so that one of these may
        self._too_long: dict[str, int] = {}  # bytes of the document of a topic that the broker said is too large
        self._cuts: dict[str, Cut] = {}
        self._refused_one = False  # on this connection
        self._taken = 0  # bytes of the largest that this connection's broker took
        self.told: Callable[[str], None] = lambda topic: None  # of those that the broker has

    def __len__(self) -> int:
        return len(self._waiting) + len(self._behind)

    def put(self, topic: str, payload: bytes, *, behind: bool = False) -> None:
        """Takes in a document; it goes behind those that wait. behind: readings need not wait for it."""
        self._waiting.pop(topic, None)
        self._behind.pop(topic, None)
        (self._behind if behind else self._waiting)[topic] = payload

    def next(self, among: Callable[[str], bool] | None = None, *, behind: bool = False) -> tuple[str, bytes] | None:
        """The next one: topic and payload; None when none waits. among: tells of a topic whether it may; None: all.

        behind: there is no reading to be sent, so that one of those may go for which readings need not wait.
        """
        both = behind or self.behind_due
        self.behind_due = False
        for waiting in (self._waiting, self._behind) if both else (self._waiting,):
            for topic in waiting:
                if among is None or among(topic):
                    return topic, waiting.pop(topic)
        return None

    def waits(self, topics: Iterable[str]) -> bool:
        """Whether one of these topics waits."""
        return any(topic in self._waiting or topic in self._behind for topic in topics)

    def back(self, flights: Iterable[Flight]) -> None:
        """What was on the wire goes again, unless there is something newer."""
        newer = self._waiting.keys() | self._behind.keys()
        again = {flight.topic: flight.payload for flight in flights if flight.topic not in newer}
        self._waiting = again | self._waiting

    def clear(self) -> None:
        """Forgets those that wait."""
        self._waiting.clear()
        self._behind.clear()

    def taken(self, flight: Flight) -> None:
        """The broker has taken one. Of a topic at which it cut the line: a smaller one shows that it was the size."""
        self._taken = max(self._taken, len(flight.payload))
        self.told(flight.topic)
        cut = self._cuts.get(flight.topic)
        if cut is None:
            return
        if len(flight.payload) > SMALLER * cut.size:
            del self._cuts[flight.topic]
        else:
            cut.count = 0

    def refused(self, flight: Flight) -> None:
        """The broker does not take one of this size."""
        self._too_long[flight.topic] = len(flight.payload)
        self._refused_one = True

    def cut(self, flight: Flight, until: float) -> None:
        """It closed the connection at this one: one of that topic stays away `until` then, but for a smaller one."""
        count = self._cuts[flight.topic].count + 1 if flight.topic in self._cuts else 1
        self._cuts[flight.topic] = Cut(len(flight.payload), until, count)

    def opened(self) -> None:
        """There is a new connection: the limit of before may have been raised. What cost the last one stays away.

        Some brokers say that a document is too large, and then close the connection all the same.
        """
        if not self._refused_one:
            self._too_long.clear()
        self._refused_one = False
        self._taken = 0

    def stays(self, topic: str, payload: bytes, now: float) -> bool:
        """Whether the broker has refused one like it. now: s, monotonic."""
        if len(payload) >= self._too_long.get(topic, len(payload) + 1):
            return True
        cut = self._cuts.get(topic)
        return cut is not None and now < cut.until and (cut.count > TRIES or len(payload) > SMALLER * cut.size)

    def largest(self, topic: str, packet: int | None) -> int | None:
        """Bytes of payload that the broker takes in a document of `topic`, as known. packet: bytes, in all.

        Of another topic a cut says something once a smaller one was taken there, which shows that it was the size.
        """
        known = [size - 1 for size in self._too_long.values()]
        for each, cut in self._cuts.items():
            if each == topic or (not cut.count and cut.size > self._taken):
                known.append(int(SMALLER * cut.size))
        if packet is not None:
            known.append(max(0, packet - overhead(topic_part(topic), packet)))
        return min(known, default=None)

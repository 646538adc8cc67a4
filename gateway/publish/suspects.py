"""Which message makes the broker cut the line: found by what is unanswered at each cut, then by sending it alone. Pure.

Some brokers close the connection at a message that they do not take, and would do so for ever, all others behind it.
So who is suspected goes last, and by itself: the others have each connection first. There may be several to be found.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

TOGETHER, ALONE, LEAST = 2, 2, 3  # cuts at a message until it is suspected; by itself, and in all, until it is guilty
MOST, STALE = 1000, 60.0  # messages that are remembered; s since the last cut at one, for each of them


class Mark(NamedTuple):
    """Which message: its topic, and the number of its first reading, or -1 for a document; and whose reading it is."""

    topic: str
    seq: int
    lane: tuple[str, str] | None = None  # (board, sensor); None for a document


class Marked(Protocol):
    """What is under way, and says which message it is."""

    @property
    def mark(self) -> Mark:
        """Which."""
        ...


class Named(NamedTuple):
    """Whose next message is suspected: lanes, (board, sensor), and the topics of documents."""

    lanes: frozenset[tuple[str, str]] = frozenset()
    topics: frozenset[str] = frozenset()


class Suspects:
    """The messages that were unanswered when the line was cut, and have not been answered since.

    Of a topic at whose last message the line was cut the next one is suspected from the start, until one is answered.
    """

    def __init__(self) -> None:
        self._cuts: dict[Mark, int] = {}  # the oldest first
        self._at: dict[Mark, float] = {}  # when the last of these was; s
        self._since: dict[Mark | str, int] = {}  # of a message, and of a topic: `_answers` at its first
        self._answers = 0  # of the broker, to whatever
        self._alone: Counter[Mark] = Counter()  # of these those at which it was by itself
        self._by_topic: Counter[str] = Counter()  # the same, for whatever message of a topic
        self._convicted: dict[str, tuple[str, str] | None] = {}
        self.all = Named()
        self.fresh = Named()  # those at which the line was not cut while they were alone: most are innocent

    @property
    def any(self) -> bool:
        """Whether there are any."""
        return bool(self.all.lanes or self.all.topics)

    def cut(self, unanswered: Collection[Mark], now: float) -> bool:
        """The line was cut. Whether it is the fault of what was unanswered, which then is one message. now: s."""
        for mark in unanswered:
            self._cuts[mark] = self._cuts.pop(mark, 0) + 1
            self._at[mark] = now
            self._since.setdefault(mark, self._answers)
        while len(self._cuts) > MOST:
            self._drop(next(iter(self._cuts)))
        guilty = False
        if len(unanswered) == 1:
            (mark,) = unanswered
            self._alone[mark] += 1
            self._by_topic[mark.topic] += 1
            self._since.setdefault(mark.topic, self._answers)
            if guilty := self._is_guilty(mark):
                self._convicted[mark.topic] = mark.lane
                self._drop(mark)
        self._renew()
        return guilty

    def _is_guilty(self, mark: Mark) -> bool:
        """A broker that has answered nothing meanwhile takes nothing at all, and says nothing of this one."""
        if mark.lane and self._answers == min(self._since[mark], self._since[mark.topic]):
            return False
        if mark.topic in self._convicted:
            return self._alone[mark] >= (ALONE if mark.lane else 1)  # of a document nothing is lost
        return self._by_topic[mark.topic] > ALONE or (self._alone[mark] >= ALONE and self._cuts[mark] >= LEAST)

    def answered(self, flights: Sequence[Marked]) -> None:
        """These were answered: they are no suspects any more, and their topics are not convicted."""
        self._answers += len(flights)
        if self._cuts or self._by_topic or self._convicted:
            for flight in flights:
                self._clear(flight.mark)

    def _clear(self, mark: Mark) -> None:
        if mark not in self._cuts and mark.topic not in self._by_topic and mark.topic not in self._convicted:
            return
        self._drop(mark)
        self._forget_topic(mark.topic)
        self._convicted.pop(mark.topic, None)
        self._renew()

    def expire(self, now: float) -> None:
        """Forgets messages that have not come again though each had its turn: they were dropped. now: s."""
        long = STALE * max(1, len(self._at))
        for mark in [mark for mark, at in self._at.items() if now - at > long]:
            self._drop(mark)
            self._forget_topic(mark.topic)
        self._renew()

    def forget(self, board: str) -> None:
        """That board is not read any more."""
        for mark in [mark for mark in self._cuts if mark.lane and mark.lane[0] == board]:
            self._drop(mark)
            self._forget_topic(mark.topic)
        for topic in [topic for topic, lane in self._convicted.items() if lane and lane[0] == board]:
            del self._convicted[topic]
            self._forget_topic(topic)
        self._renew()

    def _drop(self, mark: Mark) -> None:
        for known in (self._cuts, self._at, self._alone, self._since):
            known.pop(mark, None)

    def _forget_topic(self, topic: str) -> None:
        self._by_topic.pop(topic, None)
        self._since.pop(topic, None)

    def _renew(self) -> None:
        suspected = {mark.topic: mark.lane for mark, cuts in self._cuts.items() if cuts >= TOGETHER} | self._convicted
        self.all = _named(suspected)
        self.fresh = _named({topic: lane for topic, lane in suspected.items() if not self._by_topic[topic]})


def _named(suspected: Mapping[str, tuple[str, str] | None]) -> Named:
    lanes = frozenset(lane for lane in suspected.values() if lane is not None)
    return Named(lanes, frozenset(topic for topic, lane in suspected.items() if lane is None))

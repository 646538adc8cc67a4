"""When what is announced to Home Assistant, put right or cleared. No loop, clock or broker: told what happens, asked
what is to be sent.

What changes is collected for a while, so that a board whose 256 sensors speak one after the other is announced once.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from ..seldom import Seldom
from .known import Known
from .nouns import Pages

SETTLE, LATEST = 2.0, 10.0  # s after the last news, and after the first, when it is announced
BIRTH = (0.5, 4.0)  # s after Home Assistant has come up: not all gateways at once
AGAIN = 10.0  # s between two answers to that, and between two times that one topic is put right
SETTLED = 1.0  # s for our own message to come back, before what is heard there is called somebody else's
STRANGE = 15.0  # s before what lies under our own node and is not ours is cleared
TOLD = 600.0  # s between two events on one topic
MOST_STRANGE = 1_000  # topics that are not ours and wait for that: what comes beyond is for the next connection
MOST_GONE = 256  # components of a message that are no more, as it still says: the newest
RETRY = 60.0  # s after which what the broker has not taken goes again: it may not let us write there, and then does


@dataclass(slots=True)
class Strange:
    """What somebody else has put where a message of ours is, or was. at: when it is to be put right."""

    at: float
    empty: bool


class Announcer:
    """known: what was remembered. event: for the log. dice: a number from a to b."""

    def __init__(
        self,
        known: Known,
        event: Callable[..., None],
        dice: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.known = known
        self._event, self._dice = event, dice
        self._open = False  # until there was a connection
        self._all = False  # of all messages, and not of those alone that have changed
        self._first: float | None = None  # of the news that wait
        self._due: float | None = None
        self._answered = -AGAIN
        self._sent: dict[str, bytes] = {}  # by topic: the digest of what it is to have; of an empty one, of nothing
        self._components: dict[str, dict[str, str]] = {}
        self._taken: set[str] = set()  # topics of which this connection's broker has had a message from us
        self._strange: dict[str, Strange] = {}
        self._open_at: dict[str, float] = {}  # when a message was sent that the broker has not taken yet
        self._righted: dict[str, float] = {}
        self._seldom = Seldom(TOLD)
        self._said = 0, 0, 0  # messages, sensors, left out

    @property
    def due(self) -> float | None:
        """When something is to be done; s, monotonic."""
        times = [strange.at for strange in self._strange.values()] + ([] if self._due is None else [self._due])
        times += [at + RETRY for at in self._open_at.values()]
        return min(times, default=None) if self._open else None

    def news(self, now: float) -> None:
        """Something has changed, and more may."""
        self._first = now if self._first is None else self._first
        due = min(now + SETTLE, self._first + LATEST)
        self._due = due if self._due is None else max(self._due, due) if self._due > now else self._due

    def opened(self, now: float) -> None:
        """There is a connection: the broker may have forgotten all."""
        self._open, self._all, self._due = True, True, now
        self._strange.clear()
        self._taken.clear()
        self._open_at.clear()

    def born(self, now: float) -> None:
        """Home Assistant has come up."""
        self._all = True
        due = max(now, self._answered + AGAIN) + self._dice(*BIRTH)
        self._due = due if self._due is None else min(self._due, due)
        self._answered = due

    def heard(self, topic: str, payload: bytes, now: float) -> None:
        """Something came on a topic of our own node, from whomever."""
        if self._digest(payload) == self._sent.get(topic, b""):
            self._strange.pop(topic, None)
        elif topic in self._sent and topic not in self._taken:
            return  # what an earlier run has left there: ours is on its way
        elif topic not in self._strange and (topic in self._sent or len(self._strange) < MOST_STRANGE):
            wait = SETTLED if topic in self._sent else STRANGE
            at = max(now + wait, self._righted.get(topic, -AGAIN) + AGAIN)
            self._strange[topic] = Strange(at, not payload)

    def taken(self, topic: str) -> bool:
        """The broker has taken a message on it. Gives whether it was the clearing of one that is no more."""
        if topic not in self._sent:  # another document of the gateway's
            return False
        self._taken.add(topic)
        self._open_at.pop(topic, None)
        if self._sent[topic] != b"":
            return False
        del self._sent[topic]  # cleared once: Home Assistant complains where there is nothing to clear
        self._components.pop(topic, None)
        self._taken.discard(topic)
        if topic not in self.known.topics:
            return False
        self.known.topics.discard(topic)
        self.known.changed = True
        return True

    def begin(self, now: float) -> bool:
        """Whether it is time to `announce`: what is news from now on waits for the next time."""
        if self._due is None or now < self._due:
            return False
        self._due, self._first = None, None
        return True

    def gone(self) -> Mapping[str, Mapping[str, str]]:
        """By topic, the components that were announced in this run, for those that are no more."""
        return self._components

    def announce(self, found: Pages) -> list[tuple[str, bytes]]:
        """What is to be sent of `found`, which is all that is to be there; an empty message clears."""
        out, everything, self._all = [], self._all, False
        for topic, payload in found.messages.items():
            digest = self._digest(payload)
            if everything or self._sent.get(topic) != digest:
                out.append((topic, payload))
            self._sent[topic] = digest
            self._strange.pop(topic, None)
        over = (self.known.topics | self._sent.keys()) - found.messages.keys()
        out += [(topic, b"") for topic in sorted(over) if everything or self._sent.get(topic) != b""]
        self._sent |= dict.fromkeys(over, b"")
        self.known.changed |= not found.messages.keys() <= self.known.topics
        self.known.topics |= found.messages.keys()
        for topic, components in found.components.items():
            before = self._components.get(topic, {})
            gone = [key for key in before if key not in components][-MOST_GONE:]
            self._components[topic] = {key: before[key] for key in gone} | components
        self._say(found)
        return out

    def right(self, found: Pages, now: float) -> list[tuple[str, bytes]]:
        """What is to be sent to put right what others have written over ours, and what was not taken for long."""
        self._righted = {topic: at for topic, at in self._righted.items() if now - at < AGAIN}
        again = [topic for topic, at in self._open_at.items() if at + RETRY <= now]
        out = [(topic, found.messages.get(topic, b"")) for topic in again]
        for topic in [topic for topic, strange in self._strange.items() if strange.at <= now]:
            strange = self._strange.pop(topic)
            ours = found.messages.get(topic, b"")
            if not ours and strange.empty:
                continue
            self._righted[topic] = now
            self._sent[topic] = self._digest(ours)
            out.append((topic, ours))
            if self._seldom.turn(topic, now):
                self._event("discovery.overwritten", topic=topic, emptied=strange.empty)
        return out

    def sent(self, topics: Iterable[str], now: float) -> None:
        """Messages on these were given to the connection."""
        self._open_at |= dict.fromkeys(topics, now)

    def _say(self, found: Pages) -> None:
        left_out = found.left_out + self.known.left_out
        count = len(found.messages), self.known.sensors - found.left_out if found.messages else 0, left_out
        if count != self._said:
            self._said = count
            self._event("discovery.announced", messages=count[0], sensors=count[1], left_out=left_out)

    @staticmethod
    def _digest(payload: bytes) -> bytes:
        return sha256(payload).digest()[:16] if payload else b""

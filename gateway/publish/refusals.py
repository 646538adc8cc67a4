"""What the broker answered that it does not take: how long that waits, the sentence for a person, and what is told."""

import time
from collections import Counter
from collections.abc import Callable

from .broker import TOO_LARGE

WORST = 0x80  # reasons from here on are failures
CUT = 0x00  # no reason: it closed the connection at a message
NOT_AUTHORIZED, TOPIC_INVALID, QUOTA, PAYLOAD_INVALID = 0x87, 0x90, 0x97, 0x99
INVALID = {TOPIC_INVALID, PAYLOAD_INVALID, TOO_LARGE}  # of no use to try again
WAYS_OUT = {
    NOT_AUTHORIZED: "check its access list",
    QUOTA: "its quota is used up",
    TOO_LARGE: "they are larger than it takes; raise its limit",
}
DENIED_PAUSE, REFUSED_PAUSE = 60.0, 5.0  # s
CUTS = 3  # messages of a topic in a row at which the line was cut, from which on its next one waits
CUT_PAUSE, CUT_PAUSE_MOST = 60.0, 3600.0  # s; doubled with each further one
KNOWN_PAUSE_MOST = 300.0  # s; where the broker says why, somebody may be mending it


def pause(reason: int) -> float:
    """Seconds before a refused message is tried again."""
    return DENIED_PAUSE if reason == NOT_AUTHORIZED else REFUSED_PAUSE


def refused(topic: str, reason: int, more: int = 0) -> str:
    """One sentence on a message that was refused. more: so many other topics are refused too."""
    others = f" and {more} more" if more else ""
    if reason == CUT:
        return f"the broker closes the connection at messages on {topic}{others}; its log may say why"
    way_out = f": {WAYS_OUT[reason]}" if reason in WAYS_OUT else ""
    return f"the broker refuses messages on {topic}{others} (reason {reason:#04x}){way_out}"


class Refusals:
    """The topics that are refused now, by the reason of MQTT 5. event: for the log. clock: s, monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.event: Callable[..., None] = lambda name, **fields: None
        self._clock = clock
        self._reasons: dict[str, int] = {}
        self._cuts: Counter[str] = Counter()  # messages of a topic at which the line was cut, in a row
        self._since = 0.0
        self._count = 0  # messages refused since then

    def add(self, topic: str, reason: int) -> None:
        """A message on `topic` was refused."""
        first = not self._reasons
        self._reasons[topic] = reason
        self._count += 1
        if first:
            self._since, self._count = self._clock(), 1
            self.event("broker.refusing", topic=topic, reason=reason, why=self.text)

    def cut(self, topic: str, most: int = CUTS) -> float:
        """The line was cut at a message on `topic`. Gives how long the next one shall wait, in s.

        most: messages in a row from which on that is so.
        """
        self.add(topic, CUT)
        return self._wait(topic, most)

    def cut_after(self, topic: str) -> float:
        """The line was cut as a message on `topic` had been refused. Gives how long the next one shall wait, in s."""
        return min(self._wait(topic, 2), KNOWN_PAUSE_MOST)

    def _wait(self, topic: str, most: int) -> float:
        self._cuts[topic] += 1
        many = self._cuts[topic] - most
        return min(CUT_PAUSE * 2.0 ** min(many, 30), CUT_PAUSE_MOST) if many >= 0 else 0.0

    @property
    def any(self) -> bool:
        """Whether there is something to `clear`."""
        return bool(self._cuts or self._reasons)

    def clear(self, topic: str) -> None:
        """A message on `topic` was taken."""
        self._cuts.pop(topic, None)
        if self._reasons.pop(topic, None) is not None and not self._reasons:
            away = round(self._clock() - self._since, 1)
            self.event("broker.accepting", topic=topic, refused=self._count, after_s=away)

    @property
    def text(self) -> str | None:
        """One sentence, or None when nothing is refused."""
        if not self._reasons:
            return None
        topic, reason = next(iter(self._reasons.items()))
        return refused(topic, reason, len(self._reasons) - 1)

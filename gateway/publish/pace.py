"""How fast what lies on the disk is sent again: a bucket of tokens, one a message. Pure.

Bounded, so that a broker with its usual settings and those who subscribe keep up: mosquitto keeps 1,000 messages for a
subscriber that is slower, and drops what comes beyond.
"""

from dataclasses import dataclass

LEAST = 1000.0  # messages/s; a subscriber in Python takes several thousand
TIMES = 6.0  # the live rate: a backlog of an hour is gone in twelve minutes
BURST = 0.02  # s of the rate that may go at once
FORGETS = 10.0  # s after which a change of the live rate is known to about two thirds


@dataclass(slots=True)
class Pace:
    """The tokens that are there, and the live rate they follow. Times in s, monotonic."""

    rate: float = LEAST
    _tokens: float = 0.0
    _at: float = 0.0
    _live: float = 0.0  # messages/s
    _counted: int = 0  # live messages since _since
    _since: float = 0.0

    def live(self, messages: int, now: float) -> None:
        """So many live messages have come in."""
        self._counted += messages
        if (passed := now - self._since) >= 1.0:
            rate = self._counted / passed
            self._live += (rate - self._live) * min(1.0, passed / FORGETS)
            self._counted, self._since = 0, now
            self.rate = max(LEAST, TIMES * self._live)

    def take(self, most: int, now: float) -> int:
        """How many messages may go now, at most `most`; they are taken as gone."""
        self._tokens = min(self._tokens + (now - self._at) * self.rate, max(1.0, self.rate * BURST))
        self._at = now
        taken = min(most, int(self._tokens))
        self._tokens -= taken
        return taken

    def give_back(self, messages: int) -> None:
        """So many that were taken have not gone."""
        self._tokens += messages

    @property
    def pause(self) -> float:
        """S until the bucket is worth another look."""
        return max(0.002, BURST / 2)

"""Who else writes where our retained documents lie: what is told of it, and when ours are said again. Pure."""

from __future__ import annotations

from collections.abc import Callable

from .seldom import Seldom

AGAIN = 10.0  # s between two times that all are said again
TOLD = 600.0  # s between two events on one topic
KINDS = ("status", "last", "alarm")


def topics(base: str) -> list[str]:
    """Where they lie. base: the first levels of this gateway's topics."""
    return [f"{base}/status", f"{base}/+/status", f"{base}/+/+/last", f"{base}/+/+/alarm"]


class Overwritten:
    """base: as `topics` takes it; run: this start of the gateway. event: for the log."""

    def __init__(self, base: str, run: str, event: Callable[..., None]) -> None:
        self._base, self._run, self._event = base, f'"{run}"'.encode(), event
        self._seldom = Seldom(TOLD)
        self._said_again = -AGAIN

    def concerns(self, topic: str) -> bool:
        """Whether a document of ours may lie there."""
        return topic.startswith(f"{self._base}/") and topic.rpartition("/")[2] in KINDS

    def heard(self, topic: str, payload: bytes, now: float) -> bool:
        """Somebody else has written there. Gives whether all of ours are to be said again. now: s, monotonic."""
        if self._run in payload and b'"offline"' not in payload:  # a broker that does not know what No Local is
            return False
        if not self._is_will(topic, payload) and self._seldom.turn(topic, now):
            self._event("retained.overwritten", topic=topic, emptied=not payload)
        if now - self._said_again < AGAIN:
            return False
        self._said_again = now
        return True

    def _is_will(self, topic: str, payload: bytes) -> bool:
        """Of a connection of ours that is gone: the broker may be late with it."""
        return topic == f"{self._base}/status" and self._run in payload and b'"lost"' in payload

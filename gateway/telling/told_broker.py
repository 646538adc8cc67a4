"""What the log is told of what a broker does not offer: once where it is so, and when it has changed."""

from collections.abc import Callable

from .status import Look


class BrokerTold:
    """What was told of it. event: the log."""

    def __init__(self, event: Callable[..., None]) -> None:
        self._event = event
        self._lacking: str | None = None
        self._since = 0.0

    def tell(self, look: Look, now: float) -> None:
        """Compares a look with what was told; while there is no connection nothing is known. now: s, monotonic."""
        lacking = look.broker["lacking"]
        if lacking == self._lacking or not look.broker["connected"]:
            return
        before, self._lacking = self._lacking, lacking
        if lacking is None:
            self._event("broker.able", after_s=round(now - self._since, 1))
            return
        if before is None:
            self._since = now
        self._event("broker.lacking", why=lacking)

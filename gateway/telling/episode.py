"""What is told while a count grows: when it began, and that it is over."""

from dataclasses import dataclass

SHED_OVER = 5.0  # s without shedding, or overruns, after which it is over


@dataclass(slots=True)
class Episode:
    """A count that grows, from its first step until it has not grown for a while."""

    count: int = 0
    before: int = 0  # when it began
    began: float | None = None  # s, monotonic; None: it does not grow
    latest: float = 0.0

    def step(self, count: int, now: float, patience: float = SHED_OVER) -> bool | None:
        """True: it begins; False: it is over, not having grown for `patience` s; None: nothing new."""
        if count > self.count:
            first = self.began is None
            if self.began is None:
                self.before, self.began = self.count, now
            self.count, self.latest = count, now
            return True if first else None
        if self.began is not None and now - self.latest > patience:
            return False
        return None

    def end(self, now: float) -> float:
        """Ends it; gives how long it was, in s."""
        began, self.began = self.began, None
        return round(now - (now if began is None else began), 1)

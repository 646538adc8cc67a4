"""What is told seldom: of each key at most once in a while, and of few keys at a time. Pure."""

MOST = 100  # keys that are remembered; beyond, all are told anew


class Seldom:
    """seconds: between two times that the same is told."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._told: dict[str, float] = {}

    def turn(self, key: str, now: float) -> bool:
        """Whether it is to be told now; then it counts as told. now: s, monotonic."""
        before = self._told.get(key)
        if before is not None and now - before < self._seconds:
            return False
        if len(self._told) >= MOST:
            self._told.clear()
        self._told[key] = now
        return True

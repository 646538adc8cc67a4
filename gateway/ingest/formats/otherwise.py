"""What comes otherwise than expected: a torn line at first, and the fifth time in turn, always the same, believed."""

from collections.abc import Hashable

IN_TURN = 5
"""So many in turn: the board has changed, or it was a torn line that had told what to expect."""


class Otherwise:
    """What came last that was otherwise than expected; `times`, so often in turn, is 0 again once that has come."""

    __slots__ = ("_what", "times")

    def __init__(self) -> None:
        self._what: Hashable = None
        self.times = 0

    def again(self, what: Hashable) -> bool:
        """Takes note of `what` that came; gives whether it is to be expected from now on."""
        self.times = self.times + 1 if what == self._what else 1
        self._what = what
        return self.times >= IN_TURN

"""A sensor's alarm: values in, states out. Pure; time is the monotonic clock's.

    CLEAR --> ABOVE   each value was > above for `hold` s      ABOVE --> CLEAR   a value is <= above - clear
    CLEAR --> BELOW   each value was < below for `hold` s      BELOW --> CLEAR   a value is >= below + clear

From ABOVE a value that is < below leads to BELOW, at once or by way of CLEAR; and the other way round.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from pydantic_core import to_json

from ..instants import instant
from ..model import ALARMS
from ..sending import Alarm

CLEAR, ABOVE, BELOW = range(len(ALARMS))


class Told(NamedTuple):
    """What the alarm's topic says: the state, and the reading by which it came."""

    state: int
    wall: float  # s since 1970
    mono: float  # s, on the clock of Features.mono
    value: float
    unit: str = ""
    unset: bool = False  # the machine's clock had not been set

    @property
    def word(self) -> str:
        """What messages call the state; "" for none."""
        return ALARMS[self.state] or ""

    def document(self, clock: float | None) -> bytes:
        """The topic's payload. clock: what `mono` lacks to s since 1970; None while the machine's clock is not set."""
        corrected = self.unset and clock is not None
        word = {"clock": "corrected" if corrected else "unsynced"} if self.unset else {}
        since = self.mono + (clock or 0.0) if corrected else self.wall
        return to_json({"state": ALARMS[self.state], "since": instant(since), "value": self.value, **word})


class Watch:
    """The alarm of one sensor. state: as it was before the limits were these; it goes on where there is such a limit.

    decided: the row of its last values that was the first to say what the state is; None as long as there was none,
    since the first ones wait for `hold`.
    """

    __slots__ = ("_above", "_below", "_hold", "_over_above", "_over_below", "_since", "_waiting", "decided", "state")

    def __init__(self, alarm: Alarm, state: int = CLEAR) -> None:
        self._above = math.inf if alarm.above is None else alarm.above
        self._below = -math.inf if alarm.below is None else alarm.below
        self._over_above, self._over_below = _plain(self._above - alarm.clear), _plain(self._below + alarm.clear)
        self._hold = alarm.hold
        self._waiting, self._since = CLEAR, 0.0  # for which state, and since when (s)
        limits = {ABOVE: alarm.above, BELOW: alarm.below}
        self.state = CLEAR if limits.get(state) is None else state
        self.decided: int | None = None

    @property
    def kept(self) -> tuple[int, int, float]:
        """What goes on from value to value, to be given to `goes_on` of another one with the same limits."""
        return self.state, self._waiting, self._since

    def goes_on(self, state: int, waiting: int, since: float) -> None:
        """Begins where another one has ended: see `kept`."""
        self.state, self._waiting, self._since = state, waiting, since

    def states(self, mono: Sequence[float], values: Sequence[float]) -> bytes:
        """The state after each value. mono: when they came (s), ascending."""
        if self._goes_on(min(values), max(values)):
            self._waiting, states = CLEAR, bytes([self.state]) * len(values)
        else:
            states = bytes(map(self._step, mono, values))
        if self.decided is None:
            rows = enumerate(zip(states, values, strict=True))
            self.decided = next((row for row, (state, x) in rows if state or self._below <= x <= self._above), None)
        return states

    def _goes_on(self, low: float, high: float) -> bool:
        """Whether values from `low` to `high` neither change the state nor begin to."""
        if self.state == CLEAR:
            return self._below <= low and high <= self._above
        if self.state == ABOVE:
            return low > self._over_above and low >= self._below
        return high < self._over_below and high <= self._above

    def _step(self, t: float, value: float) -> int:
        beyond = ABOVE if value > self._above else BELOW if value < self._below else CLEAR
        if beyond in (CLEAR, self.state):
            self._waiting = CLEAR
        elif beyond != self._waiting:
            self._waiting, self._since = beyond, t
        if self._waiting and t - self._since >= self._hold:
            self.state, self._waiting = beyond, CLEAR
        elif (self.state == ABOVE and value <= self._over_above) or (self.state == BELOW and value >= self._over_below):
            self.state = CLEAR
        return self.state


def changes(before: int, states: bytes) -> list[int]:
    """The rows at which the state becomes another. before: what it was."""
    if not states.strip(bytes([before])):
        return []
    return [row for row, (was, now) in enumerate(zip(bytes([before]) + states, states, strict=False)) if was != now]


def _plain(number: float) -> float:
    """The number that whoever wrote the limits means: 20.2 - 0.1 is 20.1."""
    return float(f"{number:.12g}")

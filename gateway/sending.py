"""The nouns of how a sensor's readings are sent: which of them, and when its value is an alarm."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alarm:
    """Limits of a sensor's value, in the published unit; at least one of the two. Values on a limit are no alarm."""

    above: float | None = None
    below: float | None = None
    clear: float = 0.0  # how far a value has to come back behind its limit before the alarm ends
    hold: float = 0.0  # s that values have to be beyond a limit, one and all, before it begins


@dataclass(frozen=True, slots=True)
class Sending:
    """Which readings of a sensor are sent by themselves; as it stands here, each."""

    every: float = 0.0  # s; at most one in this time
    band: float = 0.0  # what differs by so much from the last that was sent; 0: whatever it says
    heartbeat: float = 0.0  # s after which one is sent all the same; 0: never
    alarm: Alarm | None = None

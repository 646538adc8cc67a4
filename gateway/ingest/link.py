"""The life of a board's link: a table of states, and the times that it is waited for. Pure: no port, no clock."""

from collections.abc import Iterable
from enum import StrEnum


class State(StrEnum):
    """Where the link to a board stands."""

    OFFLINE = "offline"
    OPENING = "opening"
    SETTLING = "settling"
    ONLINE = "online"
    SILENT = "silent"
    RENEWING = "renewing"
    LENT = "lent"


class Event(StrEnum):
    """What can happen to a link."""

    FOUND = "found"
    REFUSED = "refused"
    OPENED = "opened"
    SETTLED = "settled"
    QUIET = "quiet"
    BYTES = "bytes"
    RENEW = "renew"
    LEND = "lend"
    GONE = "gone"


LINK: dict[tuple[State, Event], State] = {
    **{(state, Event.GONE): State.OFFLINE for state in State if state is not State.OFFLINE},
    **{(state, Event.LEND): State.LENT for state in State},  # whatever it was doing; GONE when it is taken back
    (State.OFFLINE, Event.FOUND): State.OPENING,
    (State.OPENING, Event.REFUSED): State.OFFLINE,  # busy, or no permission: try again later
    (State.OPENING, Event.OPENED): State.SETTLING,  # the open may have reset the board; its boot text is not data
    (State.SETTLING, Event.SETTLED): State.ONLINE,
    (State.ONLINE, Event.QUIET): State.SILENT,
    (State.SILENT, Event.BYTES): State.ONLINE,
    (State.SILENT, Event.RENEW): State.RENEWING,  # closed, to be opened anew: that may bring it back
    (State.RENEWING, Event.OPENED): State.SILENT,
    (State.RENEWING, Event.REFUSED): State.OFFLINE,
}

HORIZON = 300.0  # s; about how far back the usual pause looks
LEAST_PATIENCE = 30.0  # s


def advance(state: State, event: Event) -> State:
    """The state after `event`. Raises ValueError for a pair that is not in the table: nobody has thought of it."""
    try:
        return LINK[state, event]
    except KeyError:
        raise ValueError(f"a link that is {state} cannot meet '{event}'") from None


def shown(state: State) -> State:
    """What a user sees: online | silent | offline | lent. One that is opened anew in a silence is silent meanwhile."""
    if state is State.RENEWING:
        return State.SILENT
    return state if state in (State.ONLINE, State.SILENT, State.LENT) else State.OFFLINE


def usual(before: float | None, pause: float) -> float:
    """The usual interval between frames after one more `pause` (s); before: None when this is the first.

    A mean by time and not by frame, so that a burst of lines every minute is usually a minute apart: the weight of a
    pause is its length. A pause far beyond what was usual is a silence first, and is taken for at most four times the
    patience that it exhausted; a board that slowed down for good is known after a few of them.
    """
    taken = min(pause, 4 * patience(before))
    if before is None:
        return taken
    return before + (taken - before) * taken / (taken + HORIZON)


def usual_after(before: float | None, pauses: Iterable[float]) -> float | None:
    """The usual interval after some more pauses, one by one."""
    for pause in pauses:
        if before is None or pause > LEAST_PATIENCE:
            before = usual(before, pause)
        else:  # the same, without a look at what is not exhausted
            before += (pause - before) * pause / (pause + HORIZON)
    return before


def patience(interval: float | None, configured: float | None = None) -> float:
    """Seconds without a byte after which a board is silent: as configured, or the larger of 30 s and 5 intervals."""
    if configured is not None:
        return configured
    return max(LEAST_PATIENCE, 5.0 * (interval or 0.0))

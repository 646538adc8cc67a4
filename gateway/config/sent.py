"""What the keys take that say which readings are sent and when a value is an alarm, and what they must be together."""

from collections.abc import Iterator
from typing import Any

from ..sending import Alarm
from .keys import WEEK
from .nested import table
from .values import duration, number
from .words import Unfit, quoted, wanted

TABLE = '{ above = 71, below = 5, clear = 2, for = "30s" }'
every = heartbeat = duration(0, WEEK)


def _from_zero(value: object) -> float:
    if number(value) < 0:
        raise wanted("a number from 0 up", value)
    return number(value)


band = clear = _from_zero


def alarm(value: object) -> Alarm | None:
    """Limits; an empty table is none."""
    if not isinstance(value, dict):
        raise wanted(f"a table such as {TABLE}, or {{}} for none,", value)
    if not value:
        return None
    found = table(value, {"above": number, "below": number, "clear": clear, "for": every}, {})
    above, below, back = found.get("above"), found.get("below"), found.get("clear", 0.0)
    if above is None and below is None:
        raise Unfit(f"a limit is missing: above, below or both, as in {TABLE}")
    if above is not None and below is not None:
        if below >= above:
            raise Unfit(
                f"below has to be less than above, or every value would be an alarm; found below = {below:g} and "
                f"above = {above:g}"
            )
        if back >= above - below:
            raise Unfit(
                f"clear has to be less than the distance between below and above, {above - below:g}, or an alarm on "
                f"one side could end only in one on the other; found {back:g}"
            )
    return Alarm(above, below, back, found.get("for", 0.0))


def conflicts(data: dict[str, Any]) -> Iterator[str]:
    """A sentence for each heartbeat that has nothing to do; in the file as TOML gave it."""
    sensors = data.get("sensors")
    tables = [(at, one) for at, one in enumerate(sensors if isinstance(sensors, list) else []) if isinstance(one, dict)]
    banded = any(one.get("band") for _, one in tables)
    for at, one in tables:
        if not _seconds(one.get("heartbeat")):
            continue
        place, said = f"sensors[{at}].heartbeat", one["heartbeat"]
        if not banded:
            yield f"{place}: it is for sensors with a band, and no table gives one; give band, or take heartbeat out"
        elif one.get("band") and 0 < _seconds(one["heartbeat"]) <= _seconds(one.get("every")):
            yield (
                f"{place}: after {quoted(said)} each reading is sent, and before every = {quoted(one['every'])} has "
                "passed none, so that band says nothing; write a longer heartbeat"
            )


def _seconds(value: object) -> float:
    """What a duration comes to; 0 for none, and for what its own key tells of."""
    try:
        return 0.0 if value is None else every(value)
    except Unfit:
        return 0.0

"""What one table of [[sensors]] says, for the plan that `gateway check` prints."""

from collections.abc import Mapping
from typing import Any

from ..shown import shown
from .checked import SENDING, Rule
from .words import span


def planned(rule: Rule) -> dict[str, Any]:
    """The table, for JSON."""
    return {
        "match": rule.match,
        **{key: _listed(value) for key, value in rule.treatment.items()},
        **_sending(rule.sending),
        "keys": sorted({key.partition("_")[0] if "window" in key else key for key in (*rule.changes, *rule.sending)}),
    }


def _listed(value: Any) -> Any:
    return [list(point) for point in value] if isinstance(value, tuple) else value


def _sending(changes: Mapping[str, Any]) -> dict[str, Any]:
    """What one table says of how readings are sent; an alarm that it takes away is None."""
    made = {key if key in ("band", "alarm") else f"{key}_s": value for key, value in changes.items()}
    if (alarm := made.get("alarm")) is not None:
        limits = {"above": alarm.above, "below": alarm.below, "clear": alarm.clear, "for_s": alarm.hold}
        made["alarm"] = {key: value for key, value in limits.items() if value is not None}
    return made


def _sent(one: Mapping[str, Any]) -> list[str]:
    """The same for people."""
    said = []
    if "every_s" in one:
        said.append(f"sent at most every {span(one['every_s'])}" if one["every_s"] else "sent however often it comes")
    if "band" in one:
        said.append(f"sent when it differs by {one['band']:g}" if one["band"] else "sent however little it differs")
    if "heartbeat_s" in one:
        said.append(f"sent after {span(one['heartbeat_s'])} anyway" if one["heartbeat_s"] else "without a heartbeat")
    if "alarm" in one:
        said.append(_alarm(one["alarm"]) if one["alarm"] else "no alarm")
    return said


def _alarm(alarm: Mapping[str, float]) -> str:
    limits = " or ".join(f"{key} {alarm[key]:g}" for key in ("above", "below") if key in alarm)
    hold = f" for {span(alarm['for_s'])}" if alarm["for_s"] else ""
    return f"alarm {limits}{hold}" + (f" until {alarm['clear']:g} back" if alarm["clear"] else "")


def spoken(one: Mapping[str, Any]) -> str:
    """What one table says of its sensors: what is done with values, in that order, how they are sent, other keys."""
    said = []
    if points := one.get("points"):
        said.append("1 point" if len(points) == 1 else f"{len(points)} points")
    said += [f"{word} {one[key]:g}" for key, word in (("gain", "times"), ("offset", "plus")) if key in one]
    said += [f"{word} {shown(one[key])}" for key, word in (("unit", "in"), ("name", "called")) if one.get(key)]
    said += _sent(one)
    others = [key for key in one["keys"] if key not in SENDING]
    said += ["their own " + ", ".join(others)] if others else []
    return ", ".join(said) or "as the board gives them"

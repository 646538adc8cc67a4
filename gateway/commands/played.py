"""A replay for people: a message in columns, and the summary in a sentence."""

import json
from collections.abc import Mapping
from typing import Any

from ..shown import shown

REASONED = {"refused_values": "values refused", "dropped": "readings dropped"}


def columns(message: bytes, *, several: bool = False) -> str:
    """A message in columns for people: when, which sensor, what, and its features by name. several: boards."""
    found = json.loads(message)
    features = list(found)[list(found).index("quality") + 1 :]
    sensor = shown(f"{found['board']}/{found['sensor']}" if several else found["sensor"], 40)
    time, value = found["time"], f"{found['value']:.10g} {shown(found['unit'], 10)}"
    rest = " ".join(f"{key}={_short(found[key])}" for key in features if not isinstance(found[key], dict))
    return f"{time}  {sensor:<{24 if several else 12}} {value:>14}  {found['quality']:<12} n={found['n']:<5} {rest}"


def told(summary: dict[str, Any], *, several: bool = False) -> str:
    """The summary of a board for people. several: it is one of them."""
    s = summary
    parts = [
        f"{s['readings']} readings of {s['sensors']} sensors in {s['seconds']:g} s, format {s['format']}",
        f"{s['frames']} frames: {s['decoded']} decoded, {s['noise']} noise, {_reasons(s['refused']) or 'none'} refused",
        *(f"{what}: {_reasons(s[key])}" for key, what in REASONED.items() if s[key]),
        *(
            [f"{s['sent_unknown']} of {s['sent']} that was sent is nothing that this configuration asks"]
            if s["sent_unknown"]
            else []
        ),
        *(["its last line was torn, and is left out"] if s["torn_lines"] else []),
    ]
    return (f"{s['board']}: " if several else "") + "; ".join(parts)


def _reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "-" if value is None else shown(str(value), 40)

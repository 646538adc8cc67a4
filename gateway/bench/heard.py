"""What a message says that the subscriber of a measurement has heard: the gateway's, or a bare line. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class Heard(NamedTuple):
    """One reading. seq: 0 where it came as a bare line. features: none are not looked at. replayed: from the disk."""

    board: str
    sensor: str
    value: float
    seq: int = 0
    replayed: bool = False
    features: Mapping[str, Any] = {}


def features(topic: bytes, payload: bytes) -> Iterator[Heard]:
    """Of a features message, one reading or rows. Raises ValueError, KeyError, TypeError when it is none."""
    document = json.loads(payload)
    of, replayed = (document["board"], document["sensor"]), document.get("replayed", False)
    rows = document.get("rows")
    if rows is None:
        rows, keys = [document.values()], document
    else:
        keys = document["columns"]
    for row in rows:
        one = dict(zip(keys, row, strict=True))
        yield Heard(*of, one["value"], one["seq"], replayed, one)


def lines(topic: bytes, payload: bytes) -> Iterator[Heard]:
    """Of a line as a board wrote it; its topic ends with the board and one level more. Raises ValueError."""
    yield Heard(topic.decode().split("/")[-2], "", float(payload))

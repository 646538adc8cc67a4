"""The discovery messages of a gateway: its own device, and one of each board; which topics, and how much in each. Pure.

<prefix>/device/gateway-<id>/config is the gateway, <prefix>/device/gateway-<id>/<board>/config a board. Home Assistant
subscribes to the first form before it does to the second, so that it knows the parent when it meets the child.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from ...shown import shown
from .components import Component, of_board, of_gateway, of_sensor
from .nouns import Board, Pages, Place, Sensor, topic
from .spelling import ident, said

LARGEST = 200_000  # bytes of a message, where the broker states no limit
A_PAGE = 16  # sensors in one message of a board, as long as the broker takes that
MANY = 64  # sensors of a board, beyond which their features are left out: nobody enables thousands of entities
SHORTER = ((A_PAGE, True), (4, True), (1, True), (1, False))
"""What is tried where it does not: sensors in a message, and whether with their features."""
PRODUCT = "Serial edge gateway"
Gone = Mapping[str, Mapping[str, str]]
"""By topic, components that were announced and are no more, and their platforms: Home Assistant has to be told."""


def pages(
    prefix: str,
    place: Place,
    version: str,
    boards: Sequence[Board],
    largest: int | None = None,
    gone: Gone | None = None,
) -> Pages:
    """All messages. prefix: of discovery; version: ours; largest: bytes that the broker takes in one."""
    most = LARGEST if largest is None else min(largest, LARGEST)
    out, gone = Pages(), gone or {}
    device = {"identifiers": [place.node], "name": shown(place.naming.gateway), "model": PRODUCT, "sw_version": version}
    _add(out, topic(prefix, place.node), device, version, of_gateway(place), most, gone)
    for board in boards:
        _board(out, prefix, place, version, board, most, gone)
    return out


def _board(out: Pages, prefix: str, place: Place, version: str, board: Board, most: int, gone: Gone) -> None:
    device = {
        "identifiers": [place.board(board.name)],
        "name": shown(said(board.name)) or "board",
        **({"model": shown(board.kind)} if board.kind else {}),
        "via_device": place.node,
    }
    for each, features in SHORTER if len(board.slots) <= MANY else ((A_PAGE, False), (1, False)):
        tried = Pages()
        for number, sensors in enumerate(_chunks(board.slots, each), 1):
            place_of = [place.node, ident(board.name) if number == 1 else f"{ident(board.name)}--{number}"]
            found = of_board(place, board.name) if number == 1 else {}
            for sensor in filter(None, sensors):
                found |= of_sensor(place, board.name, sensor, features=features)
            if not _add(tried, topic(prefix, *place_of), device, version, found, most, gone):
                tried.left_out += sum(sensor is not None for sensor in sensors)
        if not tried.left_out:
            break
    out.messages |= tried.messages
    out.components |= tried.components
    out.left_out += tried.left_out


def _chunks(slots: Sequence[Sensor | None], each: int) -> Iterator[list[Sensor | None]]:
    """At least one, so that a board of which nothing is known yet is there."""
    rest = iter(slots)
    yield list(islice(rest, each))
    while chunk := list(islice(rest, each)):
        yield chunk


def _add(
    out: Pages, at: str, device: dict[str, Any], version: str, found: dict[str, Component], most: int, gone: Gone
) -> bool:
    """Adds a message, unless it has nothing in it; gives whether the broker takes it."""
    if not found:
        return True
    left = {key: {"platform": platform} for key, platform in gone.get(at, {}).items() if key not in found}
    document = {
        "device": device,
        "origin": {"name": PRODUCT, "sw_version": version},
        "components": found | left,
    }
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    if len(text) > most:
        return False
    out.messages[at] = text
    out.components[at] = {key: component["platform"] for key, component in found.items()}
    return True

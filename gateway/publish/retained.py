"""What is retained at the broker of boards and sensors, by the levels of their topics, so that a later run can take
back what is there no more. Pure. As JSON:

    [{"base": …, "boards": {board: {"found": false, "sensors": {sensor: [own, alarm]}}}}]
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..names import LONGEST

LONGEST_BASE = 300  # bytes


class Kept(NamedTuple):
    """What is retained of a sensor beside `last`. own: the level of the board's own name for it."""

    own: str
    alarm: bool


@dataclass(slots=True)
class BoardKept:
    """A board, whose status is retained, and its sensors. found: no table names it."""

    found: bool = False
    sensors: dict[str, Kept] = field(default_factory=dict)


@dataclass(slots=True)
class Retained:
    """All of one gateway. base: the first levels of its topics."""

    base: str
    boards: dict[str, BoardKept] = field(default_factory=dict)

    def topics(self) -> Iterator[str]:
        """All of them, the gateway's own too."""
        yield f"{self.base}/status"
        for board in self.boards:
            yield from self.of_board(board)

    def of_board(self, board: str) -> Iterator[str]:
        """Those of a board."""
        yield f"{self.base}/{board}/status"
        for sensor in self.boards[board].sensors:
            yield from self.of_sensor(board, sensor)

    def of_sensor(self, board: str, sensor: str) -> Iterator[str]:
        """Those of a sensor."""
        yield f"{self.base}/{board}/{sensor}/last"
        if self.boards[board].sensors[sensor].alarm:
            yield f"{self.base}/{board}/{sensor}/alarm"


def ghosts(before: Retained, now: Retained, found: Collection[str]) -> Iterator[str]:
    """The topics of `before` that `now` has none for, and never will. found: how names of boards that may come begin.

    A board that is there and a sensor of it that was not heard yet are not: it is called as before until it says
    otherwise. So is a board that may be plugged in, as no table names it.
    """
    if before.base != now.base:
        yield from before.topics()
        return
    for board, kept in before.boards.items():
        here = now.boards.get(board)
        if here is None:
            if not (kept.found and any(map(board.startswith, found))):
                yield from before.of_board(board)
            continue
        called = {one.own: sensor for sensor, one in here.sensors.items()}
        for sensor, one in kept.sensors.items():
            if (heard := here.sensors.get(sensor)) is not None:
                if one.alarm and not heard.alarm:
                    yield f"{before.base}/{board}/{sensor}/alarm"
            elif one.own in called:
                yield from before.of_sensor(board, sensor)


def joined(now: Retained, before: Retained, gone: Collection[str]) -> Retained:
    """`now`, and what of `before`, of the same base, is neither there nor has `gone`."""
    boards = {board: BoardKept(one.found, dict(one.sensors)) for board, one in now.boards.items()}
    for board, one in before.boards.items():
        if f"{before.base}/{board}/status" in gone:
            continue
        here = boards.setdefault(board, BoardKept(one.found))
        for sensor, kept in one.sensors.items():
            place = f"{before.base}/{board}/{sensor}"
            if f"{place}/last" in gone:
                continue
            ours = here.sensors.setdefault(sensor, kept)
            if kept.alarm and not ours.alarm and f"{place}/alarm" not in gone:
                here.sensors[sensor] = ours._replace(alarm=True)
    return Retained(now.base, boards)


def told(all_of_them: Collection[Retained]) -> list[dict[str, Any]]:
    """As JSON has it."""
    return [
        {
            "base": one.base,
            "boards": {
                board: {"found": kept.found, "sensors": {sensor: list(of) for sensor, of in kept.sensors.items()}}
                for board, kept in one.boards.items()
            },
        }
        for one in all_of_them
    ]


def known(found: Any) -> list[Retained]:
    """What `told` has told; what of it is not so is left out, whatever it is."""
    return [
        Retained(one["base"], {board: _board(kept) for board, kept in _items(one.get("boards"))})
        for one in (found if isinstance(found, list) else ())
        if isinstance(one, dict) and isinstance(one.get("base"), str) and _plain(one["base"], LONGEST_BASE)
    ]


def _board(kept: Any) -> BoardKept:
    if not isinstance(kept, dict):
        return BoardKept()
    sensors = {
        sensor: Kept(of[0], of[1])
        for sensor, of in _items(kept.get("sensors"))
        if isinstance(of, list) and len(of) == 2 and isinstance(of[0], str) and isinstance(of[1], bool)
    }
    return BoardKept(kept.get("found") is True, sensors)


def _items(found: Any) -> Iterator[tuple[str, Any]]:
    return ((key, one) for key, one in (found if isinstance(found, Mapping) else {}).items() if _level(key))


def _level(text: str) -> bool:
    return "/" not in text and _plain(text, LONGEST)


def _plain(text: str, longest: int) -> bool:
    """Whether a topic can have it, which is published to without another look."""
    return (
        bool(text)
        and text[0] != "$"
        and text.isprintable()
        and not set(text) & set("+#")
        and len(text.encode()) <= longest
    )

"""What earlier runs have left retained at the broker, of boards, sensors and names that are no more: taken back."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from . import remembered
from .config import Config
from .ingest.boards import Boards
from .names import level
from .publish.publisher import Publisher
from .publish.retained import BoardKept, Kept, Retained, ghosts, joined, known, told
from .threads import tried

EVERY = 1.0  # s between two looks, which cost nothing while nothing has changed
LAST = 0.5  # s for the last note


class Leftovers:
    """Clears what is a ghost, and notes in `folder` what is retained, for the run after this one.

    What is cleared is noted until the broker has it. config: as it counts now. event: for the log.
    """

    def __init__(
        self,
        folder: Path,
        config: Callable[[], Config],
        boards: Boards,
        publisher: Publisher,
        event: Callable[..., None],
    ) -> None:
        self._folder, self._config, self._boards = folder, config, boards
        self._publisher, self._event = publisher, event
        self._before: list[Retained] = []
        self._gone: set[str] = set()  # topics that were cleared
        self._settled: set[str] = set()  # those of them of which the broker knows
        self._seen: tuple[int, tuple[str, ...], Config] | None = None
        self._noted = ""

    async def run(self) -> None:
        """For ever."""
        self._before = known(remembered.retained(self._folder))
        while True:
            await self._look()
            await asyncio.sleep(EVERY)

    async def finish(self) -> None:
        """Notes what there is at the end, where the disk takes it soon."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST):
                await self._look()

    async def _look(self) -> None:
        seen = self._publisher.streams.changes, tuple(self._boards.readers), self._config()
        if seen == self._seen and len(self._settled) == len(self._gone):
            return
        now, self._seen = _now(self._config(), self._boards, self._publisher), seen
        begin = _beginnings(self._config())
        new = {topic for one in self._before for topic in ghosts(one, now, begin)} - self._gone
        for topic in new:
            self._publisher.document(topic, b"")
        if new:
            self._event("retained.cleared", topics=len(new), first=min(new))
        self._gone |= new
        self._settled = self._gone - self._publisher.unsettled(self._gone)
        text = json.dumps(told(_left(now, self._before, self._settled)))
        if text != self._noted:
            self._noted = text
            await tried(lambda: remembered.keep_retained(self._folder, text), "retained", None)


def _left(now: Retained, before: Sequence[Retained], settled: AbstractSet[str]) -> list[Retained]:
    """What the next run has to know: what is there, and of before what is there as well, or may be."""
    mine = next((one for one in before if one.base == now.base), Retained(now.base))
    others = [one for one in before if one.base != now.base and not settled >= set(one.topics())]
    return [joined(now, mine, settled), *others]


def _beginnings(config: Config) -> list[str]:
    """How names of boards begin that may be plugged in."""
    return [level(table.name) if table.name else "" for table in config.boards if table.port.path == "auto"]


def _now(config: Config, boards: Boards, publisher: Publisher) -> Retained:
    """What this run has, or may have, retained."""
    tables = {board.name for board in config.boards}
    kept = {level(name): BoardKept(name not in tables) for name in boards.readers}
    for board, sensor, alarm in publisher.streams.retained():
        own = boards.sensors(board).hardware(sensor)
        kept.setdefault(level(board), BoardKept()).sensors[level(sensor)] = Kept(level(own), alarm)
    return Retained(config.base, kept)

"""What earlier runs have left retained at the broker, of boards, sensors and names that are no more: taken back."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from . import remembered
from .config import Config
from .ingest.boards import Boards
from .names import level
from .notes import Notes
from .publish.publisher import Publisher
from .publish.retained import BoardKept, Kept, Retained, ghosts, joined, known, told
from .threads import tried

EVERY = 1.0  # s between two looks, which cost nothing while nothing has changed
LAST = 0.5  # s for the last note


class Leftovers:
    """Clears what is a ghost, and has `notes` keep what is retained, for the run after this one.

    What is cleared is noted until the broker has it. config: as it counts now. event: for the log.
    """

    def __init__(
        self,
        notes: Notes,
        config: Callable[[], Config],
        boards: Boards,
        publisher: Publisher,
        event: Callable[..., None],
    ) -> None:
        self._notes, self._config, self._boards = notes, config, boards
        self._publisher, self._event = publisher, event
        self._before: list[Retained] = []
        self._gone: set[str] = set()  # topics that were cleared
        self._settled: set[str] = set()  # those of them of which the broker knows
        self._seen: tuple[int, tuple[str, ...], Config] | None = None
        self._noted = ""

    def cleared(self, topic: str) -> bool:
        """Whether that was a ghost."""
        return topic in self._gone

    async def run(self) -> None:
        """For ever."""
        self.remember()
        while True:
            await self.look()
            await asyncio.sleep(EVERY)

    async def finish(self) -> None:
        """Notes what there is at the end, where the disk takes it soon."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST):
                await self.look()

    def remember(self) -> None:
        """Takes in what the run before has noted."""
        self._before = known(remembered.retained(self._notes.folder))

    async def look(self) -> None:
        """Clears and notes what has changed since the last look."""
        seen = self._publisher.streams.changes, tuple(self._boards.readers), self._config()
        if seen == self._seen and len(self._settled) == len(self._gone):
            return
        self._settled = self._gone - self._publisher.unsettled(self._gone)
        now = self._now()  # what comes of it is worked out in a thread: of 10,000 sensors that takes a while
        found = await tried(lambda: _compared(now, self._before, self._settled), "retained", None)
        if found is None:
            return
        self._seen = seen
        ghosts, text = found
        if new := ghosts - self._gone:
            for topic in new:
                self._publisher.document(topic, b"")
            self._gone |= new
            self._event("retained.cleared", topics=len(new), first=min(new))
        if text != self._noted:
            self._noted = text
            await self._notes.write(remembered.RETAINED, text)

    def _now(self) -> Now:
        config, boards = self._config(), self._boards
        tables = {board.name for board in config.boards}
        return Now(
            config.base,
            [table.name for table in config.boards if table.port.path == "auto"],
            [(board, board not in tables) for board in boards.readers],
            [(board, sensor, boards.sensors(board).hardware(sensor), alarm)
             for board, sensor, alarm in self._publisher.streams.retained()],
        )  # fmt: skip


class Now(NamedTuple):
    """What there is in this run, by names. beginnings: how names of boards begin that may be plugged in."""

    base: str
    beginnings: list[str]
    boards: list[tuple[str, bool]]  # and whether no table names it
    sensors: list[tuple[str, str, str, bool]]  # board, name, the board's own name for it, and whether it has an alarm


def _compared(now: Now, before: Sequence[Retained], settled: AbstractSet[str]) -> tuple[set[str], str]:
    """The topics that are ghosts, and what the next run has to know: what is there, what was and may be, and ghosts."""
    here = Retained(now.base, {level(name): BoardKept(found) for name, found in now.boards})
    for board, sensor, own, alarm in now.sensors:
        here.boards.setdefault(level(board), BoardKept()).sensors[level(sensor)] = Kept(level(own), alarm)
    begin = [f"{level(name)}-" if name else "" for name in now.beginnings]
    gone = {topic for one in before for topic in ghosts(one, here, begin)}
    mine = next((one for one in before if one.base == now.base), Retained(now.base))
    others = [one for one in before if one.base != now.base and not settled >= set(one.topics())]
    return gone, json.dumps(told([joined(here, mine, settled), *others]))

"""Boards and features joined in one process, without a loop, a pool or a clock, for readings that are there already.

What goes in has its time with it, and what comes out is what a street computes of the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from .compute.archive import Archive, Computed
from .compute.cores import cores
from .compute.custom.own import Own
from .compute.custom.trial import Custom, try_out
from .compute.custom.work import NoFeature
from .compute.worker import die_with_parent
from .config import Config, plan_for, treatments_for
from .ingest.asking.talk import Talk
from .ingest.boards import Boards
from .ingest.hearing import Hearing
from .ledger import Account
from .model import Board, Chunk, Format, Plan, Sample, Stretch

__all__ = ["Alone", "Computed", "Custom", "NoFeature", "cores", "die_with_parent", "try_out"]

MOST_WAITING = 65_536  # readings that are computed together, at least
LONGEST_WAITING = 524_288  # at most, where the windows hold as many: they go along each time

_sensor = itemgetter(0)


class Alone:
    """The boards of one port, which are read again and again, and their sensors' windows, which go on.

    keys: what each of the user's own features is known to answer. Raises NoFeature for one that cannot be had.
    """

    def __init__(self, config: Config, keys: Mapping[str, Sequence[str]]) -> None:
        self.config = config
        self._features = Own(Custom(config.custom, config.path.parent, config.deadline, config.memory), keys)
        self.missed = self._features.missed  # see Own
        self.archive = Archive(self._plan, self._features.columns, self._drop)
        self.dropped: Counter[str] = Counter()  # out of range, by board, of the reading that goes on
        self.formats: dict[str, Format] = {}
        self._own: dict[tuple[str, str], str] = {}  # whose values a sensor has: the board's own name for it
        self._seen: defaultdict[str, set[str]] = defaultdict(set)  # sensors, by board, since `begin`
        self._boards: Boards | None = None

    def begin(self, of: Sequence[Board], *, asked: bool) -> Hearing | Talk:
        """Reads these boards from the start, as one who opens their port. asked: what was sent is heard too."""
        self.dropped.clear()
        self._seen.clear()
        boards = self._boards = Boards(
            self._take, _nothing, _nothing, lambda board: treatments_for(self.config, board), self._moved
        )
        if asked and all(board.asked for board in of):
            talk = boards.talk(of)
            self.formats = {party.board.name: party.decoders[0] for party in talk.parties}
            return talk
        (board,) = of
        seen = boards.made(board)
        self.formats = {board.name: seen.decoder}
        return seen.hearing

    def account(self, board: str) -> Account:
        """What came of a board since `begin`."""
        assert self._boards is not None
        return self._boards.account(board)

    @property
    def full(self) -> bool:
        """Whether so much waits that it is to be computed now."""
        waiting = self.archive.waiting
        return waiting >= MOST_WAITING and (waiting >= LONGEST_WAITING or waiting >= self.archive.held)

    def hardware(self, board: str, sensor: str) -> str:
        """The board's own name for a sensor."""
        return self._own.get((board, sensor), sensor)

    def close(self) -> None:
        """Ends the processes of the user's own features."""
        self._features.close()

    def written(self) -> dict[str, Any]:
        """What goes on behind what was read, as JSON can have it. Nothing may wait."""
        own = [[*key, name] for key, name in self._own.items() if name != key[1]]
        return {"own": own, "windows": self.archive.written()}

    def read(self, kept: dict[str, Any]) -> None:
        """Goes on where `written` was called."""
        self._own = {(board, sensor): name for board, sensor, name in kept["own"]}
        self.archive.read(kept["windows"])

    def _plan(self, board: str, sensor: str) -> Plan:
        return plan_for(self.config, board, sensor, self.hardware(board, sensor))

    def _take(self, board: str, samples: list[Sample], chunk: Chunk) -> None:
        self._look(board, samples)
        self.archive.take(board, samples, chunk.mono)

    def take_rows(self, board: str, rows: Stretch, at: Sequence[float]) -> None:
        """Takes what many lines held: see ingest/together.py."""
        self._look(board, rows.takes if not rows.named else set(chain.from_iterable(rows.named)))
        self.archive.take_rows(board, rows, at)

    def _look(self, board: str, samples: Collection[tuple[Any, ...]]) -> None:
        """Notes the sensors that come for the first time. samples: or takes; what comes first says the sensor."""
        seen = self._seen[board]
        if not seen.issuperset(map(_sensor, samples)):
            for sensor in set(map(_sensor, samples)) - seen:
                self._moved(board, sensor)

    def _moved(self, board: str, sensor: str) -> None:
        """Whose values a sensor has may be another one's from now on; where it is, no window has both."""
        assert self._boards is not None
        key = board, sensor
        self._seen[board].add(sensor)
        own = self._boards.sensors(board).hardware(sensor)
        if own != self._own.get(key, sensor):
            self.archive.renew(*key)
        self._own[key] = own

    def _drop(self, board: str, readings: int) -> None:
        self.dropped[board] += readings


def _nothing(*_: object, **__: object) -> None:
    """Nobody has to be told."""

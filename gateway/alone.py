"""Boards and features joined in one process, without a loop, a pool or a clock, for readings that are there already.

What goes in has its time with it, and what comes out is what a street computes of the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

from .compute.archive import Archive, Computed
from .compute.cluster.modules import files_of
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

__all__ = ["Alone", "Computed", "Custom", "NoFeature", "cores", "die_with_parent", "files_of", "try_out"]

MOST_WAITING = 65_536  # readings that are computed together, at least
LONGEST_WAITING = 524_288  # at most, where the windows hold as many: they go along each time

_sensor = itemgetter(0)


class Rows(NamedTuple):
    """What many lines of a board held: see ingest/together.py."""

    board: str
    rows: Stretch
    at: Sequence[float]


class Samples(NamedTuple):
    """What came of a board in one piece."""

    board: str
    samples: list[Sample]
    at: float


class Moved(NamedTuple):
    """Whose values a sensor has from now on: the board's own name for it."""

    board: str
    sensor: str
    own: str


Took = Rows | Samples | Moved


class Ears:
    """The boards of one port, which are read again and again. took: gets what comes, in its order."""

    def __init__(self, config: Config, took: Callable[[Took], None]) -> None:
        self._config, self._took = config, took
        self.formats: dict[str, Format] = {}
        self._seen: defaultdict[str, set[str]] = defaultdict(set)  # sensors, by board, since `begin`
        self._boards: Boards | None = None

    def begin(self, of: Sequence[Board], *, asked: bool) -> Hearing | Talk:
        """Reads these boards from the start, as one who opens their port. asked: what was sent is heard too."""
        self._seen.clear()
        boards = self._boards = Boards(
            self._take, _nothing, _nothing, lambda board: treatments_for(self._config, board), self._moved
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

    def take_rows(self, board: str, rows: Stretch, at: Sequence[float]) -> None:
        """Takes what many lines held: see ingest/together.py."""
        self._look(board, rows.takes if not rows.named else set(chain.from_iterable(rows.named)))
        self._took(Rows(board, rows, at))

    def _take(self, board: str, samples: list[Sample], chunk: Chunk) -> None:
        self._look(board, samples)
        self._took(Samples(board, samples, chunk.mono))

    def _look(self, board: str, samples: Collection[tuple[Any, ...]]) -> None:
        """Notes the sensors that come for the first time. samples: or takes; what comes first says the sensor."""
        seen = self._seen[board]
        if not seen.issuperset(map(_sensor, samples)):
            for sensor in set(map(_sensor, samples)) - seen:
                self._moved(board, sensor)

    def _moved(self, board: str, sensor: str) -> None:
        assert self._boards is not None
        self._seen[board].add(sensor)
        self._took(Moved(board, sensor, self._boards.sensors(board).hardware(sensor)))


class Alone:
    """The windows of one port's sensors, which go on.

    keys: what each of the user's own features is known to answer. Raises NoFeature for one that cannot be had.
    """

    def __init__(self, config: Config, keys: Mapping[str, Sequence[str]]) -> None:
        self.config = config
        self._features = Own(Custom(config.custom, config.path.parent, config.deadline, config.memory), keys)
        self.missed = self._features.missed  # see Own
        self.archive = Archive(self._plan, self._features.columns, self._drop)
        self.dropped: Counter[str] = Counter()  # out of range, by board, until it is cleared
        self._own: dict[tuple[str, str], str] = {}  # whose values a sensor has: the board's own name for it

    def take(self, took: Took) -> None:
        """Takes what came."""
        if isinstance(took, Rows):
            self.archive.take_rows(took.board, took.rows, took.at)
        elif isinstance(took, Samples):
            self.archive.take(took.board, took.samples, took.at)
        else:  # where they are another one's, no window has both
            key = took.board, took.sensor
            if took.own != self._own.get(key, took.sensor):
                self.archive.renew(*key)
            self._own[key] = took.own

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

    def _drop(self, board: str, readings: int) -> None:
        self.dropped[board] += readings


def _nothing(*_: object, **__: object) -> None:
    """Nobody has to be told."""

"""The stage's batches and the cluster: which of them go there, and what they take here and there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable

from ..batching import Batch, written
from ..sensors import Sensor
from ..tasks import Result
from . import letters
from .cluster import Cluster

PATIENCE = 1.0  # s after its oldest reading came in which the cluster has to answer; then a worker here gets the batch
LEAST = 0.1  # s for the cluster in any case: its usual answer takes a tenth of that


class Batches:
    """workers: of the pool here. settle: gets a batch's results; raises Nonsense when they do not fit. back: gets a
    batch that is to be computed here after all."""

    def __init__(
        self,
        cluster: Cluster,
        workers: int,
        settle: Callable[[Batch, list[Result]], None],
        back: Callable[[Batch], None],
    ) -> None:
        self._cluster, self._workers, self._settle, self._back = cluster, workers, settle, back
        self._here: dict[int, tuple[Hashable, int, float]] = {}  # kind, readings, when a worker here began with it
        self._loop = asyncio.get_running_loop()

    @property
    def free(self) -> int:
        """How many batches the cluster could be given now."""
        return self._cluster.free

    def goes(self, sensors: Iterable[Sensor], readings: int, waiting: int) -> bool:
        """Whether a batch of these sensors is done sooner on the cluster. waiting: readings that wait besides."""
        if not self.free:
            return False
        kind = _kind(sensors)
        wait = self._wait() + self._cluster.takes_here(kind, readings) * waiting / readings / self._workers
        return self._cluster.takes(kind, readings, wait)

    def give(self, made: Batch, now: float) -> None:
        """Hands a batch to the cluster. now: on the clock of its rows."""
        age = max(0.0, now - min(row.t for row in made.first_rows))
        self._cluster.give(
            _kind(made.sensors),
            made.readings,
            letters.BATCH + written(made),
            lambda data: self._settle(made, letters.results_of(data)),
            lambda why: self._back(made),
            max(LEAST, PATIENCE - age),
        )

    def begins(self, made: Batch, task: bytes) -> None:
        """A worker here has this batch; now and then the cluster gets a copy, to know what it takes there."""
        kind = _kind(made.sensors)
        self._here[id(made)] = kind, made.readings, self._loop.time()
        self._cluster.copy(kind, made.readings, lambda: letters.BATCH + task)

    def ends(self, made: Batch) -> None:
        """It is computed, or cannot be."""
        if (begun := self._here.pop(id(made), None)) is not None:
            kind, readings, began = begun
            self._cluster.computed(kind, readings, self._loop.time() - began)

    def _wait(self) -> float:
        """S until a worker here is free, about: their share of what is under way. 0 while one has nothing to do."""
        if len(self._here) < self._workers:
            return 0.0
        return sum(self._cluster.takes_here(*one[:2]) for one in self._here.values()) / self._workers


def _kind(sensors: Iterable[Sensor]) -> Hashable:
    """Batches with the same recipes cost alike."""
    return frozenset(sensor.recipe for sensor in sensors)

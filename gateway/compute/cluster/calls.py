"""One user's own feature and the cluster: which of its calls go there, and what they take here and there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pickle import dumps

from ..custom.pieces import Call, Piece
from .batches import PATIENCE
from .cluster import Cluster

SLICE = 0.02  # s of calls that the process here gets at once: the rest can still go elsewhere
SHARE = 0.5  # of the deadline in which the cluster has to answer: the rest is for the process here
LATE = 2  # times what a call usually takes there, where that is longer


class Calls:
    """name: of the feature; deadline: s that readings wait for it."""

    def __init__(self, name: str, deadline: float, cluster: Cluster) -> None:
        self._name, self._cluster = name, cluster
        self._deadline = deadline
        self._loop = asyncio.get_running_loop()
        self._given: dict[int, Call] = {}
        self._began = 0.0  # when the process here began with what it computes

    def goes(self, call: Call, others: int) -> bool:
        """Whether all is answered sooner when the cluster has this call. others: calls that wait here besides."""
        return self._cluster.takes(self._name, call.weight, others * self._here(call), feature=self._name)

    def give(self, call: Call, answered: Callable[[Call, bytes], None], back: Callable[[Call], None]) -> None:
        """Has the cluster asked."""
        self._given[id(call)] = call

        def heard(data: bytes) -> None:
            if id(call) in self._given:
                answered(call, data)
                self._given.pop(id(call), None)

        def returned(why: str) -> None:
            if self._given.pop(id(call), None) is not None:
                back(call)

        usual = self._cluster.takes_there(self._name, call.weight)
        patience = min(self._deadline, max(min(PATIENCE, SHARE * self._deadline), LATE * usual))
        self._cluster.give(self._name, call.weight, self._task(call), heard, returned, patience)

    def forget(self) -> list[Piece]:
        """What it is asked is not waited for any more."""
        given, self._given = self._given, {}
        return [piece for call in given.values() for piece in call.pieces]

    def most(self, call: Call | None) -> int | None:
        """How many calls the process here is asked at once; None: as many as may be."""
        cost = self._here(call) if call is not None and self._cluster.free else 0.0
        return max(1, int(SLICE / cost)) if cost else None

    def begins(self, call: Call) -> None:
        """The process here begins with a call; now and then the cluster gets a copy of one, to know what that takes."""
        self._began = self._loop.time()
        self._cluster.copy(self._name, call.weight, partial(self._task, call), feature=self._name)

    def ends(self, call: Call, asked: Sequence[Call]) -> None:
        """The process here has answered, and goes on with what else it was asked."""
        now = self._loop.time()
        self._cluster.computed(self._name, call.weight, now - self._began)
        if asked:
            self.begins(asked[0])

    def _here(self, call: Call) -> float:
        return self._cluster.takes_here(self._name, call.weight)

    def _task(self, call: Call) -> bytes:
        return self._cluster.task(self._name, dumps([call.written()], 5))

"""Whole columns through the pool: values that belong to no sensor go in batches, and come back in any order."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from .batching import read
from .pool import Pool
from .tasks import BARE, FOUNDING, HEAVY
from .wire import Nonsense

Took = Callable[[int, list["array[float]"]], None]
"""Gets where a batch begins in the column, and what came of it, a column each."""


class Transform(NamedTuple):
    """What becomes of each value."""

    head: bytes  # of each task: tasks.BARE
    columns: int  # how many come out


def founding(lo: float, hi: float) -> Transform:
    """`normalized` and `feature`: see founding.py."""
    return Transform(BARE.pack(FOUNDING, lo, hi), 2)


def heavy(rounds: int) -> Transform:
    """The load of the founding benchmark: see heavy.py."""
    return Transform(BARE.pack(HEAVY, rounds, 0.0), 1)


class Columns:
    """A pool of `workers` processes, for one column at a time. Its pool is the caller's to start and to stop."""

    def __init__(self, workers: int) -> None:
        self.pool = Pool(workers, self._feed)
        self._run: _Run | None = None

    async def transform(self, values: array[float], size: int, by: Transform, took: Took) -> None:
        """Has `values` (finite float64) transformed, `size` at once. Raises RuntimeError when a batch cannot be."""
        if values:
            self._run = _Run(values, size, by, took)
            self._feed()
            await self._run.done

    def _feed(self) -> None:
        """Gives a batch to each worker that is free."""
        run = self._run
        while run is not None and self.pool.free and (start := run.next()) is not None:
            self.pool.give(run.task(start), partial(run.answered, start), run.failed)


class _Run:
    """The batches of one column: which is next, and what has come back."""

    def __init__(self, values: array[float], size: int, by: Transform, took: Took) -> None:
        self._values, self._size, self._by, self._took = memoryview(values), size, by, took
        self._starts = iter(range(0, len(values), size))
        self._left = len(values)
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def next(self) -> int | None:
        """Where the next batch begins; None when there is none any more, or nobody waits for it."""
        return None if self.done.done() else next(self._starts, None)

    def task(self, start: int) -> bytes:
        """That batch for a worker."""
        return b"".join((self._by.head, self._values[start : start + self._size]))

    def answered(self, start: int, answer: bytes) -> None:
        """Hands on what came of it."""
        n = min(self._size, len(self._values) - start)
        if len(answer) != 8 * n * self._by.columns:
            if not isinstance(why := read(answer), str):
                raise Nonsense("an answer that does not fit its batch")
            self.failed(why)
        if self.done.done():  # it was given up, or nobody waits any more
            return
        self._took(start, [array("d", answer[at : at + 8 * n]) for at in range(0, len(answer), 8 * n)])
        self._left -= n
        if not self._left:
            self.done.set_result(None)

    def failed(self, why: str) -> None:
        """A batch cannot be computed."""
        if not self.done.done():
            self.done.set_exception(RuntimeError(f"a batch could not be computed: {why}"))

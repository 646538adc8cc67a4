"""The founding pipeline as a library call: records in; the same records with `normalized` and `feature` out.

    records = [{"sensorId": "S1", "timestamp": 0, "value": 51.2, "unit": "°C"}, …]
    results = asyncio.run(process(records, batch_size=200))

They are computed by the gateway's own pool of processes. A script needs no `if __name__ == "__main__"` for it.
"""

from __future__ import annotations

import asyncio
import math
from array import array
from collections.abc import Iterable, Mapping
from functools import partial
from numbers import Real
from pickle import dumps
from typing import Any

from .compute.batching import read
from .compute.cores import cores
from .compute.pool import Pool
from .compute.sensors import NOTHING_CARRIED
from .compute.tasks import Group, Recipe
from .compute.wire import Nonsense

LARGEST_BATCH = 100_000  # records
RECIPE = Recipe(lo=20.0, hi=80.0, window_s=None, window_n=1, use=(), stuck=0.0, spike=0.0)


async def process(
    records: Iterable[Mapping[str, Any]], batch_size: int = 20, workers: int | None = None
) -> list[dict[str, Any]]:
    """Each of `records` with two more fields, in their order; all other fields are kept, and no record is changed.

    normalized = round((value - 20) / 60, 4), feature = round(sqrt(|(value - 20) / 60|) * ln(|value| + 1), 4).
    batch_size: records that a worker gets at once; take hundreds where speed matters. workers: processes, each with one
    batch at a time; as many as cores may be used when None.

    Raises ValueError when a record's `value` is no finite number, naming its index, and then computes none; OSError
    when no process can start; RuntimeError when a batch cannot be computed.
    """
    if not 1 <= batch_size <= LARGEST_BATCH:
        raise ValueError(f"batch_size is {batch_size}; it has to be from 1 to {LARGEST_BATCH:,}")
    if workers is not None and workers < 1:
        raise ValueError(f"workers is {workers}; it has to be at least 1")
    records = list(records)
    values = _values(records)
    if not records:
        return []
    run = _Run(records, values, batch_size)
    pool = run.pool = Pool(min(workers or cores(), math.ceil(len(records) / batch_size)), run.feed)
    try:
        await pool.start()
        return await run.done
    finally:
        await pool.stop()


class _Run:
    """The batches of one call: which is next, and what has come back."""

    pool: Pool

    def __init__(self, records: list[Mapping[str, Any]], values: array[float], size: int) -> None:
        self.records, self.values, self.size = records, values, size
        self.starts = iter(range(0, len(records), size))
        self.left = len(records)
        self.out: list[dict[str, Any]] = [{}] * len(records)
        self.done: asyncio.Future[list[dict[str, Any]]] = asyncio.get_running_loop().create_future()

    def feed(self) -> None:
        """Gives a batch to each worker that is free."""
        while self.pool.free and not self.done.done() and (start := next(self.starts, None)) is not None:
            self.pool.give(_task(self.values[start : start + self.size]), partial(self._answered, start), self._failed)

    def _answered(self, start: int, answer: bytes) -> None:
        results = read(answer)
        if isinstance(results, str):
            self._failed(results)
            return
        batch = self.records[start : start + self.size]
        columns = array("d", results[0].columns)
        if len(columns) != 2 * len(batch):
            raise Nonsense("an answer that does not fit its batch")
        self.out[start : start + self.size] = [
            {**record, "normalized": normalized, "feature": feature}
            for record, normalized, feature in zip(batch, columns, columns[len(batch) :], strict=False)
        ]
        self.left -= len(batch)
        if not self.left and not self.done.done():
            self.done.set_result(self.out)

    def _failed(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(f"a batch could not be computed: {why}"))


def _task(values: array[float]) -> bytes:
    """A batch for a worker: one sensor without a past, whose window is the reading alone."""
    n = len(values)
    one, nothing = array("q", [n]).tobytes(), bytes(8)
    last = array("q", [n - 1]).tobytes()
    group = Group(
        tuple(RECIPE), one, nothing, nothing, nothing, last, whole=b"\0", t=bytes(8 * n), v=values.tobytes(),
        out=bytes(n), history_t=b"", history_v=b"", suffixes=b"", fronts=b"", carried=NOTHING_CARRIED,
    )  # fmt: skip
    return dumps([tuple(group)], 5)


def _values(records: list[Mapping[str, Any]]) -> array[float]:
    """The records' values. Raises ValueError for the first that is no finite number."""
    column: list[Any] = [record.get("value") for record in records]
    if set(map(type, column)) <= {float, int}:
        try:
            values = array("d", column)
        except OverflowError:  # an int beyond all floats
            values = array("d", [math.nan])
        if all(map(math.isfinite, values)):
            return values
    return array("d", [_value(i, value) for i, value in enumerate(column)])


def _value(i: int, value: object) -> float:
    try:
        number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"record {i} has no finite number as its value, but {value!r:.60}")
    return number

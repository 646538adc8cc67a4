"""The founding pipeline as a library call: records in; the same records with `normalized` and `feature` out.

    records = [{"sensorId": "S1", "timestamp": 0, "value": 51.2, "unit": "°C"}, …]
    results = asyncio.run(process(records, batch_size=200))

They are computed by the gateway's own pool of processes. A script needs no `if __name__ == "__main__"` for it.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

from .compute.columns import Columns, founding
from .compute.cores import cores

LARGEST_BATCH = 100_000  # records
PORTION = 2_000  # records; at fewer the way to a worker and back takes longer than the work
SCALE = (20.0, 80.0)


async def process(
    records: Iterable[Mapping[str, Any]], batch_size: int = 20, workers: int | None = None
) -> list[dict[str, Any]]:
    """Each of `records` with two more fields, in their order; all other fields are kept, and no record is changed.

    normalized = round((value - 20) / 60, 4), feature = round(sqrt(|(value - 20) / 60|) * ln(|value| + 1), 4).
    batch_size: records that a worker gets at once, at least; where there are many it gets up to 2,000, since that is
    many times as fast. workers: processes, each with one batch at a time; as many as cores may be used when None.

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
    workers = workers or cores()
    size = max(batch_size, min(PORTION, math.ceil(len(records) / (4 * workers))))
    columns = Columns(min(workers, math.ceil(len(records) / size)))
    out: list[dict[str, Any]] = [{}] * len(records)

    def took(start: int, made: list[array[float]]) -> None:
        end = start + len(made[0])
        out[start:end] = [
            {**record, "normalized": normalized, "feature": feature}
            for record, normalized, feature in zip(records[start:end], *made, strict=True)
        ]

    try:
        await columns.pool.start()
        await columns.transform(values, size, founding(*SCALE), took)
    finally:
        await columns.pool.stop()
    return out


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

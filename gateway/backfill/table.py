"""Computed readings as Parquet: one file a day and part, and what its columns are. The only door to pyarrow."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..alone import Computed
from ..model import ALARMS, Quality
from ..names import level

ROWS = 262_144  # of a row group
DAY = 86_400_000  # ms
TEXTS = ("gateway", "sensor", "run", "unit", "quality", "alarm")
COUNTS = -(2**63), 2**63 - 1

_TEXT = pa.dictionary(pa.int32(), pa.string())
_QUALITIES, _ALARMS = pa.array([one.value for one in Quality]), pa.array(ALARMS[1:])


class Row(NamedTuple):
    """What stands in each row of a board."""

    gateway: str
    run: str
    board: str
    tags: Mapping[str, str]


def schema(features: Sequence[str], row: Row) -> pa.Schema:
    """The columns of a file, in their order. features: the names of all that any sensor may have."""
    fields = [
        pa.field("gateway", _TEXT, nullable=False), pa.field("sensor", _TEXT, nullable=False),
        pa.field("run", _TEXT, nullable=False), pa.field("seq", pa.int64(), nullable=False),
        pa.field("time", pa.timestamp("ms", "UTC"), nullable=False), pa.field("value", pa.float64(), nullable=False),
        pa.field("unit", _TEXT, nullable=False), pa.field("quality", _TEXT, nullable=False),
        pa.field("n", pa.int64(), nullable=False), pa.field("count", pa.int64()),
        *(pa.field(name, pa.float64()) for name in features),
        pa.field("alarm", _TEXT),
    ]  # fmt: skip
    about = {"gateway.board": row.board, "gateway.tags": json.dumps(dict(row.tags), ensure_ascii=False)}
    return pa.schema(fields, {key: value.encode(errors="replace") for key, value in about.items()})


def days(computed: Computed, started: float) -> list[tuple[str, slice, NDArray[np.int64]]]:
    """The days of its rows, UTC, with where they are and their times, ms since 1970. started: of `at`, s since 1970.

    The times are those of the messages, rounded in the same way.
    """
    ms = np.rint((started + computed.at) * 1000.0).astype(np.int64)
    day = ms // DAY
    edges = [0, *(np.flatnonzero(np.diff(day)) + 1).tolist(), len(day)]
    return [
        (str(np.datetime64(int(day[first]), "D")), slice(first, last), ms[first:last])
        for first, last in pairwise(edges)
        if first < last
    ]


def batch(
    schema: pa.Schema, row: Row, computed: Computed, rows: slice, ms: NDArray[np.int64], alarm: bytes
) -> pa.RecordBatch:
    """Some rows of one sensor. alarm: of all of its rows, indexes into model.ALARMS; empty where there are none."""
    size, first = len(ms), rows.start
    at = range(first, rows.stop)
    counts: pa.Array = pa.nulls(size, pa.int64())
    if computed.counts:
        least, most = COUNTS
        said = [computed.counts.get(k) for k in at]
        counts = pa.array([one if one is not None and least <= one <= most else None for one in said], pa.int64())
    alarms: pa.Array = pa.nulls(size, _TEXT)
    if alarm:
        codes = np.frombuffer(alarm, np.uint8)[rows].astype(np.int32)
        alarms = pa.DictionaryArray.from_arrays(pa.array(codes - 1, mask=codes == 0), _ALARMS)
    quality = pa.array(computed.quality[rows].astype(np.int32))
    columns = {
        "gateway": _same(row.gateway, size), "sensor": _same(computed.sensor, size), "run": _same(row.run, size),
        "seq": pa.array(computed.seq[rows]), "time": pa.array(ms).cast(pa.timestamp("ms", "UTC")),
        "value": pa.array(computed.value[rows]), "unit": _same(computed.unit, size),
        "quality": pa.DictionaryArray.from_arrays(quality, _QUALITIES), "n": pa.array(computed.n[rows]),
        "count": counts, "alarm": alarms,
        **{name: pa.array(column[rows], from_pandas=True) for name, column in computed.columns.items()},
    }  # fmt: skip
    none = pa.nulls(size, pa.float64())
    return pa.record_batch([columns.get(name, none) for name in schema.names], schema=schema)


def _same(text: str, size: int) -> pa.Array:
    sayable = text.encode(errors="replace").decode()  # as in the messages: no file can hold lone surrogates
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(size, np.int32)), pa.array([sayable]))


class Part:
    """A file that grows; `place` is where it is to lie under the folder of all."""

    def __init__(self, file: Path, place: str, schema: pa.Schema) -> None:
        self.file, self.place, self.rows = file, place, 0
        self.schema, self._waiting, self._size = schema, list[pa.RecordBatch](), 0
        self._writer = pq.ParquetWriter(
            str(file), schema, compression="zstd", compression_level=1, use_dictionary=list(TEXTS), version="2.6"
        )

    def add(self, batch: pa.RecordBatch) -> None:
        """Some more rows."""
        self._waiting.append(batch)
        self._size += batch.num_rows
        if self._size >= ROWS:
            self._write()

    def close(self) -> None:
        """All of it is on the disk then."""
        self._write()
        self._writer.close()
        with self.file.open("rb") as file:
            os.fsync(file.fileno())

    def _write(self) -> None:
        if self._size:
            table = pa.Table.from_batches(self._waiting, self.schema).unify_dictionaries()
            self._writer.write_table(table, row_group_size=ROWS)
            self.rows += self._size
            self._waiting, self._size = [], 0


def place(day: str, board: str, number: int) -> str:
    """Where a part lies under the folder of all. number: of the part, among those of its board."""
    folder = level(board).replace("=", "%3D")  # some readers part a folder's name at its last one
    return f"day={day}/board={folder}/part-{number:06}.parquet"

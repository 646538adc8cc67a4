"""Computed readings as Parquet: one file a day and part, and what its columns are. The only door to pyarrow."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Mapping, Sequence
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

ROWS = 65_536  # of a row group, and so many wait of all files together, at most twice
DAY = 86_400_000  # ms
TEXTS = ("gateway", "sensor", "run", "unit", "quality", "alarm")
COUNTS = -(2**63), 2**63 - 1

_TEXT, _TIME = pa.dictionary(pa.int32(), pa.string()), pa.timestamp("ms", "UTC")
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
        pa.field("time", _TIME, nullable=False), pa.field("value", pa.float64(), nullable=False),
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
        (_day(int(day[first])), slice(first, last), ms[first:last]) for first, last in pairwise(edges) if first < last
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
        "seq": pa.array(computed.seq[rows]), "time": pa.array(ms.view("datetime64[ms]"), _TIME),
        "value": pa.array(computed.value[rows]), "unit": _same(computed.unit, size),
        "quality": pa.DictionaryArray.from_arrays(quality, _QUALITIES), "n": pa.array(computed.n[rows]),
        "count": counts, "alarm": alarms,
        **{name: pa.array(column[rows], from_pandas=True) for name, column in computed.columns.items()},
    }  # fmt: skip
    none = pa.nulls(size, pa.float64())
    return pa.record_batch([columns.get(name, none) for name in schema.names], schema=schema)


def _same(text: str, size: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(size, np.int32)), _only(text))


@functools.lru_cache(1024)
def _only(text: str) -> pa.Array:
    """A dictionary with one text: made anew each time, pyarrow would look each time whether pandas is installed."""
    return pa.array([text.encode(errors="replace").decode()])  # as in the messages: no file can hold lone surrogates


class Part:
    """A file that grows; `place` is where it is to lie under the folder of all, day: the day of its rows."""

    def __init__(self, file: Path, place: str, schema: pa.Schema, day: str) -> None:
        self.file, self.place, self.rows, self.day = file, place, 0, day
        self.schema, self._some, self.waiting = schema, list[pa.RecordBatch](), 0
        self._writer = pq.ParquetWriter(
            str(file), schema, compression="zstd", compression_level=1, use_dictionary=list(TEXTS), version="2.6"
        )

    def add(self, batch: pa.RecordBatch) -> None:
        """Some more rows."""
        self._some.append(batch)
        self.waiting += batch.num_rows
        if self.waiting >= ROWS:
            self.write()

    def close(self) -> None:
        """All of it is on the disk then."""
        self.write()
        self._writer.close()
        with self.file.open("rb") as file:
            os.fsync(file.fileno())

    def write(self) -> None:
        """What waits becomes groups of rows."""
        if self.waiting:
            table = pa.Table.from_batches(self._some, self.schema).unify_dictionaries()
            self._writer.write_table(table, row_group_size=ROWS)
            self.rows += self.waiting
            self._some, self.waiting = [], 0


class Parts:
    """The files of a part of a chain, of which those are open whose day may go on. Each has a place of its own."""

    def __init__(self, temporary: Callable[[str], Path], features: Sequence[str]) -> None:
        """temporary: where the file of a place is written. features: see `schema`."""
        self.places: list[str] = []
        self._temporary, self._features = temporary, features
        self._open: dict[str, Part] = {}

    def of(self, place: str, day: str, row: Row) -> Part:
        """The file that is to lie at `place`."""
        part = self._open.get(place)
        if part is None:
            assert place not in self.places, "a day that is over does not go on"
            part = self._open[place] = Part(self._temporary(place), place, schema(self._features, row), day)
            self.places.append(place)
        return part

    def over(self, until: float, day: str) -> None:
        """No row comes any more of days before `day` that end before `until`, s since 1970; not too many wait."""
        first = min(_day(int(until * 1000.0) // DAY), day)
        for place in [place for place, part in self._open.items() if part.day < first]:
            self._open.pop(place).close()
        waiting = sum(part.waiting for part in self._open.values())
        if waiting > 2 * ROWS:
            for part in self._open.values():
                part.write()

    def close(self) -> None:
        """All of them are on the disk then."""
        for part in self._open.values():
            part.close()
        self._open.clear()


def _day(number: int) -> str:
    """A day, as ISO 8601 has it. number: since 1970."""
    return str(np.datetime64(number, "D"))


def place(day: str, board: str, number: int) -> str:
    """Where a part lies under the folder of all. number: of the part, among those of its board."""
    folder = level(board).replace("=", "%3D")  # some readers part a folder's name at its last one
    return f"day={day}/board={folder}/part-{number:06}.parquet"

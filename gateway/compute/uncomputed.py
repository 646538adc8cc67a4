"""Readings that no worker has computed yet, as the spool keeps them: with what follows from the value alone.

Their other features have no value, no reading is in their window, and their quality is warming_up.
"""

import math
from array import array
from collections.abc import Iterable, Iterator
from itertools import groupby

from ..model import Features, Quality
from .formula import feature, normalized
from .sensors import Row, Sensor

OUT_OF_RANGE, WARMING_UP = tuple(Quality).index(Quality.OUT_OF_RANGE), tuple(Quality).index(Quality.WARMING_UP)


def uncomputed(sensor: Sensor, rows: Iterable[Row]) -> Iterator[Features]:
    """`rows` of a sensor, in order; a piece for each unit that follows another."""
    lo, hi = sensor.plan.scale
    for unit, some in groupby(rows, lambda row: row.unit):
        alike = list(some)
        founding = [array("d", [_finite(f(row.used, lo, hi)) for row in alike]) for f in (normalized, feature)]
        yield Features(
            sensor.board, sensor.name, unit, ("normalized", "feature", *sensor.plan.use),
            array("q", [row.seq for row in alike]), array("d", [row.wall for row in alike]),
            array("d", [row.t for row in alike]), array("d", [row.value for row in alike]),
            [row.count for row in alike], array("q", [0]) * len(alike),
            bytes(OUT_OF_RANGE if row.out else WARMING_UP for row in alike),
            [*founding, *(array("d", [math.nan]) * len(alike) for _ in sensor.plan.use)],
        )  # fmt: skip


def _finite(number: float) -> float:
    return number if math.isfinite(number) else math.nan

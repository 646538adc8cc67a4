"""Which readings make a batch, how it is written for a worker, and how the answer is read. No I/O, no clock."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pickle import dumps, loads

from ..model import Features, Quality
from .sensors import EMPTY_RUN, Part, Row, Sensor

QUALITIES = tuple(Quality)
SPLIT_AT = 512  # readings; fewer are not worth two batches
MOST = 4096  # readings in a batch


@dataclass(slots=True)
class Entry:
    """One sensor's readings in a batch."""

    sensor: Sensor
    rows: list[Row]
    part: Part


@dataclass(slots=True)
class Batch:
    """A batch under way: the boards that it keeps waiting, and its entries group by group."""

    boards: tuple[str, ...]
    groups: list[list[Entry]]
    readings: int


def portion(waiting: Sequence[int], free: int) -> int:
    """How many readings the next batch may hold. waiting: readings a board, of boards that may leave; free: workers.

    All of them, unless there are many and other workers have nothing to do: then this worker's share.
    """
    total = sum(waiting)
    if total < SPLIT_AT or free < 2 or len(waiting) < 2:
        return min(total, MOST)
    return min(-(-total // free), MOST)


def leaves(oldest: float, now: float, linger: float) -> bool:
    """Whether a batch leaves now that a worker is free: its oldest reading has waited `linger` seconds."""
    return now - oldest >= linger


def batch(boards: tuple[str, ...], sensors: Iterable[Sensor], most: int) -> Batch:
    """A batch of at most `most` waiting readings of `sensors`, which are all of `boards`."""
    groups: dict[tuple[object, ...], list[Entry]] = {}
    taken = 0
    for sensor in sensors:
        if taken == most:
            break
        rows = sensor.leave(most - taken)
        taken += len(rows)
        groups.setdefault(sensor.recipe, []).append(Entry(sensor, rows, sensor.part(rows)))
    return Batch(boards, list(groups.values()), taken)


def written(number: int, batch: Batch) -> bytes:
    """The batch as a worker reads it: see compute.batch.Group."""
    return dumps((number, [_group(entries) for entries in batch.groups]), 5)


def _group(entries: list[Entry]) -> tuple[object, ...]:
    parts = [entry.part for entry in entries]
    sensors = [entry.sensor for entry in entries]
    numbers = (array("q", [part[field] for part in parts]).tobytes() for field in range(5))
    columns = (b"".join([part[field] for part in parts]) for field in range(6, 12))  # type: ignore[misc]
    state = (b"".join([sensor.front for sensor in sensors]), b"".join([sensor.carried for sensor in sensors]))
    return sensors[0].recipe, *numbers, bytes([part.whole for part in parts]), *columns, *state


def read(answer: bytes) -> tuple[int, list[tuple[bytes, ...]] | str]:
    """A worker's answer: the batch's number, and its groups' results or a traceback."""
    number, results = loads(answer)
    return number, results


def settled(batch: Batch, results: list[tuple[bytes, ...]]) -> list[Features]:
    """Puts the new states into the sensors, and gives the features of each sensor."""
    out: list[Features] = []
    for entries, (columns, ns, quality, fronts, carried, suffixes) in zip(batch.groups, results, strict=True):
        keys = ("normalized", "feature", *entries[0].sensor.plan.use)
        total = len(quality)
        numbers, windows = array("d", columns), array("q", ns)
        whole = iter(suffixes)
        at = 0
        stride, carry = entries[0].sensor.stride, len(carried) // len(entries)
        for j, entry in enumerate(entries):
            sensor, rows = entry.sensor, entry.rows
            suffix = next(whole) if entry.part.whole and suffixes else None
            sensor.settle(fronts[j * stride : (j + 1) * stride], carried[j * carry : (j + 1) * carry], suffix)
            end = at + len(rows)
            columns_here = [numbers[c * total + at : c * total + end] for c in range(len(keys))]
            out += _features(sensor, rows, keys, columns_here, windows[at:end], quality[at:end])
            at = end
    return out


def _features(
    sensor: Sensor,
    rows: list[Row],
    keys: tuple[str, ...],
    columns: list[array[float]],
    n: array[int],
    quality: bytes,
) -> list[Features]:
    """One piece for the readings of one unit; a board that changes its unit in mid-batch gives several."""
    pieces = []
    first = 0
    units = [row.unit for row in rows]
    while first < len(rows):
        last = first + 1
        while last < len(rows) and units[last] == units[first]:
            last += 1
        seq, wall, t, value, _, _, _, count = zip(*rows[first:last], strict=True)
        pieces.append(
            Features(
                sensor.board, sensor.name, units[first], keys,
                array("q", seq), array("d", wall), array("d", t), array("d", value), list(count),
                n[first:last], quality[first:last], [column[first:last] for column in columns],
            )  # fmt: skip
        )
        first = last
    return pieces

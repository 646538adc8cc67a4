"""Which readings make a batch, how it is written for a worker, and how the answer is read. No I/O, no clock."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pickle import dumps, loads
from typing import NamedTuple

from ..model import Features, Quality
from .sensors import NOTHING_CARRIED, Part, Row, Sensor
from .tasks import Result
from .wire import Nonsense

QUALITIES = bytes(range(len(Quality)))
SPLIT_AT = 512  # readings; fewer are not worth two batches
MOST = 4096  # readings in a batch
HEAVIEST = 32_768  # readings and suffixes of windows that travel with them; one sensor may have more


class Entry(NamedTuple):
    """One sensor's readings in a batch."""

    sensor: Sensor
    rows: list[Row]
    part: Part


@dataclass(slots=True)
class Batch:
    """A batch under way: its entries group by group; the sensors of a group share a plan."""

    groups: list[list[Entry]]

    @property
    def entries(self) -> Iterator[Entry]:
        """All of them."""
        return (entry for group in self.groups for entry in group)

    @property
    def sensors(self) -> list[Sensor]:
        """Whose readings they are."""
        return [entry.sensor for entry in self.entries]

    @property
    def readings(self) -> int:
        """How many new readings it has."""
        return sum(len(entry.rows) for entry in self.entries)

    @property
    def first_rows(self) -> Iterator[Row]:
        """The oldest reading of each sensor."""
        return (entry.rows[0] for entry in self.entries)

    @property
    def boards(self) -> tuple[str, ...]:
        """The boards that it keeps waiting."""
        return tuple(dict.fromkeys(entry.sensor.board for entry in self.entries))

    def apart(self) -> list[Batch]:
        """A batch for each sensor, to find the one that cannot be computed."""
        return [Batch([[entry]]) for entry in self.entries]


def portion(waiting: Sequence[int], free: int) -> int:
    """How many readings the next batch may hold. waiting: readings a board, of boards that may leave; free: workers.

    All of them, unless there are many and other workers have nothing to do: then this worker's share.
    """
    total = sum(waiting)
    if total < SPLIT_AT or free < 2 or len(waiting) < 2:
        return min(total, MOST)
    return min(-(-total // free), MOST)


def leaves(oldest: float, now: float, linger: float) -> bool:
    """Whether a batch leaves now that a worker is free: its oldest reading has waited `linger` seconds.

    Without a linger at once, also where readings are dated ahead, as those of a capture that is replayed in no time.
    """
    return not linger or now - oldest >= linger


def batch(sensors: Iterable[Sensor], most: int) -> Batch:
    """A batch of at most `most` waiting readings of `sensors`, in their order; fewer where their windows weigh much."""
    groups: dict[tuple[object, ...], list[Entry]] = {}
    left, weight = most, 0
    for sensor in sensors:
        if left == 0 or weight >= HEAVIEST:
            break
        rows = sensor.leave(left)
        left -= len(rows)
        part = sensor.part(rows)
        weight += part.weight
        groups.setdefault(sensor.recipe, []).append(Entry(sensor, rows, part))
    return Batch(list(groups.values()))


def written(batch: Batch) -> bytes:
    """The batch as a worker reads it: see tasks.Group."""
    return dumps([_group(entries) for entries in batch.groups], 5)


def _group(entries: list[Entry]) -> tuple[object, ...]:
    numbers, whole, *columns = zip(*[entry.part for entry in entries], strict=True)
    sensors = [entry.sensor for entry in entries]
    state = (b"".join([sensor.front for sensor in sensors]), b"".join([sensor.carried for sensor in sensors]))
    counted = [array("q", column).tobytes() for column in zip(*numbers, strict=True)]
    return sensors[0].recipe, *counted, bytes(whole), *map(b"".join, columns), *state


def read(answer: bytes) -> list[Result] | str:
    """A worker's answer: its groups' results, or a traceback. Raises Nonsense when it is no answer."""
    try:
        results = loads(answer)
        return results if isinstance(results, str) else [Result(*result) for result in results]
    except Exception as error:  # whatever bytes that are no pickle of ours can raise
        raise Nonsense(f"no answer: {error}") from error


def settled(batch: Batch, results: list[Result]) -> list[Features]:
    """Puts the new states into the sensors, and gives the features of each sensor.

    Raises Nonsense when the results are not those of this batch; then nothing has changed.
    """
    try:
        fits = len(results) == len(batch.groups) and all(map(_fits, batch.groups, results))
    except TypeError:  # something without a length
        fits = False
    if not fits:
        raise Nonsense("an answer that does not fit its batch")
    out: list[Features] = []
    for entries, result in zip(batch.groups, results, strict=True):
        _settle(entries, result, out)
    return out


def _fits(entries: list[Entry], result: Result) -> bool:
    """Whether all columns have the lengths that they must have, and no quality is one that there is not."""
    first = entries[0].sensor
    rows = sum(len(entry.rows) for entry in entries)
    due = (8 * rows * (2 + len(first.plan.use)), 8 * rows, rows, first.stride * len(entries))
    whole = [entry.part.kept * first.stride for entry in entries if entry.part.whole] if first.stride else []
    return (
        (*map(len, result[:4]), len(result.carried)) == (*due, len(NOTHING_CARRIED) * len(entries))
        and [*map(len, result.suffixes)] == whole
        and not result.quality.translate(None, QUALITIES)
    )


def _settle(entries: list[Entry], result: Result, out: list[Features]) -> None:
    plan, stride, carry = entries[0].sensor.plan, entries[0].sensor.stride, len(NOTHING_CARRIED)
    keys = ("normalized", "feature", *plan.use)
    numbers, windows, quality = array("d", result.columns), array("q", result.n), result.quality
    bases = range(0, len(numbers), len(quality))  # of each feature's column
    suffixes = iter(result.suffixes)
    at = 0
    for j, entry in enumerate(entries):
        sensor, part = entry.sensor, entry.part
        suffix = next(suffixes) if part.whole and stride else None
        front, carried = result.fronts[j * stride : (j + 1) * stride], result.carried[j * carry : (j + 1) * carry]
        sensor.settle(part, front, carried, suffix)
        seq, wall, t, value, _, _, units, count = zip(*entry.rows, strict=True)
        end = at + len(seq)
        columns = [numbers[base + at : base + end] for base in bases]
        piece = Features(
            sensor.board, sensor.name, units[0], keys,
            array("q", seq), array("d", wall), array("d", t), array("d", value),
            list(count), windows[at:end], quality[at:end], columns,
        )  # fmt: skip
        out.append(piece)
        at = end

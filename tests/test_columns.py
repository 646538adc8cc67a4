"""Whole columns through a real pool: what comes back is plain Python's, each batch once."""

import math
import random
from array import array
from collections.abc import AsyncIterator

import pytest

from gateway.compute import formula
from gateway.compute.columns import Columns, Transform, founding, heavy


@pytest.fixture
async def columns() -> AsyncIterator[Columns]:
    """Two workers."""
    made = Columns(2)
    await made.pool.start()
    yield made
    await made.pool.stop()


async def through(columns: Columns, values: array, size: int, by: Transform) -> list[list[float]]:
    """The transform's columns, in the values' order."""
    out: dict[int, list[array]] = {}

    def took(start: int, made: list[array]) -> None:
        assert start not in out
        out[start] = made

    await columns.transform(values, size, by, took)
    pieces = [made for _, made in sorted(out.items())]
    return [[number for piece in column for number in piece] for column in zip(*pieces, strict=True)]


def made_up(n: int) -> array:
    """Values as boards send them, and some that they do not."""
    dice = random.Random(n)
    wild = [0.0, -0.0, 1e300, -1e18, 5e-324, math.pi / 2, 20.0, 80.0]
    return array("d", [*wild, *(round(dice.uniform(-60, 180), 2) for _ in range(n - len(wild)))])


@pytest.mark.parametrize("size", [7, 1000, 5000])
async def test_the_light_transform(columns: Columns, size: int) -> None:
    """Both founding formulas, in batches that do not come out even and in one that is larger than the column."""
    values = made_up(1500)
    parts, features = await through(columns, values, size, founding(20.0, 80.0))
    assert parts == [formula.normalized(value, 20, 80) for value in values]
    assert features == [formula.feature(value, 20, 80) for value in values]


@pytest.mark.parametrize("rounds", [1, 3, 5, 100])
async def test_the_heavy_transform(columns: Columns, rounds: int) -> None:
    """All rounds are computed: at few of them the values still differ, at many nearly all have met."""
    values = made_up(20_000)
    (made,) = await through(columns, values, 4096, heavy(rounds))
    assert made == [formula.heavy(value, rounds) for value in values]
    assert (len(set(made)) < 10) == (rounds == 100)


async def test_a_column_after_another(columns: Columns) -> None:
    """The same processes take the next one; of none nothing comes, without any wait."""
    assert await through(columns, array("d"), 10, heavy(1)) == []
    for value in (1.0, 2.0):
        assert await through(columns, array("d", [value]), 10, heavy(1)) == [[formula.heavy(value, 1)]]


async def test_a_batch_that_cannot_be_computed(columns: Columns) -> None:
    """The worker's traceback is told, and the pool goes on."""
    with pytest.raises(RuntimeError, match=r"(?s)could not be computed: Traceback"):
        await through(columns, made_up(100), 10, Transform(b"no task", 1))
    assert await through(columns, array("d", [1.0]), 10, heavy(1)) == [[formula.heavy(1.0, 1)]]

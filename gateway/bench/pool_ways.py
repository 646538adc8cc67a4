"""The ways of `gateway bench pool`, ready to be run and timed. What comes of each is compared, outside of its time."""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from ..compute.columns import Columns, Transform
from ..pipeline import process
from .founding import Record, Work, bare, through
from .paired import Way

LOOP, STANDARD, CALL, COLUMNS, NUMPY = (
    "plain loop, dicts", "standard pool, dicts", "library call, dicts", "gateway's pool, columns", "bare numpy, columns"
)  # fmt: skip


class Unequal(Exception):
    """A way has computed something else than the plain loop; its text says which and where."""


def loop(work: Work, records: Sequence[Record], rounds: int, due: Sequence[Record]) -> Way:
    """One after the other, without any pool."""

    async def run() -> float:
        began = time.perf_counter()
        made = work(records, rounds)
        took = time.perf_counter() - began
        same("the plain loop", made, due)
        return took

    return Way(LOOP, len(records), run)


def standard(
    pool: ProcessPoolExecutor, work: Work, records: Sequence[Record], rounds: int, due: Sequence[Record], size: int
) -> Way:
    """The standard library's pool, `size` records a call."""

    async def run() -> float:
        began = time.perf_counter()
        made = through(pool, work, records, size, rounds)
        took = time.perf_counter() - began
        same(f"the standard pool in batches of {size}", made, due)
        return took

    return Way(STANDARD, len(records), run, size)


def call(records: Sequence[Record], due: Sequence[Record], size: int) -> Way:
    """The gateway's library call, with all that belongs to it: its processes start and end."""

    async def run() -> float:
        began = time.perf_counter()
        made = await process(records, size)
        took = time.perf_counter() - began
        same(f"gateway.pipeline.process in batches of {size}", made, due)
        return took

    return Way(CALL, len(records), run, size)


def columns(
    ours: Columns, by: Transform, values: array[float], due: Sequence[array[float]], times: int, size: int
) -> Way:
    """The gateway's pool: a column in, columns out. times: the values so many times over."""
    many = values * times

    async def run() -> float:
        began = time.perf_counter()
        out = [array("d", bytes(8 * len(many))) for _ in due]

        def put(start: int, made: Sequence[array[float]]) -> None:
            for column, piece in zip(out, made, strict=True):
                column[start : start + len(piece)] = piece

        await ours.transform(many, size, by, put)
        took = time.perf_counter() - began
        for column, wanted in zip(out, due, strict=True):
            same(f"the gateway's pool in batches of {size}", column, wanted * times)
        return took

    return Way(COLUMNS, len(many), run, size)


def numpy(
    pool: ProcessPoolExecutor,
    workers: int,
    by: Transform,
    values: array[float],
    due: Sequence[array[float]],
    times: int,
) -> Way:
    """numpy in as many processes as the gateway's pool has, which have their share of the values already."""
    share = len(values) * times // workers
    many = memoryview(values * times)
    tasks = [b"".join((by.head, many[at : at + share])) for at in range(0, share * workers, share)]

    async def run() -> float:
        made = list(pool.map(bare, tasks))
        for at, (_, _, answer) in zip(range(0, share * workers, share), made, strict=True):
            wanted = b"".join([(column * times)[at : at + share].tobytes() for column in due])
            same("numpy in bare processes", array("d", answer), array("d", wanted))
        return max(ended for _, ended, _ in made) - min(began for began, _, _ in made)

    return Way(NUMPY, share * workers, run)


def same(what: str, made: Sequence[object], due: Sequence[object]) -> None:
    """Raises Unequal when something has come out that the plain loop does not have there."""
    if len(made) != len(due):
        raise Unequal(f"{what} gave {len(made)} results, the plain loop {len(due)}")
    if made != due:
        wrong = [k for k, (ours, theirs) in enumerate(zip(made, due, strict=True)) if ours != theirs]
        at = wrong[0]
        raise Unequal(
            f"{what} gave {len(wrong)} other results than the plain loop, the first: {made[at]} for {due[at]}"
        )

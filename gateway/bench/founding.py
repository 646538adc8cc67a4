"""The founding benchmark as it was written: dicts, one after the other, or through the standard library's pool.

What its processes call has to be found by name, so it stands here. None of it is used by the gateway itself.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from ..compute import formula
from ..compute.single import one_thread
from ..compute.tasks import BARE
from ..compute.worker import die_with_parent

Record = dict[str, Any]
Work = Callable[[Sequence[Record], int], list[Record]]


def light_one(record: Record) -> Record:
    """Both founding formulas, scale [20, 80]."""
    value = record["value"]
    part = (value - 20) / (80 - 20)
    return {
        **record,
        "normalized": round(part, 4),
        "feature": round(math.sqrt(abs(part)) * math.log(abs(value) + 1), 4),
    }


def light(records: Sequence[Record], rounds: int = 0) -> list[Record]:
    """The same of several. rounds: nothing to it; other work has them."""
    return [light_one(record) for record in records]


def heavy(records: Sequence[Record], rounds: int) -> list[Record]:
    """`rounds` rounds of v = sin(v) * cos(v) + ln(|v| + 1) of each record's value, rounded to 6 decimals."""
    return [{**record, "processed": formula.heavy(record["value"], rounds)} for record in records]


def executor(workers: int) -> ProcessPoolExecutor:
    """The standard pool, with all its processes started: make it before there are threads."""
    pool = ProcessPoolExecutor(workers, initializer=settle_in)
    list(pool.map(time.sleep, [0.05] * workers))
    return pool


def settle_in() -> None:
    """What no benchmark needs and every user wants: Ctrl-C is the parent's, and nobody outlives it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    one_thread()


def through(pool: ProcessPoolExecutor, work: Work, records: Sequence[Record], size: int, rounds: int) -> list[Record]:
    """All records through the pool, `size` of them a call."""
    batches = [records[at : at + size] for at in range(0, len(records), size)]
    return [record for batch in pool.map(work, batches, [rounds] * len(batches)) for record in batch]


def bare(task: bytes) -> tuple[float, float, bytes]:
    """What a worker of the gateway computes, but with its data already there: when it began and ended (monotonic), and
    what came out."""
    from ..compute.bare import answer

    answer(task[: BARE.size + 8])  # what is loaded at the first call
    began = time.monotonic()
    made = answer(task)
    return began, time.monotonic(), made

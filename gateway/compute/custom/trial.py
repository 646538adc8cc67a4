"""Each feature a few times, on made-up readings, for `gateway check`: in a process of its own, with the usual limits.

Times, since one that leaves a process behind at each call shows only by that.
"""

import asyncio
import math
from array import array
from pickle import dumps
from typing import NamedTuple

from .answers import read
from .left import MOST
from .pieces import Custom, ordered
from .runner import Heard, Runner

__all__ = ["Custom", "Tried", "try_out"]

READINGS, NEW = 60, 3  # one a second; the last ones are new
CALL = 5.0  # s for each call, or the deadline where that is longer: this may be a busy machine
CALLS = MOST + 1  # at most
ENOUGH = 2.0  # s after which it is not called again


class Tried(NamedTuple):
    """What came of it."""

    feature: str  # "module:function"
    keys: tuple[str, ...]  # what it answered
    why: str  # what is wrong, as a clause: "raised …"; "" when nothing is


async def try_out(custom: Custom) -> list[Tried]:
    """Runs each feature a few times, side by side. Raises OSError when no process can start."""
    return list(await asyncio.gather(*(_try(name, custom) for name in custom.names)))


async def _try(name: str, custom: Custom) -> Tried:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Tried] = loop.create_future()
    answers: list[tuple[str, ...]] = []
    end = math.inf

    def settle(keys: tuple[str, ...], why: str) -> None:
        if not done.done():
            done.set_result(Tried(name, keys, why))

    def answered(data: bytes) -> None:
        answer = read(data, NEW)
        answers.append(answer.keys)
        if answer.why:
            settle((), answer.why)

    def failed(event: str, **fields: str) -> None:
        if event == "pool.worker_failed" and not done.done():
            done.set_exception(OSError(fields["why"]))

    def ready() -> None:
        nonlocal end
        end = min(end, loop.time() + ENOUGH)
        if answers and (len(answers) == CALLS or loop.time() >= end):
            settle(answers[-1], "")
        elif not done.done():
            runner.ask(_call(len(answers)), 1)

    heard = Heard(ready, answered, lambda why, miss: settle((), why), lambda line, lines: None)
    runner = Runner(ordered(name, custom._replace(pace=0.0)), max(CALL, custom.deadline), heard, failed)
    runner.start()
    try:
        return await done
    finally:
        runner.end()
        await runner.gone(1.0)


def _call(number: int) -> bytes:
    """The made-up readings of a call, counted from 0, as work.py takes them: a slow wave around 20."""
    times = array("d", range(number * NEW, number * NEW + READINGS))
    values = array("d", [20.0 + math.sin(t / 5.0) for t in times])
    return dumps([(NEW, times.tobytes(), values.tobytes())], 5)

"""Each feature once, on made-up readings, for `gateway check`: in a process of its own, with the usual limits."""

import asyncio
import math
from array import array
from pickle import dumps
from typing import NamedTuple

from .answers import read
from .pieces import Custom, ordered
from .runner import Heard, Runner

__all__ = ["Custom", "Tried", "try_out"]

READINGS, NEW = 60, 3  # one a second; the last ones are new
CALL = 5.0  # s for the call, or the deadline where that is longer: this may be a busy machine


class Tried(NamedTuple):
    """What came of it."""

    feature: str  # "module:function"
    keys: tuple[str, ...]  # what it answered
    why: str  # what is wrong, as a clause: "raised …"; "" when nothing is


async def try_out(custom: Custom) -> list[Tried]:
    """Runs each feature once, side by side. Raises OSError when no process can start."""
    return list(await asyncio.gather(*(_try(name, custom) for name in custom.names)))


async def _try(name: str, custom: Custom) -> Tried:
    done: asyncio.Future[Tried] = asyncio.get_running_loop().create_future()

    def settle(keys: tuple[str, ...], why: str) -> None:
        if not done.done():
            done.set_result(Tried(name, keys, why))

    def answered(data: bytes) -> None:
        answer = read(data, NEW)
        settle(answer.keys, answer.why)

    def failed(event: str, **fields: str) -> None:
        if event == "pool.worker_failed" and not done.done():
            done.set_exception(OSError(fields["why"]))

    def ready() -> None:
        if not done.done():
            runner.ask(_call(), 1)

    heard = Heard(ready, answered, lambda why, miss: settle((), why), lambda line, lines: None)
    runner = Runner(ordered(name, custom), max(CALL, custom.deadline), heard, failed)
    runner.start()
    try:
        return await done
    finally:
        runner.end()
        await runner.gone(1.0)


def _call() -> bytes:
    """The made-up readings as work.py takes them: a slow wave around 20."""
    times = array("d", range(READINGS))
    values = array("d", [20.0 + math.sin(t / 5.0) for t in times])
    return dumps([(NEW, times.tobytes(), values.tobytes())], 5)

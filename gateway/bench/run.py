"""The command: runs what was asked for, says what came of it, and ends cleanly at Ctrl-C."""

import argparse
import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, Protocol

from ..ends import DONE, failed, print_json
from .pool import bench_pool
from .pool_ways import Unequal


class Told(Protocol):
    """What a measurement has to say."""

    def document(self) -> dict[str, Any]: ...
    def lines(self) -> list[str]: ...


def bench(options: argparse.Namespace) -> int:
    """Runs one of the subjects; gives its exit code. Raises KeyboardInterrupt at Ctrl-C, when all has ended."""
    try:
        told = asyncio.run(_until_told(bench_pool(options.rounds, options.seconds)))
    except Unequal as error:
        return failed(f"the results are not equal: {error}; please report it")
    except OSError as error:
        return failed(f"the measurement failed: {error}")
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    if options.json:
        print_json(told.document())
    else:
        print("\n".join(told.lines()))
    return DONE


async def _until_told(work: Coroutine[Any, Any, Told]) -> Told:
    """The work; SIGTERM and SIGHUP end it as Ctrl-C does."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task

"""The command: runs what was asked for, says what came of it, and ends cleanly at Ctrl-C."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any, Protocol

from ..commands.ends import DONE, FAILED, failed, print_json
from .pool import bench_pool
from .pool_ways import Unequal
from .size import bench_size
from .street import bench_street
from .whole import Failed


class Told(Protocol):
    """What a measurement has to say. trouble: what makes it a failure all the same."""

    def document(self) -> dict[str, Any]: ...
    def lines(self) -> list[str]: ...
    def trouble(self) -> list[str]: ...


def bench(options: argparse.Namespace) -> int:
    """Runs one of the subjects; gives its exit code. Raises KeyboardInterrupt at Ctrl-C, when all has ended."""
    try:
        told = asyncio.run(_until_told(_subject(options)))
    except Unequal as error:
        return failed(f"the results are not equal: {error}; please report it")
    except (Failed, OSError) as error:
        return failed(f"the measurement failed: {error}")
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    if options.json:
        print_json(told.document())
    else:
        print("\n".join(told.lines()))
    trouble = told.trouble()
    for sentence in trouble:
        print(f"gateway: {sentence}", file=sys.stderr)
    return FAILED if trouble else DONE


def _subject(options: argparse.Namespace) -> Coroutine[Any, Any, Told]:
    if options.subject == "street":
        return bench_street(options.rounds, options.seconds, options.boards)
    if options.subject == "size":
        return bench_size(options.rounds, options.seconds)
    return bench_pool(options.rounds, options.seconds)


async def _until_told(work: Coroutine[Any, Any, Told]) -> Told:
    """The work; SIGTERM and SIGHUP end it as Ctrl-C does."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task

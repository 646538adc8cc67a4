"""Starts the real gateway after making it slower to be patient, or weaker, or metered; the product has no such options.

python -m tests.faults.launch [--timer NAME=SECONDS …] [--without DEFENCE …] [--lag FILE] [--clock FILE] run -c FILE
"""

import argparse
import functools
import importlib
import mmap
import os
import signal
import struct
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.faults import lag
from tests.faults.defences import DEFENCES

TIMERS = {
    "keepalive": ("gateway.publish.client", "KEEPALIVE"),  # between two pings
    "stalled": ("gateway.publish.publisher", "STALLED"),  # of that, before it is told
    "unanswered": ("gateway.publish.publisher", "UNANSWERED"),  # without an acknowledgement
    "denied": ("gateway.publish.refusals", "DENIED_PAUSE"),  # before a message that may not be published goes again
    "rival": ("gateway.publish.contact", "RIVAL_PAUSE"),  # after a takeover; twice this at most
    "refused": ("gateway.publish.contact", "REFUSED_PAUSE"),  # after a refusal with a reason; twice this at most
    "waiting": ("gateway.service", "WAITING"),  # no time: readings that memory holds
    "documents": ("gateway.telling.report", "EVERY"),  # between two times that all status documents are published
    "quarantine": ("gateway.compute.custom.quarantine", "FIRST"),  # before a custom feature is tried again
}
"""Times of the product that a short run makes shorter, by name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Starts `gateway`; gives its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.launch")
    parser.add_argument("--timer", action="append", default=[], metavar="NAME=SECONDS")
    parser.add_argument("--without", action="append", default=[], choices=DEFENCES)
    parser.add_argument("--lag", type=Path, metavar="FILE")
    parser.add_argument("--clock", type=Path, metavar="FILE")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    if options.clock is not None:
        _step(options.clock)
    for timer in options.timer:
        name, _, seconds = timer.partition("=")
        _set_timer(name, float(seconds))
    for name in options.without:
        DEFENCES[name].out()
    if "GATEWAY_POISONED" in os.environ:
        _poison()
    if file := os.environ.get("GATEWAY_UNPICKLED"):
        _listen(Path(file))
    if options.lag is not None:
        _meter(options.lag)
    from gateway.cli import run

    return run(options.command)


def _step(file: Path) -> None:
    """Puts the wall clock as many seconds beside the machine's as `file` says, a double, at each look.

    The monotonic clock stays as it is, as at a real step. libfaketime would do it to the whole process, and makes the
    threads of one wait for each other: the loop was 100 ms late of itself.
    """
    real = time.time
    with file.open("rb") as opened:
        beside = mmap.mmap(opened.fileno(), 8, access=mmap.ACCESS_READ)
    time.time = lambda: real() + struct.unpack_from("d", beside)[0]


def _set_timer(name: str, seconds: float) -> None:
    module, attribute = TIMERS[name]
    holder = importlib.import_module(module)
    before = getattr(holder, attribute)
    value: Any = (seconds, 2 * seconds) if isinstance(before, tuple) else type(before)(seconds)
    setattr(holder, attribute, value)


def _poison() -> None:
    """Has a spool in which there is something kill the process that opens it."""
    from gateway.publish.spool import disk, store

    class Poisoned(store.Store):
        def __init__(self, folder: Path, limit: int, known: int | None = None) -> None:
            if (folder / store.FILE).exists():
                os.kill(os.getpid(), signal.SIGKILL)
            super().__init__(folder, limit, known)

    disk.Store = Poisoned  # type: ignore[misc]


def _listen(file: Path) -> None:
    """Has each class that is unpickled in this process named in `file`."""
    out = open(file, "a", buffering=1)  # noqa: SIM115 - for as long as the process runs

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "pickle.find_class":
            out.write("{}.{}\n".format(*arguments))

    sys.addaudithook(hook)


def _meter(file: Path) -> None:
    """Has the service's own loop metered for as long as it serves."""
    from gateway import service

    serve = service.serve

    @functools.wraps(serve)
    async def metered(config: Any) -> int:
        end = lag.meter(file)
        try:
            return await serve(config)
        finally:
            end()

    service.serve = metered


if __name__ == "__main__":
    sys.exit(main())

"""The signals that a gateway heeds: SIGTERM and SIGINT stop it, SIGHUP has it read its configuration again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it takes long to import, and `await_loop` comes before all that does
    import asyncio

STOPS, RELOADS = (signal.SIGTERM, signal.SIGINT), signal.SIGHUP

_early: set[int] = set()  # those to reload that came before `heed`


def await_loop() -> None:
    """From now on until `heed`: a stop ends the process, where nothing runs yet, with exit code 0; a reload waits."""
    for number in STOPS:
        signal.signal(number, _end)
    signal.signal(RELOADS, lambda number, _frame: _early.add(number))


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(0)  # an exception would end up in the middle of an import, and not each library takes that


def heed(loop: asyncio.AbstractEventLoop, stop: Callable[[], None], reload: Callable[[], None]) -> None:
    """Has `loop` call these at a signal, and `reload` for one that came before."""
    for number in STOPS:
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(RELOADS, reload)
    if _early:
        _early.clear()
        reload()


def be_deaf(loop: asyncio.AbstractEventLoop) -> None:
    """A further signal finds nobody: all is done, and the closing loop would let it end us with a failure."""
    signals = {*STOPS, RELOADS}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    for number in signals:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)

"""The signals that a gateway heeds: SIGTERM and SIGINT stop it, SIGHUP has it read its configuration again."""

import asyncio
import signal
from collections.abc import Callable

STOPS, RELOADS = (signal.SIGTERM, signal.SIGINT), signal.SIGHUP


def heed(loop: asyncio.AbstractEventLoop, stop: Callable[[], None], reload: Callable[[], None]) -> None:
    """Has `loop` call these at a signal."""
    for number in STOPS:
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(RELOADS, reload)


def be_deaf(loop: asyncio.AbstractEventLoop) -> None:
    """A further signal finds nobody: all is done, and the closing loop would let it end us with a failure."""
    signals = {*STOPS, RELOADS}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    for number in signals:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)

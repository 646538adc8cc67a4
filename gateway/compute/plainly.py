"""Loaded by the fork server alone, and so by its children: what fails there before a worker runs is told in one line.

The pool tells it, too, and counts it; of a fork that failed this line has the cause.
"""

import signal
import sys
from types import TracebackType


def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """In place of a traceback, on standard error, which is the gateway's log."""
    why = " ".join(str(error).split())
    print(f"a worker process cannot start: {kind.__name__}: {why}"[:500], file=sys.stderr, flush=True)


sys.excepthook = tell
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # blocked while this process started: see process.py

"""The life of a worker process: tasks in, answers out, over one pipe, until its end closes."""

import contextlib
import ctypes
import os
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path

PR_SET_PDEATHSIG = 1
READY = b""


def serve(pipe: Connection) -> None:
    """Answers each task on `pipe`. Says READY once; returns when the gateway has gone or wants no more."""
    _settle_in()
    from .batch import answer  # numpy comes with it: after OPENBLAS_NUM_THREADS has been set

    pipe.send_bytes(READY)
    while True:
        try:
            task = pipe.recv_bytes()
        except (EOFError, ConnectionError):
            return
        try:
            pipe.send_bytes(answer(task))
        except ConnectionError:
            return


def _settle_in() -> None:
    """What makes this process a good child: it dies with its parent, and leaves signals and output to the gateway."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the gateway drains us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.pop("NOTIFY_SOCKET", None)
    os.dup2(sys.stderr.fileno(), 1)  # standard output is the gateway's alone: it may be one JSON document
    with contextlib.suppress(OSError):  # out of memory, a worker goes before the gateway; some sandboxes forbid it
        Path("/proc/self/oom_score_adj").write_text("500")

"""The life of a worker process: tasks in, answers out, over one socket, until its end closes."""

import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

from .single import one_thread
from .wire import READY, Inbox, framed, room

PR_SET_PDEATHSIG = 1
STDOUT, STDERR = 1, 2


def serve(pipe: socket.socket) -> None:
    """Answers each task on `pipe`; returns when the gateway has gone or wants no more.

    Says READY first, with a sentence when it is of no use, and whenever it is asked for that.
    """
    try:
        settle_in(pipe)
        one_thread()  # for a fork server that was there before us
        from .batch import answer  # numpy comes with it
    except Exception as error:  # whatever it is: the pool tells it, and tries again
        with suppress(ConnectionError):
            pipe.sendall(framed(READY, _sentence(error)))
        return
    inbox, piece = Inbox(), room()
    with suppress(ConnectionError):  # the gateway has gone
        pipe.sendall(framed(READY, b""))
        while size := pipe.recv_into(piece):
            for number, task in inbox.feed(piece[:size]):
                pipe.sendall(framed(number, b"" if number == READY else answer(task)))


def _sentence(error: Exception) -> bytes:
    cure = "; install the gateway anew, with what it needs" if isinstance(error, ImportError) else ""
    why = " ".join(str(error).split()) or "no more is known"  # numpy's has paragraphs
    return b"%s: %s%s" % (type(error).__name__.encode(), why.encode(errors="replace")[:300], cure.encode())


def settle_in(pipe: socket.socket) -> None:
    """What makes this process a good child: it dies with its parent, and leaves signals and output to the gateway."""
    die_with_parent()  # the fork server, which ends when the gateway does
    close_all_but(pipe.fileno())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the gateway drains us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.pop("NOTIFY_SOCKET", None)
    try:
        os.dup2(STDERR, STDOUT)  # standard output is the gateway's alone: it may be one JSON document
    except OSError:  # there is no standard error
        os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)
    goes_first(500)


def die_with_parent() -> None:
    """This process is killed when the one that forked it ends."""
    import ctypes  # with numpy it is there; the gateway, which imports this file, has no need of it

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def goes_first(score: int) -> None:
    """Out of memory, this process goes before the gateway; some sandboxes forbid to say so."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(score))


def close_all_but(*kept: int) -> None:
    """Above all the pipe by which the fork server sees that the gateway has gone: each child is given an end of it, and
    a worker that hangs would keep the fork server, and so all the others, alive."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in (0, STDOUT, STDERR, *kept):
            with suppress(OSError):  # the listing's own
                os.close(int(name))

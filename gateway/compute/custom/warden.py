"""The process that watches over one feature's process: whatever becomes of that, nothing that it started is left.

It runs none of the user's code. It forks the process that does, adopts what that leaves, and when the feature's process
has ended, or the gateway has closed its end of the socket, kills everything below it and ends in the same way. To fork
is safe here: there is no other thread that could hold a lock.
"""

import os
import resource
import select
import signal
import socket
import time
from contextlib import suppress
from io import FileIO

from ..worker import close_all_but
from .left import parents

PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 2.0  # s for what it killed to be gone; what hangs in the kernel then stays


def serve(pipe: socket.socket, output: socket.socket | FileIO) -> None:
    """Runs a feature on `pipe`; what it prints goes to `output`. Ends when it ends, or when the gateway lets go."""
    import ctypes  # with numpy it is there

    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    close_all_but(pipe.fileno(), output.fileno())
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    from .work import work  # numpy comes with it

    child = os.fork()
    if child == 0:
        os.close(woken)
        os.close(wake)
        work(pipe, output)  # does not return
    output.close()
    _end_like(_watched(child, pipe, woken))


def _watched(child: int, pipe: socket.socket, woken: int) -> int:
    """Waits until the child has ended, or the gateway has let go, and leaves nobody behind. Gives the wait status."""
    status = None
    looks = select.poll()
    looks.register(pipe, select.POLLRDHUP)
    looks.register(woken, select.POLLIN)
    while status is None:
        over = any(descriptor == pipe.fileno() for descriptor, _ in looks.poll())
        with suppress(BlockingIOError):
            os.read(woken, 4096)
        status = _reaped(child)
        if over:
            break
    end = time.monotonic() + PATIENCE
    while _killed_all() and time.monotonic() < end:
        found = _reaped(child)
        status = found if status is None else status
        time.sleep(0.002)
    return signal.SIGKILL if status is None else status


def _reaped(child: int) -> int | None:
    """Takes leave of all that have ended; gives the wait status of `child` when it is one of them."""
    status = None
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                status = ended[1]
    return status


def _killed_all() -> bool:
    """Kills the children; theirs become ours. False when there are none."""
    me, found = os.getpid(), False
    for pid, parent in parents().items():
        if parent == me:
            found = True
            with suppress(PermissionError):  # a program that runs as another user
                os.kill(pid, signal.SIGKILL)
    return found


def _end_like(status: int) -> None:
    """Ends as the child did, so that the gateway sees how that was."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 255)

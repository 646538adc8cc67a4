"""One worker process: how it is started, watched and ended. The only door to multiprocessing.

Workers are forked by a fork server, a process that has nothing but numpy and our arithmetic loaded: forking the gateway
itself, with its threads, could leave a child with a lock that nobody holds.
"""

import atexit
import contextlib
import errno
import multiprocessing
import os
import signal
import socket
import sys
import threading
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.process import BaseProcess

from .worker import serve

NOT_ITS_FAULT = {-signal.SIGKILL, -signal.SIGTERM, 255}  # how a process ends that somebody killed; 255: not known
CURES = {
    errno.EMFILE: "allow more open files (LimitNOFILE= in the unit, ulimit -n)",
    errno.EAGAIN: "allow more processes (TasksMax= in the unit, ulimit -u)",
    errno.ENOMEM: "memory is short: use fewer workers",
    errno.ENOENT: "the working directory has to exist, and TMPDIR to be one that can be written",
    errno.ETIMEDOUT: "a new one takes its place; where that comes again, this machine is too busy",
    errno.ENAMETOOLONG: "TMPDIR has to be a shorter path",
}

ANSWER_PATIENCE = 5.0  # s for the fork server to make a process; one that did not is stopped, or hangs
FIRST_PATIENCE = 60.0  # s for its first one: it imports numpy before, on a slow board

_one_at_a_time = threading.Lock()
_proven: set[int] = set()  # the pid of the fork server, once it has made a process


@dataclass(slots=True, eq=False)
class Process:
    """A worker, and our end of its socket."""

    process: BaseProcess
    pipe: socket.socket
    pid: int
    leads: bool = False  # a group of its own, which ends with it

    @property
    def sentinel(self) -> int:
        """A descriptor that can be read once the process has ended."""
        return self.process.sentinel

    def kill(self) -> None:
        """Ends it at once."""
        with contextlib.suppress(ProcessLookupError):
            if self.process.is_alive():
                if self.leads:
                    with contextlib.suppress(ProcessLookupError):  # it has not made its group yet
                        os.killpg(self.pid, signal.SIGKILL)
                os.kill(self.pid, signal.SIGKILL)

    @property
    def code(self) -> int | None:
        """How it ended: its exit code, or minus the signal; None while it has not."""
        return self.process.exitcode

    def crashed(self) -> bool:
        """Whether it ended by itself. Lets go of it; to be called once, at its end."""
        code = self.process.exitcode
        if code is None:  # not even SIGKILL could end it: it hangs in the kernel
            return False
        self.process.close()
        return code not in NOT_ITS_FAULT


def begin() -> None:
    """Starts the fork server, which then imports numpy while this process imports the rest of its own.

    For a program that is ours alone: multiprocessing's resource tracker is not started, another Python of 7 MB, which
    looks after what nothing of ours shares. What goes wrong here goes wrong at the first `spawn` as well: told there.
    """
    if (nowhere := _nowhere()) is not None:
        vars(resource_tracker).update(ensure_running=lambda: None, getfd=lambda: nowhere)
    with contextlib.suppress(OSError), _one_at_a_time, _no_main():
        _context()
        _ensure_server()


def _nowhere() -> int | None:
    """A descriptor into which all can be written, for as long as this process runs; None where none is to be had."""
    try:
        return os.open(os.devnull, os.O_WRONLY)
    except OSError:
        return None


def _context() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([f"gateway.compute.{name}" for name in ("plainly", "tied", "single", "batch")])
    return context


def spawn(target: Callable[..., None] | None = None, *more: socket.socket) -> Process:
    """A new worker, which runs `serve`, or a `target` that makes a group of its own and also gets the sockets `more`.

    Blocks until it is there, at most for the patience with the fork server. Raises OSError with a sentence that says
    what to do about it.
    """
    context = _context()
    ours = theirs = None
    try:
        ours, theirs = socket.socketpair()
        process = context.Process(target=target or serve, args=(theirs, *more), daemon=True)
        with _one_at_a_time, _no_main(), _in_time():
            process.start()
    except Exception as error:  # no file, no process, no fork server: whatever it was, the pool tries again
        if ours is not None:
            ours.close()
        raise OSError(_sentence(error)) from error
    finally:
        if theirs is not None:
            theirs.close()
    return Process(process, ours, process.pid or 0, leads=target is not None)


def _sentence(error: Exception) -> str:
    number, why = getattr(error, "errno", None), getattr(error, "strerror", None)
    if isinstance(error, EOFError):  # the fork server has ended; its word on it is on standard error: plainly.py
        number, why = errno.EAGAIN, "its fork server could not make it"
    if "path too long" in str(error):  # of a socket; it comes without a number
        number = errno.ENAMETOOLONG
    cure = CURES.get(number or 0)
    return f"a worker process cannot start: {why or error}" + (f"; {cure}" if cure else "")


def _ensure_server() -> None:
    """Starts the fork server if there is none. SIGINT is blocked in it until it ignores it, in plainly.py: Ctrl-C
    reaches the whole group, and an interpreter that it meets while it starts prints a traceback.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _server() -> int | None:
    """The pid of the fork server. multiprocessing keeps it to itself, and has no other way to end one that hangs."""
    pid: int | None = getattr(forkserver._forkserver, "_forkserver_pid", None)
    return pid


def _end_server() -> None:
    """Kills the fork server. Whoever waits for its word, on a start or on an end, hears that it is gone; the next start
    makes a new one."""
    if (pid := _server()) is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


atexit.register(_end_server)  # before multiprocessing's own: that waits until the fork server has told of each end


@contextlib.contextmanager
def _in_time() -> Iterator[None]:
    """Ends a fork server that does not answer in time, and with that the wait for it. Raises OSError then."""
    _ensure_server()  # where it has ended, a new one, which imports numpy
    patience = ANSWER_PATIENCE if _server() in _proven else FIRST_PATIENCE
    overdue = threading.Event()

    def end() -> None:
        overdue.set()
        _end_server()

    alarm = threading.Timer(patience, end)
    alarm.daemon = True
    try:
        alarm.start()
    except RuntimeError:
        raise OSError(errno.EAGAIN, "no thread can start") from None
    try:
        yield
    except (EOFError, OSError) as error:
        if not overdue.is_set():
            raise
        if (pid := _server()) is not None:  # else the next start may take it for alive: it lets go of all first
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        raise OSError(errno.ETIMEDOUT, f"its fork server did not answer for {patience:.0f} s and was ended") from error
    finally:
        alarm.cancel()
        alarm.join()  # it kills nothing later, when the pid may be another's
    _proven.clear()
    _proven.update({_server() or 0})


@contextlib.contextmanager
def _no_main() -> Iterator[None]:
    """multiprocessing runs the program's main file once more in each child; ours need nothing of it, and a script
    without the usual guard would start itself over and over. So for a moment `__main__` has no file; all else that is
    in it can still be found there."""
    real = sys.modules["__main__"]
    stand_in = types.ModuleType("__main__")
    vars(stand_in).update({**vars(real), "__file__": None, "__spec__": None})
    sys.modules["__main__"] = stand_in
    try:
        yield
    finally:
        sys.modules["__main__"] = real

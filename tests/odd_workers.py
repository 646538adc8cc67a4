"""Worker processes for tests: they do what their task says, which no worker of ours would do."""

import os
import signal
import socket
import sys
import time
from pathlib import Path

from gateway.compute import worker
from gateway.compute.wire import HEADER, LARGEST, READY, Inbox, framed


def serve(pipe: socket.socket) -> None:
    """Takes b"<what> <argument>". What misbehaves does so once: its argument is a file that says that it has."""
    worker.settle_in(pipe)
    pipe.sendall(framed(READY, b""))
    inbox = Inbox()
    while piece := pipe.recv(1 << 18):
        for number, task in inbox.feed(piece):
            if number == READY:  # it is asked whether it is there
                pipe.sendall(framed(READY, b""))
            else:
                _do(pipe, number, task)


def _do(pipe: socket.socket, number: int, task: bytes) -> None:
    what, _, argument = task.partition(b" ")
    if what in ODD:
        once = Path(argument.decode())
        if not once.exists():
            once.touch()
            ODD[what](pipe, number)
    elif what == b"crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif what == b"sleep":
        time.sleep(float(argument))
    elif what == b"spin":
        end = time.monotonic() + float(argument)
        while time.monotonic() < end:
            pass
    elif what == b"work":
        end = time.process_time() + float(argument)
        while time.process_time() < end:
            pass
    elif what == b"hang":
        waits = [(os.POSIX_SPAWN_OPEN, 0, argument.decode(), os.O_RDONLY, 0)]
        os.posix_spawn("/bin/true", ["true"], {}, file_actions=waits)
    elif what == b"print":
        print(argument.decode(), flush=True)
        os.write(1, argument)
        os.system(f"echo {argument.decode()}")
    elif what == b"modules":
        argument = "\n".join(sys.modules).encode()
    pipe.sendall(framed(number, argument))


def _half(pipe: socket.socket, number: int) -> None:
    pipe.sendall(framed(number, b"x" * 1000)[:500])
    os._exit(0)


def _stop_in_the_middle(pipe: socket.socket, number: int) -> None:
    pipe.sendall(framed(number, b"x" * 1000)[:500])
    os.kill(os.getpid(), signal.SIGSTOP)


ODD = {
    b"huge": lambda pipe, number: pipe.sendall(HEADER.pack(number, LARGEST + 1)),
    b"wrong-number": lambda pipe, number: pipe.sendall(framed(number + 1, b"x")),
    b"ready-again": lambda pipe, number: pipe.sendall(framed(READY, b"")),
    b"answered-twice": lambda pipe, number: pipe.sendall(framed(number, b"nonsense") * 2),
    b"noise": lambda pipe, number: pipe.sendall(b"\xff" * 100_000),
    b"torn": lambda pipe, number: pipe.sendall(framed(number, b"nonsense")),
    b"half": _half,
    b"stop-in-the-middle": _stop_in_the_middle,
    b"stop": lambda pipe, number: os.kill(os.getpid(), signal.SIGSTOP),
    b"exit": lambda pipe, number: os._exit(0),
    b"closed": lambda pipe, number: (pipe.close(), time.sleep(60)),
    b"segv": lambda pipe, number: os.kill(os.getpid(), signal.SIGSEGV),
}


def never_ready(pipe: socket.socket) -> None:
    """Ends before it has said that it is ready."""
    worker.settle_in(pipe)
    os._exit(3)


def without_numbers(pipe: socket.socket) -> None:
    """What it has to import cannot be imported."""
    sys.modules["gateway.compute.batch"] = None  # type: ignore[assignment]
    worker.serve(pipe)


def wordy(pipe: socket.socket) -> None:
    """Is of no use, and says why at such length that its sentence is cut within a character."""
    worker.settle_in(pipe)
    pipe.sendall(framed(READY, worker._sentence(ValueError("x" + "°" * 400))))


def stopped_at_once(pipe: socket.socket) -> None:
    """Is stopped before it has said that it is ready."""
    worker.settle_in(pipe)
    os.kill(os.getpid(), signal.SIGSTOP)


def deaf(pipe: socket.socket) -> None:
    """Is ready, and then neither reads nor sees the end of its socket."""
    worker.settle_in(pipe)
    pipe.sendall(framed(READY, b""))
    while True:
        time.sleep(60)

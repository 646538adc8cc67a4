"""`gateway watch` as a child process: on a pseudo-terminal with an emulated screen, or with its output in a pipe."""

import codecs
import contextlib
import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator

from tests.screens import Emulated
from tests.street import ROOT, until

START = 20.0  # s for a program to start on a machine that others share


def _own_terminal() -> None:
    """The child's terminal is its standard input, so that Ctrl-C and Ctrl-Z are its."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Watching:
    """On a terminal of this size. screen: what is on it."""

    def __init__(self, arguments: list[str], width: int, height: int) -> None:
        self.screen = Emulated(width, height)
        self.bytes = 0
        self._lock = threading.Lock()
        self._master, slave = os.openpty()
        self.resize(width, height)
        environment = {
            name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "watch", *arguments], cwd=ROOT, stdin=slave, stdout=slave, stderr=slave,
            env=environment | {"TERM": "xterm-256color"}, preexec_fn=_own_terminal,
        )  # fmt: skip
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self._failed: list[BaseException] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")()
        with contextlib.suppress(OSError):  # nobody has it open any more
            while data := os.read(self._master, 1 << 16):
                self.bytes += len(data)
                try:
                    with self._lock:
                        self.screen.feed(decoder.decode(data))
                except AssertionError as error:
                    self._failed.append(error)
                    return

    def lines(self) -> list[str]:
        """What is to be seen now."""
        if self._failed:
            raise self._failed[0]
        with self._lock:
            return self.screen.lines

    def until(self, text: str, patience: float = START) -> list[str]:
        """What is to be seen, once `text` is."""
        until(lambda: any(text in line for line in self.lines()), f"{text!r} on {self.lines()}", patience)
        return self.lines()

    def press(self, keys: str) -> None:
        """Types."""
        os.write(self._master, keys.encode())

    def resize(self, width: int, height: int) -> None:
        """The terminal gets another size, and its program a SIGWINCH."""
        with self._lock:
            self.screen.resize(width, height)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def close(self) -> None:
        """Ends it, if it still runs."""
        self.process.kill()
        self.process.wait(10)
        os.close(self.slave)


@contextlib.contextmanager
def on_a_terminal(arguments: list[str], width: int = 80, height: int = 24) -> Iterator[Watching]:
    """A running watch."""
    one = Watching(arguments, width, height)
    try:
        yield one
    finally:
        one.close()


@contextlib.contextmanager
def in_a_pipe(arguments: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A running watch whose output is read."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "watch", *arguments],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def watched(arguments: list[str]) -> tuple[int, str, str]:
    """(exit code, output, errors) of one that ends by itself."""
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "watch", *arguments],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@contextlib.contextmanager
def simulated(folder, boards: int = 2, rate: float = 10.0) -> Iterator[tuple[dict[str, str], subprocess.Popen[str]]]:
    """Boards that talk: name -> port, and their process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "simulators", "--json", "--boards", str(boards), "--rate", str(rate), "--links", folder],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        plugs = json.loads(process.stdout.readline())["boards"]
        yield {plug["name"]: str(folder / plug["name"]) for plug in plugs}, process
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.communicate()


def publish(port, where, payload, *options):
    """A message of somebody else's."""
    command = ["mosquitto_pub", "-p", str(port), "-t", where, "-q", "1", "-s", *options]
    subprocess.run(command, input=payload, check=True, timeout=10)

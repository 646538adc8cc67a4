"""A simulated board: its port, who has it open, and what goes wrong with it.

    no reader -> it boots (silence, then its banner) -> its lines -> no reader …        unplugged <-> no reader

A board without a kind and without lines is a bare wire: only what a test writes to it goes out.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, RLock, Thread
from types import TracebackType
from typing import IO, Self

from simulators.faults import FAULTS, Fault
from simulators.kinds import KINDS, Kind, Line, Row, boot_text, given, looped, measured, names, spelled
from simulators.loop import LOOK, serve, until
from simulators.sender import Sender
from simulators.tally import Tally
from simulators.wire import Wire

HUSH = 0.05  # s of silence before a plug is pulled, so that what is lost is what was cut


class Board:
    """A board on a pseudo-terminal of its own. In a `with` it talks by itself, from a thread.

    kind: a row of KINDS; or lines: what to send, ready-made, with its ends of line. sensors, rate (records/s, all
    sensors in each) and seed: of a kind. values: the numbers that it sends, as text, in place of a model's. baud: the
    line's (0: whatever the reader has; a bare wire's default). pace: "baud", or "none": as fast as the reader takes.
    boot: s of silence after a reader came. most: lines after which it is done. link: a symlink kept on its port; in a
    `with` there is always one, since the number of a port that is gone is the next one that any process gets.
    log: where readings are told.
    """

    def __init__(
        self,
        kind: str | None = None,
        *,
        name: str = "board",
        sensors: int = 4,
        rate: float = 10.0,
        baud: int | None = None,
        pace: str = "baud",
        boot: float = 0.2,
        seed: int = 0,
        values: Iterable[str] | None = None,
        lines: Iterable[bytes] | None = None,
        most: float = math.inf,
        link: Path | None = None,
        log: IO[str] | None = None,
    ) -> None:
        bare = kind is None and lines is None
        self.name, self.kind = name, kind
        self.sensors = [] if kind is None else names(KINDS[kind], sensors)
        self._banner = b"" if kind is None else boot_text(KINDS[kind], self.sensors)
        self._boot, self._link = boot, link
        self._at_once = bare or pace == "none"
        if kind is None:
            ready = map(Line, lines or ())
            self._again: Callable[[], Iterator[Line]] = lambda: ready
        else:
            rows = _rows(KINDS[kind], self.sensors, rate, f"{seed}/{name}", values, loop=pace == "none")
            self._again = lambda: spelled(KINDS[kind], rows)
        baud = (0 if bare else 115_200) if baud is None else baud
        self._sender = Sender(name, self._again(), baud, 1 / rate, most, log)
        self._wire: Wire | None = None
        self._was = ""  # the port before this one
        self._met = False  # it talks with a reader
        self.had_reader = False  # ever
        self._quiet = self._flood = 0.0  # until when
        self._pull: float | None = None  # when the plug goes
        self._replug: float | None = None
        self._stopped = bare
        self._lock = RLock()
        self._over = Event()
        self._thread: Thread | None = None
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        if self._link is None:
            self._link = Path(self._closing.enter_context(TemporaryDirectory(prefix="board-")), self.name)
        self.plug()
        if not self._stopped:
            self._thread = Thread(target=serve, args=([self], self._over.is_set), name=self.name, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self.unplug()
        self._closing.close()

    @property
    def path(self) -> str:
        """Where a reader opens it: the link, or the device. Raises RuntimeError while it is unplugged."""
        return self._plugged().path

    @property
    def device(self) -> str:
        """The pseudo-terminal itself, /dev/pts/N: another one after each plug()."""
        return self._plugged().device

    @property
    def fd(self) -> int | None:
        """The master's descriptor, None while unplugged."""
        wire = self._wire
        return None if wire is None else wire.fd

    @property
    def baud(self) -> int:
        """The rate at which it talks."""
        return self._sender.baud

    @property
    def written(self) -> Tally:
        """What went out so far."""
        return self._sender.written

    @property
    def starved(self) -> bool:
        """Whether it has more to write and its reader leaves no room."""
        return self._sender.starved

    @property
    def done(self) -> bool:
        """Whether all lines are out, or it was stopped and nothing is under way."""
        return not self._sender.pending if self._stopped else self._sender.done

    @property
    def has_reader(self) -> bool:
        """Whether somebody listens: has the port open and, where the line has a rate, chose one."""
        with self._lock:
            return self._wire is not None and self._listens(self._wire.heard())

    def plug(self) -> None:
        """Puts the board on a port, never on the one that it had before. Does nothing while it is on one."""
        with self._lock:
            self._replug = None
            if self._wire is None:
                self._wire = Wire(self._link, self._was)
                self._was = self._wire.device

    def unplug(self) -> None:
        """Pulls the plug at once: the reader is hung up, the port and its link vanish, what is unread is lost."""
        with self._lock:
            self._pull = None
            self._leave()
            wire, self._wire = self._wire, None  # first: who is hung up may look at once
            if wire is not None:
                wire.close()

    def write(self, data: bytes, timeout: float = 5.0) -> None:
        """Puts `data` on the line, after what is under way. Raises TimeoutError when nobody makes room for it."""
        with self._lock:
            wire = self._plugged()
            self._sender.by_hand(wire, wire.heard() or 0, data, timeout)

    def read(self) -> bytes:
        """What readers have written to the board since."""
        with self._lock:
            return self._plugged().read()

    def fault(self, name: str, arg: float | None = None) -> None:
        """One of FAULTS, now; `arg` as there. `unplug` by this name cuts a line in half first, and plugs in again."""
        fault = Fault(0.0, name, FAULTS.get(name, 0.0) if arg is None else arg)
        arg = fault.arg
        with self._lock:
            now = time.monotonic()
            if name in ("drop", "garble", "duplicate"):
                self._sender.alter.append(fault)
            elif name == "baud":
                self._sender.baud = int(arg)
            elif name == "flood":
                self._flood = now + arg
            elif name == "unplug":
                self._pull, self._replug = now + HUSH, now + HUSH + arg
                if self._wire is not None and self._met:
                    self._sender.half(self._wire, self._wire.heard() or 0)
            else:
                self._silence(now + arg)
                if name == "reboot":
                    self._sender.restart(self._again(), self._banner)

    def stop(self) -> None:
        """No new line from now on. The port stays open, so that what is out can be read."""
        with self._lock:
            self._stopped = True

    def wait_reader(self, timeout: float = 5.0) -> None:
        """Returns when somebody listens. Raises TimeoutError."""
        until(lambda: self.has_reader, timeout, f"nobody opened {self.path} and chose a rate")

    def wait_done(self, timeout: float = 30.0) -> None:
        """Returns when it is done. Raises TimeoutError."""
        until(lambda: self.done, timeout, f"board {self.name!r} did not get all its lines out")

    def step(self, now: float) -> float:
        """Does what is due by `now` (monotonic); says when to come again."""
        with self._lock:
            if self._pull is not None and now >= self._pull:
                self.unplug()
            if self._replug is not None and now >= self._replug:
                self.plug()
            if self._wire is None or self._pull is not None:
                return now + LOOK
            rate = self._wire.heard()
            if rate is None:
                self._leave()
            if not self._listens(rate):
                talks = self.had_reader and not self._at_once and not self._stopped and now >= self._quiet
                return self._sender.paced(None, 0, now) if talks else now + LOOK
            return self._talk(self._wire, rate or 0, now)

    def _talk(self, wire: Wire, rate: int, now: float) -> float:
        if not self._met:
            self._met = self.had_reader = True
            self._silence(max(self._quiet, now + self._boot))  # one that hangs is not cured by being opened
            self._sender.greet(self._banner)
        if self._stopped:
            self._sender.flush(wire)
            return now + LOOK
        if now < self._quiet:
            return min(self._quiet, now + LOOK)
        if self._at_once or now < self._flood:
            return self._sender.flat_out(wire, rate, now)
        return self._sender.paced(wire, rate, now)

    def _listens(self, rate: int | None) -> bool:
        return rate is not None and (rate > 0 or self._at_once)

    def _silence(self, until: float) -> None:
        self._quiet = until
        self._sender.hold(until)

    def _leave(self) -> None:
        """The reader is gone, if there was one."""
        if self._met and self._wire is not None:
            self._met = False
            self._sender.leave()

    def _plugged(self) -> Wire:
        wire = self._wire
        if wire is None:
            raise RuntimeError(f"board {self.name!r} is unplugged: plug() it first")
        return wire


def _rows(
    kind: Kind, sensors: list[str], rate: float, seed: str, values: Iterable[str] | None, *, loop: bool
) -> Iterator[Row]:
    if values is not None:
        return given(iter(values), sensors)
    rows = measured(kind, sensors, rate, seed)
    return looped(rows) if loop else rows

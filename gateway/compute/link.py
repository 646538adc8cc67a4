"""The gateway's end of one worker's socket: sends without waiting, and notices a worker that is silent for too long."""

import asyncio
import math
import socket
from collections.abc import Callable

from .silence import UNSEEN, WAS_BUSY, Silence, glance
from .wire import LARGEST, PIECE, Inbox, Nonsense, framed, room

_PIECE = room()  # of whichever link is read
LATE = 0.5  # s after its due time at which a look says more about this loop than about a worker


class Link:
    """Reads and writes `pipe` in the running loop.

    heard: gets each message, (number, data); raises Nonsense when it is not one that was due. lost: is told why the
    worker is of no more use, and whether the task that it had may be to blame; it closes this link. largest: bytes of a
    message that it may send. pid: of the worker, which is looked at before it is blamed; None: only its time counts.
    """

    def __init__(
        self,
        pipe: socket.socket,
        heard: Callable[[int, bytes], None],
        lost: Callable[[str, bool], None],
        largest: int = LARGEST,
        pid: int | None = None,
    ) -> None:
        self._pipe, self._heard, self._lost, self._pid = pipe, heard, lost, pid
        self._inbox = Inbox(largest)
        self._unsent = memoryview(b"")
        self._writing = False
        self._patience: tuple[float, float] | None = None
        self._silence = Silence(0.0, 0.0)
        self._alarm: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        pipe.setblocking(False)
        self._loop.add_reader(pipe, self._readable)

    def send(self, number: int, data: bytes, patience: float, work: float = math.inf) -> None:
        """Sends a message; an answer, or a sign that one is coming, is due within `patience` seconds.

        work: s of a core that it may use; with a pid only, and `patience` is then how long it may wait otherwise.
        """
        self._put(number, data)
        self._patience = patience, work
        self._write()

    def post(self, number: int, data: bytes) -> None:
        """Sends a message after which nothing else is due than before, and no later."""
        self._put(number, data)
        self._push()

    def expect(self, patience: float) -> None:
        """A message is due within `patience` seconds."""
        self._patience = patience, patience
        self._listen()

    def renew(self) -> None:
        """Of several answers one has come: the next is due within as long again."""
        self._listen()

    def rest(self) -> None:
        """Nothing is due any more."""
        self._patience = None
        self._listen()

    def close(self) -> None:
        """Lets go of the socket. To be called once."""
        self.rest()
        self._loop.remove_reader(self._pipe)
        self._loop.remove_writer(self._pipe)
        self._pipe.close()

    def _put(self, number: int, data: bytes) -> None:
        more = framed(number, data)
        self._unsent = memoryview(b"".join((self._unsent, more)) if self._unsent else more)

    def _write(self) -> None:
        """Sends, and gives the worker its time anew."""
        self._listen()
        self._push()

    def _push(self) -> None:
        """Sends what the socket takes; the rest when it is writable again."""
        try:
            while self._unsent:
                self._unsent = self._unsent[self._pipe.send(self._unsent[:PIECE]) :]
        except BlockingIOError:
            self._loop.add_writer(self._pipe, self._write)
            self._writing = True
            return
        except OSError:
            self._unsent = memoryview(b"")  # the reader sees the end, too, and tells
        if self._writing:
            self._loop.remove_writer(self._pipe)
            self._writing = False

    def _readable(self) -> None:
        try:
            size = self._pipe.recv_into(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            size = 0
        if not size:
            self._lost("ended", False)
            return
        try:
            messages = self._inbox.feed(_PIECE[:size])
            if not messages:
                self._listen()
            for number, data in messages:
                self._heard(number, data)
        except Nonsense:
            self._lost("answered nonsense", True)

    def _listen(self) -> None:
        """Gives the worker its time anew: it has taken or sent something."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._patience is not None:
            self._silence = Silence(*self._patience) if self._pid else Silence(*self._patience, step=math.inf)
            self._look_later()

    def _look_later(self) -> None:
        step = self._silence.next
        due = self._loop.time() + step
        self._alarm = self._loop.call_at(due, self._look, due, step)

    def _look(self, due: float, step: float) -> None:
        if self._loop.time() - due > LATE:
            self._listen()  # this loop is late itself: it was stopped, or the whole machine was
            return
        why = self._silence.look(step, UNSEEN if self._pid is None else glance(self._pid))
        if why is None:
            self._look_later()
        else:
            self._lost(why, why == WAS_BUSY)  # whatever it waits for (a card, memory): no task makes it wait

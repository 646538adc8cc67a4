"""One feature's process for whoever has time: asked call by call, waited for, and killed when it takes too long.

The same process, limits and watch as in the lane; there a loop never waits, here there is nothing else to do.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from pickle import dumps

from ..process import Process, spawn
from ..wire import READY, Inbox, Nonsense, framed, room
from .answers import LARGEST, Answer, read
from .ends import GRACE, how
from .runner import IMPORT
from .warden import serve
from .work import NoFeature

PATIENCE = 60.0  # s for a call: nobody waits for its answer


class Missed(Exception):
    """There is no answer, and no process any more; the text is a clause: "did not answer within 60 s"."""


class Asked:
    """Keeps at most one process. order: what it has to import, see work.py."""

    def __init__(self, order: bytes) -> None:
        """Starts it. Raises NoFeature where the function cannot be had, or no process can start for it."""
        self._order = order
        self._process: Process | None = None
        self._inbox, self._piece = Inbox(LARGEST), room()
        self._start()

    def ask(self, times: bytes, values: bytes, new: int) -> Answer:
        """What the function answers for the newest `new` readings. Raises Missed."""
        if self._process is None:
            try:
                self._start()
            except NoFeature as error:
                raise Missed(str(error)) from None
        try:
            answer = read(self._said(1, dumps([(new, times, values)], 5), PATIENCE), new)
        except TimeoutError:
            self.end()
            raise Missed(f"did not answer within {PATIENCE:.0f} s") from None
        except ConnectionError:
            raise Missed(how(self.end())) from None
        except Nonsense:
            self.end()
            raise Missed("disturbed the gateway's socket") from None
        if answer.worn:
            self.end()
        return answer

    def end(self) -> int | None:
        """Ends the process, and all that it has started. Gives its exit code, minus the signal, where it is known."""
        if self._process is None:
            return None
        process, self._process = self._process, None
        process.pipe.close()  # at which what watches over it kills it
        process.process.join(GRACE)
        process.kill()
        process.process.join()
        code = process.code
        process.crashed()  # lets go of it
        return code

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = spawn(serve, theirs)
            except OSError as error:
                ours.close()
                raise NoFeature(str(error)) from None
        threading.Thread(target=_printed, args=(ours,), daemon=True).start()
        self._inbox = Inbox(LARGEST)
        why = ""
        try:
            if wrong := self._said(READY, self._order, IMPORT):
                why = wrong[:400].decode(errors="replace")
        except TimeoutError:
            why = f"was not imported within {IMPORT:.0f} s"
        except (ConnectionError, Nonsense):
            why = how(self.end())
        if why:
            self.end()
            raise NoFeature(why)

    def _said(self, number: int, data: bytes, patience: float) -> bytes:
        """The answer to a message. Raises TimeoutError, ConnectionError, Nonsense."""
        assert self._process is not None
        pipe, end = self._process.pipe, time.monotonic() + patience
        pipe.settimeout(patience)
        pipe.sendall(framed(number, data))
        while True:
            pipe.settimeout(max(0.001, end - time.monotonic()))
            size = pipe.recv_into(self._piece)
            if not size:
                raise ConnectionResetError
            for said, answer in self._inbox.feed(self._piece[:size]):
                if said != number:
                    raise Nonsense(f"nobody waits for message {said}")
                return answer


def _printed(pipe: socket.socket) -> None:
    """What the process prints goes to standard error, until it ends."""
    with pipe:
        while piece := pipe.recv(65_536):
            os.write(2, piece)

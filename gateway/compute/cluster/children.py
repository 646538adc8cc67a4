"""On a worker of the cluster: a process of a user's own feature, with limits and a warden as on the gateway.

So a feature that crashes, hangs or leaks ends its own process there and not the worker.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from ..custom.answers import LARGEST
from ..custom.ends import how
from ..wire import READY, Inbox, Nonsense, framed, room
from ..worker import STDERR

IMPORT = 30.0  # s for the import of a module
PARTING = 2.0  # s for a process to end, once its socket is closed
MODULE = "gateway.compute.cluster.child"


class Gone(Exception):
    """A process has ended, is silent for too long, or talks nonsense; the text is a clause."""


class Child:
    """A process that has imported the feature. order: see work.py, with `deadline` in s. Raises Gone."""

    def __init__(self, order: str, folder: Path) -> None:
        told = json.loads(order)
        self.since = 0.0  # when it had nothing to do any more
        self._deadline = float(told["deadline"])
        self._pipe, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", MODULE, str(theirs.fileno())], pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL, stdout=STDERR, env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
            )  # fmt: skip
        self._inbox, self._piece = Inbox(LARGEST), room()
        if why := self._said(READY, json.dumps(told | {"folder": str(folder)}).encode(), IMPORT, "was not imported"):
            self.end()
            raise Gone(why.decode(errors="replace"))

    def waits(self) -> bool:
        """Whether it is there and silent, as one that has nothing to do."""
        look = select.poll()
        look.register(self._pipe, select.POLLIN)
        return not look.poll(0)

    def ask(self, call: bytes) -> bytes:
        """What it answers to a call, as work.py takes them. Raises Gone."""
        return self._said(1, call, self._deadline, "did not answer")

    def _said(self, number: int, data: bytes, patience: float, late: str) -> bytes:
        end = time.monotonic() + patience
        try:
            self._pipe.settimeout(patience)
            self._pipe.sendall(framed(number, data))
            while size := self._pipe.recv_into(self._piece):
                for said in self._inbox.feed(self._piece[:size]):
                    return said[1]
                self._pipe.settimeout(max(0.001, end - time.monotonic()))
        except TimeoutError:
            self.end()
            spent = f"{patience * 1000:.0f} ms" if patience < IMPORT else f"{patience:.0f} s"
            raise Gone(f"{late} within {spent}") from None
        except Nonsense:
            self.end()
            raise Gone("disturbed the gateway's socket") from None
        except OSError:
            pass
        raise Gone(how(self.end()))

    def end(self) -> int | None:
        """Ends it and all that it has started; gives how it ended, see ends.how."""
        self._pipe.close()  # at which the warden kills all that is below it
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(PARTING)
        self._process.kill()
        self._process.wait()
        return None

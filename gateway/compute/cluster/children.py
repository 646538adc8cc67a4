"""On a worker of the cluster: the processes of users' own features, each with limits and a warden as on the gateway.

So a feature that crashes, hangs or leaks ends its own process there and not the worker. One thread asks a process at a
time; a worker with several threads has as many of each feature.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from ..custom.answers import LARGEST, bad
from ..custom.ends import how
from ..wire import READY, Inbox, Nonsense, framed, room
from ..worker import STDERR
from .modules import laid_out, mark_of

IMPORT = 30.0  # s for the import of a module
UNUSED = 600.0  # s after which a process that nothing was asked of is ended
PARTING = 2.0  # s for a process to end, once its socket is closed
MODULE = "gateway.compute.cluster.child"

_lock = threading.Lock()
_folders: dict[str, Path] = {}  # of modules that are laid out, by their mark
_idle: dict[tuple[str, str], list[Child]] = defaultdict(list)  # by order and mark, the latest used last


class Gone(Exception):
    """A process has ended, is silent for too long, or talks nonsense; the text is a clause."""


def prepared(place: str, order: str, modules: bytes) -> str:
    """See there.py."""
    mark = mark_of(modules)
    with _lock:
        if mark not in _folders:
            folder = Path(tempfile.mkdtemp(prefix="gateway-features-", dir=place))
            laid_out(modules, folder)
            _folders[mark] = folder
    try:
        child = Child(order, _folders[mark])
    except Gone as error:
        return str(error)
    _back(order, mark, child)
    return ""


def called(order: str, mark: str, call: bytes) -> bytes:
    """See there.py."""
    with _lock:
        folder = _folders[mark]
        idle = _idle[order, mark]
        child = idle.pop() if idle else None
    try:
        child = child or Child(order, folder)
        said = child.ask(call)
    except Gone as error:
        return bad(str(error), False)
    if said[1:2] == b"+":  # it has used up its memory
        child.end()
    else:
        _back(order, mark, child)
    return said


def _back(order: str, mark: str, child: Child) -> None:
    """It has nothing to do. Those of all features that had nothing to do for long are ended: of a reload, of a gateway
    that has gone."""
    now = time.monotonic()
    child.since = now
    old: list[Child] = []
    with _lock:
        _idle[order, mark].append(child)
        for idle in _idle.values():
            old += [one for one in idle if now - one.since > UNUSED]
            idle[:] = [one for one in idle if now - one.since <= UNUSED]
    for one in old:
        one.end()


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

"""How many have a device open that is not ours: told by the kernel (inotify(7)), whoever they are.

/proc shows a user the descriptors of that user's own programs alone, and a service with a sandbox not even those; most
programs that write a board's firmware take no lock. That a device was opened and closed is told to whoever may read it.
Two openings, or two ends, in the same moment may be told as one, so the number is a good guess and no proof.
"""

import asyncio
import ctypes  # only a gateway that lends a port imports this file
import os
import struct
import time
from collections.abc import Callable

from .identity import Node, node

IN_CLOSE_WRITE, IN_CLOSE_NOWRITE, IN_OPEN = 0x08, 0x10, 0x20
HEAD = struct.Struct("iIII")  # watch, mask, cookie, bytes of the name behind it
PIECE = 4096  # bytes


class Opens:
    """Counts from now on who opens what `path` leads to. changed: called when `others` may be another number.

    Where the kernel has no such watch for us, nobody is counted.
    """

    def __init__(self, path: str, changed: Callable[[], None]) -> None:
        self.others = 0
        self.latest = time.monotonic()  # when that was told last; s
        self._path, self._changed = path, changed
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._watch = -1
        self._node: Node | None = None
        self._fd = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._loop = asyncio.get_running_loop()
        if self._fd >= 0:
            self._loop.add_reader(self._fd, self.look)
        self.look()

    def look(self) -> None:
        """Takes in what has happened; and sees whether another device is there by now, of which nobody was seen yet."""
        before = self.others
        self._take()
        if (found := node(self._path)) is None or self._node is None or found[:2] != self._node[:2]:
            self._watch_anew(found)
        if self.others != before:
            self.latest = time.monotonic()
            self._changed()

    def _take(self) -> None:
        while self._fd >= 0:
            try:
                data = os.read(self._fd, PIECE)
            except BlockingIOError:
                return
            while data:
                watch, mask, _, size = HEAD.unpack_from(data)
                data = data[HEAD.size + size :]
                if watch == self._watch:
                    self.others += bool(mask & IN_OPEN)
                    if mask & (IN_CLOSE_WRITE | IN_CLOSE_NOWRITE):  # also of one that had it open before
                        self.others = max(0, self.others - 1)

    def _watch_anew(self, found: Node | None) -> None:
        if self._watch >= 0:
            self._libc.inotify_rm_watch(self._fd, self._watch)
        self._watch, self._node, self.others = -1, found, 0
        if found is not None and self._fd >= 0:
            events = IN_OPEN | IN_CLOSE_WRITE | IN_CLOSE_NOWRITE
            self._watch = self._libc.inotify_add_watch(self._fd, os.fsencode(self._path), events)

    def close(self) -> None:
        """Counts no more."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1
